"""A target that runs: its addresses, its probes, and how it is stopped."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from harness.core.errors import ProbeError, TargetError, UsageError
from harness.core.names import Capability, System
from harness.core.profile import Profile
from harness.core.user import User
from harness.servers.service import Service

from .beside import close_services
from .tokens import mint

PROBE_LIMIT_S = 15.0
STORE_SETTING, SECRET_SETTING = "DATABASE_URL", "JWT_SECRET"
"""Settings of a target that is started by the harness: where its store is, and what its tokens are signed with."""

Again = Callable[[Mapping[str, str | None]], Awaitable["Target"]]
"""Starts another instance of a target, with these changes to its settings."""


class Target:
    """A running system under test.

    ``urls`` are the base addresses by system; ``stop`` ends what the harness started; ``secrets`` (value: kind) must
    never reach a disk; ``jwt_secret`` signs tokens where the profile lets us mint them; ``again`` starts another
    instance with other settings; ``services`` stand between the target and services of its own, and end with it.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        urls: Mapping[System, str],
        probe_url: str = "",
        jwt_secret: str = "",
        secrets: Mapping[str, str] | None = None,
        stop: Callable[[], Awaitable[None]] | None = None,
        again: Again | None = None,
        services: Mapping[str, Service] | None = None,
    ) -> None:
        self.profile = profile
        self.services = dict(services or {})
        self.urls = urls
        self.jwt_secret = jwt_secret
        self.secrets = dict(secrets or {})
        self._probe_url = probe_url.rstrip("/")
        self._stop = stop
        self._again = again
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_LIMIT_S))

    def url(self, system: System) -> str:
        """The base address of one of the target's systems."""
        return self.urls[system]

    def has(self, capability: Capability) -> bool:
        """Whether the profile declares the capability."""
        return capability in self.profile.capabilities

    async def user(self, *, credits: int, tier: str = "free", role: str = "user") -> User:
        """A user with that balance, tier and role: made by the probe, or the profile's own where none can be made.

        Raises:
            ProbeError: the target refused to make one.
            UsageError: none can be made and the environment holds no token.
        """
        if self.has(Capability.ACCOUNTS):
            made = await self._ask("POST", "/users", json={"credits": credits, "tier": tier, "role": role})
            return User(str(made["user_id"]), str(made["token"]))
        variable = self.profile.auth.supervisor_token_env if role == "supervisor" else self.profile.auth.token_env
        return User(None, self._from_environment("token", "auth.token_env", variable))

    async def project(self, user: User) -> str:
        """The id of a project of that user's: made by the probe, or the profile's own where none can be made.

        Raises:
            ProbeError: the target refused to make one.
            UsageError: none can be made and the environment holds no id.
        """
        if self.has(Capability.ACCOUNTS):
            made = await self._ask("POST", "/projects", json={"user_id": user.id})
            return str(made["project_id"])
        return self._from_environment("project", "auth.project_env", self.profile.auth.project_env)

    def token(self, kind: str, user_id: str) -> str:
        """A token of a kind (``expired``, ``unsigned``, ...) for a user; see ``targets.tokens``."""
        return mint(kind, user_id, self.jwt_secret)

    async def ledger(self, user_id: str, wait_s: float) -> Any:
        """The ``ledger`` probe, once the user's calls are over or ``wait_s`` has passed."""
        return await self._ask("GET", "/ledger", params={"user": user_id, "wait_s": str(wait_s)})

    async def log(self, user_id: str) -> Any:
        """The ``log`` probe: the log lines of the user's calls."""
        return await self._ask("GET", "/log", params={"user": user_id})

    async def resources(self, wait_s: float) -> Any:
        """The ``resources`` probe, once all calls are over or ``wait_s`` has passed."""
        return await self._ask("GET", "/resources", params={"wait_s": str(wait_s)})

    async def advance(self, seconds: float) -> None:
        """Let so much time pass for the target, at once."""
        await self._ask("POST", "/clock", json={"advance_s": seconds})

    async def store(self, available: bool) -> None:
        """Take the target's store away, or bring it back."""
        await self._ask("POST", "/store", json={"available": available})

    async def startup(self) -> Any:
        """The ``startup`` probe: what the target said when it started, ``{"banner": [lines]}``."""
        return await self._ask("GET", "/startup")

    async def try_start(self, settings: Mapping[str, str | None]) -> Any:
        """Start another instance with these settings, and stop it: ``{"started", "banner", "error"}``.

        An instance that does not come up is no failure of ours: ``error`` has its words.

        Raises:
            UsageError: this target is not ours to start.
        """
        if self._again is None:
            raise UsageError(f"target '{self.profile.name}' cannot be started again", where="variant")
        try:
            other = await self._again(settings)
        except TargetError as refused:
            return {"started": False, "banner": [], "error": refused.what}
        try:
            said = await other.startup()
        finally:
            await other.close()
        return {"started": True, "banner": said.get("banner", []), "error": None}

    @asynccontextmanager
    async def twins(self, settings: Mapping[str, str | None]) -> AsyncIterator[tuple[Target, Target]]:
        """Two other instances with these settings on one store, each of which knows the other's users.

        What one of them leaves when it is stopped, the other shows. Both are closed at the end; their secrets are this
        one's too.

        Raises:
            TargetError: one does not come up.
            UsageError: this target is not ours to start.
        """
        if self._again is None:
            raise UsageError(f"target '{self.profile.name}' cannot be started again", where="variant")
        async with AsyncExitStack() as ending:
            folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="harness-store-"))
            shared: dict[str, str | None] = {SECRET_SETTING: secrets.token_hex(32), **settings}
            if not {**self.profile.settings, **settings}.get(STORE_SETTING):
                shared[STORE_SETTING] = f"sqlite:///{Path(folder) / 'store.sqlite3'}"
            made = []
            for _ in range(2):
                made.append(await self._again(shared))
                ending.push_async_callback(made[-1].close)
                self.secrets |= made[-1].secrets
            yield made[0], made[1]

    async def close(self) -> None:
        """Stop what the harness started, and let go of the target; once, whoever asks again."""
        await self._session.close()
        stop, self._stop = self._stop, None
        if stop is not None:
            await stop()
        await close_services(self.services.values())

    def _from_environment(self, what: str, where: str, variable: str) -> str:
        value = os.environ.get(variable, "") if variable else ""
        if not value:
            fix = f"Set the environment variable {variable or f'that {where} should name'}."
            raise UsageError(f"no {what} for target '{self.profile.name}'", where=where, fix=fix)
        return value

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        if not self._probe_url:
            raise ProbeError("the target has no probe", where=self.profile.name, fix="Set probe_url in its profile.")
        where = f"{method} {self._probe_url}{path}"
        try:
            async with self._session.request(method, self._probe_url + path, **options) as response:
                if response.status >= 400:
                    raise ProbeError(f"the probe answered {response.status}: {await response.text()}", where=where)
                return await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
            raise ProbeError(
                f"the probe did not answer: {type(failure).__name__} {failure}",
                where=where,
                fix="Is the target still running?",
            ) from failure


def unreachable(profile: Profile, why: str) -> TargetError:
    """The error for a target that does not come up."""
    return TargetError(why, where=f"target '{profile.name}'", fix="Try 'harness list targets', or start it by hand.")
