"""``harness serve``: the reference backend for hand use."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from .output import say

if TYPE_CHECKING:
    from harness.core.names import System
    from harness.core.profile import Profile


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("serve")(serve)


def serve(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="The system to serve.")] = "gateway",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    defect: Annotated[str | None, typer.Option("--defect", help="Switch a defect on.")] = None,
    fault: Annotated[str, typer.Option("--fault", help="What its simulated providers do wrong.")] = "none",
) -> int:
    """Serve a system of the reference backend, its providers simulated, until Ctrl-C."""
    from harness.core.errors import UnknownName, UsageError
    from harness.core.fault import FAULTS
    from harness.core.names import System
    from harness.suite.serve import serve as serve_system
    from harness.targets.profiles import find_profile

    from .running import _profile

    _profile("reference", defect)
    if system not in set(System):
        raise UnknownName("system", system, list(System))
    if fault not in FAULTS:
        raise UnknownName("fault", fault, FAULTS)
    profile = find_profile("reference")
    if System(system) not in profile.systems:
        raise UsageError(
            f"the reference backend does not serve '{system}' yet", fix=f"It serves: {', '.join(profile.systems)}."
        )
    if fault not in _faults(System(system), profile):
        raise UsageError(
            f"no provider of {system} can do '{fault}'", fix=f"'harness explain {fault}' says whose it is."
        )
    asyncio.run(serve_system(profile, System(system), port=port, defect=defect, fault=FAULTS[fault], told=say))
    return 0


def _faults(system: System, profile: Profile) -> frozenset[str]:
    """The faults that mean something to a system as the profile has it."""
    from harness import scenarios

    own = [one for one in scenarios.load().values() if one.system is system]
    providers = profile.systems[system].providers
    return frozenset(fault.id for one in own for provider in providers for fault in one.fault_list(provider))
