"""What a stage asks of the running target; ``targets.running.Target`` is one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from harness.core.names import Capability, System
from harness.core.profile import Profile
from harness.core.user import User
from harness.servers.service import Service


class Host(Protocol):
    """A running target as scenarios see it."""

    @property
    def profile(self) -> Profile:
        """What the target is and promises."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """What must never reach a disk, value by kind."""

    @property
    def services(self) -> Mapping[str, Service]:
        """What stands between the target and services of its own, by the service's name."""

    def url(self, system: System) -> str:
        """The base address of a system."""

    def has(self, capability: Capability) -> bool:
        """Whether the target has a capability."""

    async def user(self, *, credits: int, tier: str = "free", role: str = "user") -> User:
        """A user with that balance, tier and role."""

    async def project(self, user: User) -> str:
        """The id of a project of that user's."""

    def token(self, kind: str, user_id: str) -> str:
        """A token of a kind, right or wrong."""

    async def ledger(self, user_id: str, wait_s: float) -> Any:
        """The ``ledger`` probe."""

    async def log(self, user_id: str) -> Any:
        """The ``log`` probe."""

    async def resources(self, wait_s: float) -> Any:
        """The ``resources`` probe."""

    async def advance(self, seconds: float) -> None:
        """Let so much time pass for the target, at once."""

    async def store(self, available: bool) -> None:
        """Take the target's store away, or bring it back."""

    async def startup(self) -> Any:
        """The ``startup`` probe."""

    def twins(self, settings: Mapping[str, str | None]) -> AbstractAsyncContextManager[tuple[Host, Host]]:
        """Two other instances with these settings on one store, closed at the end."""

    async def close(self) -> None:
        """Stop it, and let go of it."""

    async def try_start(self, settings: Mapping[str, str | None]) -> Any:
        """What comes of starting another instance with these settings."""
