"""What all systems of one backend share, made and ended together."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TextIO

from .accounts import Accounts
from .auth import Authenticator
from .clients import ProviderClients
from .clock import CLOCKS, Clock
from .flights import Flights
from .google import GoogleTokens
from .log import CallLog, Scrubber
from .parts import Parts
from .projects import Projects
from .providers import Provider, load_providers
from .settings import Settings
from .store import Store
from .upstream import Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The shared instances. ``banner`` is what was said at start-up, a line a setting.

    ``served`` are the addresses of this backend's own services, once it listens.
    """

    settings: Settings
    accounts: Accounts
    authenticator: Authenticator
    banner: tuple[str, ...]
    clients: ProviderClients
    clock: Clock
    flights: Flights
    google: GoogleTokens
    log: CallLog
    projects: Projects
    providers: Mapping[str, Provider]
    scrubber: Scrubber
    store: Store
    upstream: Upstream
    served: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def open_common(settings: Settings, parts: Parts) -> AsyncIterator[Common]:
    """Make them; at the end close the connections to providers and the store."""
    async with AsyncExitStack() as ending:
        store = await parts.store.open(settings.database_url)
        ending.push_async_callback(store.close)
        clients = parts.clients(settings)
        ending.push_async_callback(clients.close)
        clock = CLOCKS[settings.clock]()
        google = parts.google(settings, clock, clients)
        scrubber = parts.scrubber(settings.secrets())
        log = parts.log(scrubber, _stream(settings.log_stream))
        yield Common(
            settings=settings,
            accounts=parts.accounts(store),
            authenticator=parts.authenticator(settings.jwt_secret),
            banner=_announced(log, parts.banner().lines(settings)),
            clients=clients,
            clock=clock,
            flights=parts.flights(),
            google=google,
            log=log,
            projects=parts.projects(store),
            providers=await load_providers(store, settings),
            scrubber=scrubber,
            store=store,
            upstream=parts.upstream(clients, google),
        )


def _announced(log: CallLog, banner: list[str]) -> tuple[str, ...]:
    """The banner, once it is in the log."""
    for line in banner:
        log.write(None, {"event": "startup", "line": line})
    return tuple(banner)


def _stream(name: str) -> TextIO | None:
    return {"stderr": sys.stderr, "stdout": sys.stdout}.get(name)
