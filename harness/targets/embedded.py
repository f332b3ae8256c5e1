"""The embedded target: the reference backend in a child process, over real TCP.

A fork server imports the backend once; each instance (a run has one for every variant of the settings, the defect
matrix one for every defect) is then forked from it in a few milliseconds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import secrets
from collections.abc import Iterable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from harness.backend.serve import child
from harness.core.names import Provider
from harness.core.profile import Profile
from harness.servers.service import Service

from .beside import SETTINGS
from .running import SECRET_SETTING, Again, Target, unreachable
from .service_account import service_account

START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
PROVIDER_SETTINGS = {
    Provider.OPENAI: ("OPENAI_API_URL", ""),
    Provider.GROQ: ("GROQ_API_URL", "/openai/v1"),
    Provider.COMPATIBLE: ("OPENAI_BASE_URL", ""),
    Provider.ANTHROPIC: ("ANTHROPIC_API_URL", ""),
    Provider.BEDROCK: ("BEDROCK_URL", ""),
    Provider.VERTEX: ("VERTEX_API_URL", ""),
    Provider.CHATKIT: ("CHATKIT_API_URL", ""),
}
"""The backend's setting for a provider's address, and what its client library wants behind the base URL."""
KEY_SETTINGS = (
    "OPENAI_API_KEY",
    "GROQ_API_KEY",
    "ANTHROPIC_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)

_context = multiprocessing.get_context("forkserver")


_OWN_LIBRARY = (Provider.ANTHROPIC, Provider.BEDROCK, Provider.CHATKIT, Provider.VERTEX)
_warm: set[Provider] = set()


def warm(providers: Iterable[Provider]) -> None:
    """Have the fork server import the libraries of these providers too. Counts until the first instance is started.

    Where nobody said which, those of all that the target has: an instance that needs another imports it then.
    """
    _warm.update(providers)
    names = ["openai", *(provider.value for provider in _OWN_LIBRARY if provider in _warm), "last"]
    _context.set_forkserver_preload([f"harness.backend.warm.{name}" for name in names])


async def launch_embedded(
    profile: Profile,
    providers: Mapping[Provider, str],
    *,
    defect: str | None = None,
    settings: Mapping[str, str | None] | None = None,
    port: int = 0,
    again: Again | None = None,
    services: Mapping[str, Service] | None = None,
) -> Target:
    """Start an instance with its providers at these addresses; ``settings`` change the profile's, None removes one.

    ``services`` stand between it and its own, which come up with it.

    Raises:
        TargetError: it did not come up; the child's own words are in the message.
    """
    jwt_secret = (settings or {}).get(SECRET_SETTING) or secrets.token_hex(32)
    keys = {name: f"key-{secrets.token_hex(20)}" for name in KEY_SETTINGS}
    between = dict(services or {})
    mapping = {SETTINGS[name]: service.url for name, service in between.items()}
    ours, theirs = _context.Pipe()
    systems = tuple(system.value for system in profile.systems)
    with service_account(providers.get(Provider.VERTEX)) as account:
        mapping |= _settings(profile, providers, jwt_secret, {**keys, **account}, settings or {})
        if not _warm:
            warm(provider for system in profile.systems.values() for provider in system.providers)
        process = _context.Process(target=child, args=(theirs, mapping, systems, defect, port), daemon=True)
        await asyncio.to_thread(process.start)
        theirs.close()
        addresses = await _addresses(profile, ours, process)
    for name, service in between.items():
        service.forward(addresses[name])

    async def stop() -> None:
        ours.close()
        await _stopped(process)

    return Target(
        profile,
        urls={system: addresses[system.value] for system in profile.systems},
        probe_url=addresses["probe"],
        jwt_secret=jwt_secret,
        secrets={**dict.fromkeys(keys.values(), "provider-key"), jwt_secret: "jwt-secret"},
        stop=stop,
        again=again,
        services=between,
    )


async def _addresses(profile: Profile, connection: Connection, process: ForkServerProcess) -> Any:
    """Where a new process listens. Raises TargetError where it does not come up: it is stopped then."""
    try:
        addresses = await asyncio.wait_for(_receive(connection), START_LIMIT_S)
    except (EOFError, OSError, TimeoutError) as failure:
        connection.close()
        await _stopped(process)
        raise unreachable(profile, f"the child process ended before it was ready ({type(failure).__name__})") from None
    if "error" in addresses:
        connection.close()
        await _stopped(process)
        raise unreachable(profile, f"the child process refused to start: {addresses['error']}")
    return addresses


def _settings(
    profile: Profile,
    providers: Mapping[Provider, str],
    jwt_secret: str,
    keys: Mapping[str, str],
    changes: Mapping[str, str | None],
) -> dict[str, str]:
    mapping: dict[str, str | None] = dict(profile.settings)
    mapping[SECRET_SETTING] = jwt_secret
    mapping |= keys
    mapping["OPENAI_CUSTOM_PROVIDER_NAME"] = Provider.COMPATIBLE.value
    for provider, url in providers.items():
        if provider in PROVIDER_SETTINGS:
            name, path = PROVIDER_SETTINGS[provider]
            mapping[name] = url + path
    mapping.update(changes)
    return {key: value for key, value in mapping.items() if value is not None}


async def _receive(connection: Connection) -> Any:
    """What the child says first, without a thread that could not be cancelled."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection.fileno())
    return connection.recv()


async def _stopped(process: ForkServerProcess) -> None:
    await asyncio.to_thread(process.join, STOP_LIMIT_S)
    if process.is_alive():
        process.kill()
        await asyncio.to_thread(process.join)
    process.close()
