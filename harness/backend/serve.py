"""Serving systems of the backend until told to stop: in this process, or as a child of another."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from .accounting import app as accounting
from .agent import app as agent
from .chat import app as chat
from .common import Common, open_common
from .defects import defective
from .gateway import app as gateway
from .parts import Parts
from .providers import Provider
from .resources import Census
from .runs import app as runs
from .server_log import server_logger
from .settings import Settings, SettingsError
from .site import Site
from .workflow import app as workflow

Addresses = Mapping[str, str]
"""System (or service beside one) -> base URL, and ``probe`` -> the probe's."""

ASKS_ANY = frozenset({"agent", "gateway"})
"""The systems that have several providers; the others import the library of their one with themselves."""
WARM = "harness.backend.warm"
PROBE = "probe"
LAST_WAIT_S = 1.0  # for what aiohttp still writes once no call is in flight


async def _agent(common: Common, parts: Parts) -> web.Application:
    return agent.build(common, parts.agent)


async def _accounting(common: Common, parts: Parts) -> web.Application:
    return await accounting.build(common, parts.chat)


async def _chat(common: Common, parts: Parts) -> web.Application:
    return await chat.build(common, parts.chat)


async def _gateway(common: Common, parts: Parts) -> web.Application:
    return await gateway.build(common, parts.gateway)


async def _runs(common: Common, parts: Parts) -> web.Application:
    return runs.build(common, parts.runs)


async def _workflow(common: Common, parts: Parts) -> web.Application:
    return workflow.build(common, parts.workflow)


SYSTEMS: Mapping[str, Callable[[Common, Parts], Awaitable[web.Application]]] = {
    "agent": _agent,
    "chat": _chat,
    "gateway": _gateway,
    "runs": _runs,
    "workflow": _workflow,
}
"""The systems that this backend has."""

BESIDE: Mapping[str, Mapping[str, Callable[[Common, Parts], Awaitable[web.Application]]]] = {
    "chat": {chat.ACCOUNTING: _accounting}
}
"""System -> the services of its own that are served beside it. They serve on while the systems drain."""


async def serve(
    settings: Settings,
    *,
    systems: Sequence[str] = ("gateway",),
    defect: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    probe_port: int = 0,
    forked: bool = False,
    ready: Callable[[Addresses], None],
    stop: asyncio.Event,
) -> None:
    """Serve until ``stop`` is set, then drain: no new calls, running ones may end within ``settings.drain_s``,
    and have to after ``settings.grace_s`` of it.

    Each system has its own port, the first one ``port`` (0: any free one), and so has each service beside one.
    ``ready`` is called once with all addresses. ``defect`` names the part that is to be wrong. ``forked``: this process
    was forked from one that has imported what there is time for; else the libraries of the providers that there are
    keys for are imported before anything is served, and no call waits for them.

    Raises:
        SettingsError: there is no such system or defect, or a system lacks a setting.
        OSError: an address cannot be listened on.
        SQLAlchemyError: the store cannot be opened.
    """
    parts = parts_of(defect)
    unknown = sorted(set(systems) - set(SYSTEMS))
    if unknown or not systems:
        raise SettingsError(f"there is no system {', '.join(unknown) or 'to serve'}; there are: {', '.join(SYSTEMS)}")
    async with open_common(settings, parts) as common:
        apps = {system: await SYSTEMS[system](common, parts) for system in systems}
        for system in systems:
            apps |= {name: await build(common, parts) for name, build in BESIDE.get(system, {}).items()}
        if not forked:
            preload(systems, common.providers.values())
        apps[PROBE] = parts.probe(common, parts.statements(common.store), Census(common)).app()
        ports = {system: port if number == 0 else 0 for number, system in enumerate(systems)} | {PROBE: probe_port}
        async with _listening(apps, ports, host, server_logger(common.log)) as (addresses, runners):
            common.served.update(addresses)
            ready(addresses)
            await stop.wait()
            await _drain(common, {name: runner for name, runner in runners.items() if name in systems})
        await common.flights.idle(LAST_WAIT_S)  # a call that was cut all the same ends its hold before the store closes


def preload(systems: Sequence[str], providers: Iterable[Provider]) -> None:
    """Import what speaks with the providers that can be asked, where a system is served that asks any of them."""
    if not ASKS_ANY.isdisjoint(systems):
        for speaks in {provider.speaks for provider in providers if provider.api_key}:
            importlib.import_module(f"{WARM}.{speaks.value}")


def parts_of(defect: str | None) -> Parts:
    """The parts of a backend, one of them wrong where a defect is named. Raises SettingsError for an unknown one."""
    return defective(defect) if defect is not None else Parts()


@asynccontextmanager
async def _listening(
    apps: Mapping[str, web.Application], ports: Mapping[str, int], host: str, logger: logging.Logger
) -> AsyncIterator[tuple[Addresses, Mapping[str, web.AppRunner]]]:
    runners: dict[str, web.AppRunner] = {}
    addresses: dict[str, str] = {}
    try:
        for name, app in apps.items():
            runner = web.AppRunner(
                app, access_log=None, handler_cancellation=True, logger=logger, shutdown_timeout=LAST_WAIT_S
            )
            runners[name] = runner
            await runner.setup()
            await Site(runner, host, ports.get(name, 0), logger).start()
            addresses[name] = f"http://{host}:{runner.addresses[0][1]}"
        yield addresses, runners
    finally:
        for runner in runners.values():
            await runner.cleanup()


async def _drain(common: Common, runners: Mapping[str, web.AppRunner]) -> None:
    """Stop listening, then let the running calls end or make them."""
    for runner in runners.values():
        for site in tuple(runner.sites):
            await site.stop()
    await common.flights.drain(common.settings.drain_s, common.settings.grace_s)


def child(
    connection: Connection, mapping: Mapping[str, str], systems: Sequence[str], defect: str | None, port: int = 0
) -> None:
    """The body of a child process: sends its addresses, or ``{"error": str}``, and serves until told to stop.

    It stops, by draining, when the other end of ``connection`` says anything or is closed, and on SIGTERM. SIGINT is
    the parent's to handle. Its log goes nowhere but the probe, unless the mapping's ``LOG_STREAM`` says otherwise.

    ``mapping`` is its environment: nothing is read from this process' own. It may hold ``ENV_FILE`` or
    ``ENV_FILE_TEXT`` (see ``Configuration``); what is wrong there is told like every refusal to start, for example
    ``{"error": "SettingsError: .env line 2: GROQ_DEFAULT_MODEL and PORT have run together; ..."}``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        settings = parts_of(defect).configuration().settings({"LOG_STREAM": "none", **mapping})
        asyncio.run(_child(connection, settings, systems, defect, port))
    except (SettingsError, OSError, SQLAlchemyError) as failure:
        with suppress(OSError):
            connection.send({"error": f"{type(failure).__name__}: {failure}"})
    finally:
        connection.close()


async def _child(
    connection: Connection, settings: Settings, systems: Sequence[str], defect: str | None, port: int
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(connection.fileno(), stop.set)
    try:
        await serve(settings, systems=systems, defect=defect, port=port, forked=True, ready=connection.send, stop=stop)
    finally:
        loop.remove_reader(connection.fileno())
        loop.remove_signal_handler(signal.SIGTERM)
