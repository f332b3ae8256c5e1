"""From a profile to a running target."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.errors import UsageError
from harness.core.names import Provider
from harness.core.profile import Launch, Profile

from .beside import close_services, open_services
from .command import attach, launch_command
from .running import Target


async def launch(
    profile: Profile,
    providers: Mapping[Provider, str],
    *,
    defect: str | None = None,
    settings: Mapping[str, str | None] | None = None,
    port: int = 0,
) -> Target:
    """Start (or attach to) the target, its providers being at these addresses; ``port`` is for the embedded one.

    Raises:
        TargetError: it does not come up.
        UsageError: a defect or other settings were asked of a target that cannot have them.
    """

    async def again(changes: Mapping[str, str | None]) -> Target:
        return await launch(profile, providers, defect=defect, settings={**(settings or {}), **changes})

    if defect is not None and profile.launch is not Launch.EMBEDDED:
        raise UsageError(
            f"target '{profile.name}' has no defects", where="--defect", fix="Only the reference backend has."
        )
    if settings and profile.launch is Launch.URL:
        raise UsageError(f"target '{profile.name}' is already running: its settings are its own", where="variant")
    services = await open_services(profile)
    try:
        if profile.launch is Launch.EMBEDDED:
            from .embedded import launch_embedded

            return await launch_embedded(
                profile, providers, defect=defect, settings=settings, port=port, again=again, services=services
            )
        if profile.launch is Launch.COMMAND:
            return await launch_command(profile, providers, settings or {}, again=again, services=services)
        return attach(profile, services)
    except BaseException:
        await close_services(services.values())
        raise
