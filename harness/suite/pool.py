"""The running instances of one target: one for each variant of its settings, started when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from harness.core.names import Provider, System
from harness.core.profile import Profile
from harness.targets.launch import launch
from harness.targets.running import Target

PROVIDER_KEY = "provider:"
Key = tuple[tuple[str, str | None], ...]


class TargetPool:
    """Starts each variant once; ``close`` stops them all."""

    def __init__(self, profile: Profile, providers: Mapping[Provider, str], *, defect: str | None = None) -> None:
        self._profile = profile
        self._providers = providers
        self._defect = defect
        self._running: dict[Key, asyncio.Task[Target]] = {}

    async def get(self, changes: Mapping[str, str | None], system: System | None = None) -> Target:
        """The instance with these changes to its settings. A key ``provider:NAME`` moves a provider's address.

        One with changes has only the ``system`` that is named: what one system can do without another may need.

        Raises:
            TargetError: it does not come up.
        """
        only = system if changes else None
        key: Key = (("", only), *sorted(changes.items()))
        if key not in self._running:
            self._running[key] = asyncio.create_task(self._launch(changes, only))
        return await asyncio.shield(self._running[key])

    async def close(self) -> None:
        """Stop every instance, those also that are still starting."""
        started = await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()
        await asyncio.gather(*(target.close() for target in started if isinstance(target, Target)))

    async def _launch(self, changes: Mapping[str, str | None], system: System | None) -> Target:
        providers, settings = dict(self._providers), {}
        for name, value in changes.items():
            if name.startswith(PROVIDER_KEY) and value is not None:
                providers[Provider(name.removeprefix(PROVIDER_KEY))] = value
            else:
                settings[name] = value
        profile = self._profile if system is None else self._profile.only([system])
        return await launch(profile, providers, defect=self._defect, settings=settings)
