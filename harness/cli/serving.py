"""``harness serve``, ``play`` and ``proxy``: the reference backend, a recorded provider, and recording any client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import say

if TYPE_CHECKING:
    from harness.core.names import System
    from harness.core.profile import Profile


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("serve")(serve)
    app.command("play")(play)
    app.command("proxy")(proxy)


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


def play(
    path: Annotated[Path, typer.Argument(metavar="CASSETTE")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    side: Annotated[str, typer.Option("--side", help="Whose answers: provider, service, client (the backend).")] = (
        "provider"
    ),
    speed: Annotated[int, typer.Option("--speed", min=0, max=1, help="1: with the recorded gaps.")] = 1,
    any_body: Annotated[
        bool, typer.Option("--any-body", help="Answer by method and address only, in the recorded order.")
    ] = False,
) -> int:
    """Play a cassette as the provider, over a socket, until Ctrl-C: what was recorded happens to your backend again."""
    from harness.cassettes import file
    from harness.core.errors import UnknownName
    from harness.core.recording import Side
    from harness.suite.play import play as play_recording

    if side not in set(Side):
        raise UnknownName("side", side, list(Side))
    recording = file.load(path)
    asyncio.run(play_recording(recording, side=Side(side), port=port, speed=speed, any_body=any_body, told=say))
    return 0


def proxy(
    target: Annotated[str, typer.Argument(metavar="URL", help="The provider, for example https://api.openai.com.")],
    path: Annotated[Path, typer.Argument(metavar="CASSETTE", help="The file to write; it must not be there yet.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 0,
    source: Annotated[str | None, typer.Option("--source", help="What answers at a URL of this machine.")] = None,
) -> int:
    """Record what any client says to a provider, until Ctrl-C. Requests that are signed for a host cannot be passed on.

    Secrets are redacted before anything is written: known shapes, credentials in headers, and the values of
    environment variables that are named like secrets.
    """
    from harness.core.errors import UnknownName
    from harness.core.recording import Source
    from harness.suite.proxy import proxy as record

    if source is not None and source not in set(Source):
        raise UnknownName("source", source, list(Source))
    asyncio.run(record(target, path, port=port, source=Source(source) if source else None, told=say))
    return 0


def _faults(system: System, profile: Profile) -> frozenset[str]:
    """The faults that mean something to a system as the profile has it."""
    from harness import scenarios

    own = [one for one in scenarios.load().values() if one.system is system]
    providers = profile.systems[system].providers
    return frozenset(fault.id for one in own for provider in providers for fault in one.fault_list(provider))
