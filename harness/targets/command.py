"""A target that the harness starts by a command of the profile's."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import closing, suppress

import aiohttp

from harness.core.names import Provider, System
from harness.core.profile import Profile
from harness.servers.service import Service

from .running import SECRET_SETTING, Again, Target, unreachable

STOP_LIMIT_S = 10.0
READY_EVERY_S = 0.05
WORDS_KEPT = 2000


async def launch_command(
    profile: Profile,
    providers: Mapping[Provider, str],
    settings: Mapping[str, str | None],
    *,
    again: Again | None = None,
    services: Mapping[str, Service] | None = None,
) -> Target:
    """Run the profile's command and wait until ``ready_path`` answers.

    In ``command``, ``env`` and the systems' ``url`` these stand for what the harness knows: ``{port}`` a free port,
    ``{openai_url}``, ``{groq_url}``, ... the simulators' base addresses, ``{accounting_url}`` where its accounting is
    recorded, ``{jwt_secret}`` a secret made for this run, ``{python}`` the interpreter in use.

    Raises:
        TargetError: the command ended, or was not ready in time.
    """
    port = _free_port()
    settings = dict(settings)
    given = settings.pop(SECRET_SETTING, None)  # it is told by ``{jwt_secret}``, whatever name it has for it
    jwt_secret = os.environ.get(profile.auth.jwt_secret_env, "") or given or secrets.token_hex(32)
    words = {f"{provider.value}_url": url for provider, url in providers.items()}
    between = dict(services or {})
    words |= {f"{name}_url": service.url for name, service in between.items()}
    words |= {"port": str(port), "jwt_secret": jwt_secret, "python": sys.executable}
    env = os.environ | {key: _fill(value, words) for key, value in profile.env.items()}
    env |= {key: value for key, value in (dict(profile.settings) | settings).items() if value is not None}
    try:
        process = await asyncio.create_subprocess_exec(
            *[_fill(word, words) for word in profile.command],
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as failure:
        raise unreachable(profile, f"the command cannot be run: {failure}") from failure
    log = asyncio.create_task(_tail(process))
    urls = {
        system: _fill(facts.url, words) if facts.url else f"http://127.0.0.1:{port}"
        for system, facts in profile.systems.items()
    }

    for service in between.values():
        service.forward(_fill(service.target_url, words))

    async def stop() -> None:
        await _end(process)
        await log

    try:
        await _ready(profile, process, next(iter(urls.values())), log)
    except BaseException:
        await stop()
        raise
    probe_url = _fill(profile.probe_url, words)
    return Target(
        profile,
        urls=urls,
        probe_url=probe_url,
        jwt_secret=jwt_secret,
        stop=stop,
        again=again,
        services=between,
    )


def attach(profile: Profile, services: Mapping[str, Service] | None = None) -> Target:
    """A target that somebody else runs, at its profile's addresses."""
    urls: dict[System, str] = {system: facts.url for system, facts in profile.systems.items()}
    secret = os.environ.get(profile.auth.jwt_secret_env, "") if profile.auth.jwt_secret_env else ""
    return Target(profile, urls=urls, probe_url=profile.probe_url, jwt_secret=secret, services=services)


def _fill(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(
    profile: Profile, process: asyncio.subprocess.Process, base_url: str, log: asyncio.Task[bytes]
) -> None:
    """Ask for ``ready_path`` until it answers: a stranger's program gives no other sign of being ready."""
    url = base_url.rstrip("/") + profile.ready_path
    loop = asyncio.get_running_loop()
    deadline = loop.time() + profile.ready_s
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while loop.time() < deadline:
            if process.returncode is not None:
                words = (await log).decode(errors="replace").strip().rpartition("\n")[2]
                said = f"; its last words: {words}" if words else ""
                raise unreachable(profile, f"the command ended with {process.returncode} before it was ready{said}")
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url) as response:
                    if response.status < 500:
                        return
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), READY_EVERY_S)
    raise unreachable(profile, f"{url} gave no answer below 500 within {profile.ready_s:g} s")


async def _tail(process: asyncio.subprocess.Process) -> bytes:
    """Keep the pipe empty, so that a talkative target never blocks on it; the last words are kept."""
    kept = b""
    if process.stderr is not None:
        while data := await process.stderr.read(4096):
            kept = (kept + data)[-WORDS_KEPT:]
    return kept


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
