"""Recording any client's traffic with a provider: a proxy, and a journal in which nothing of it is lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from harness.cassettes.journal import Journal
from harness.cassettes.recorder import Recorder, signed
from harness.cassettes.redact import Redactor, Secret
from harness.cassettes.secrets import SHORTEST
from harness.core.errors import UsageError
from harness.core.recording import Header, Source
from harness.providers.classify import provider_of
from harness.servers.proxy import Proxy

SECRET_NAMES = re.compile(r"(?i)(api_?key|token|secret|access_?key|password|credential)")
"""Names of environment variables whose values must not reach the disk."""


async def proxy(
    target_url: str,
    path: Path,
    *,
    port: int,
    source: Source | None,
    told: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Record until SIGINT or SIGTERM. ``told`` gets the address and each call.

    Raises:
        UsageError: no address of HTTP, one whose provenance must be said, or a cassette that is there already.
        PortInUse: something else listens on the port.
        CassetteWrite: the cassette cannot be written.
    """
    provider = provider_of(urlsplit(target_url).netloc)
    header = signed(Header(source=_source(target_url, source), provider=provider))
    _make_room(path)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    journal = Journal(path, header, Redactor(secrets(environment)))
    try:
        async with Proxy(target_url, Recorder(header, journal=journal), port=port, told=told) as listening:
            told(f"{target_url}, recorded from {header.source}, is at {listening.url}: point a client there.")
            told(f"Calls are written to {path} as they end. Ctrl-C ends it.")
            await stop.wait()
    finally:
        journal.close()
    told(f"judge it: harness check {path}")


def _make_room(path: Path) -> None:
    if path.exists():
        raise UsageError("there is a recording already", where=str(path), fix="Name a file that is not there yet.")
    path.parent.mkdir(parents=True, exist_ok=True)


def secrets(environment: Mapping[str, str]) -> list[Secret]:
    """The values of the environment that look like secrets by their names; each says which it was."""
    return [
        Secret(f"env:{_kind(name)}", value)
        for name, value in sorted(environment.items())
        if SECRET_NAMES.search(name) and len(value) >= SHORTEST and not value.startswith("/")
    ]


def _kind(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower())[:48]


def _source(target_url: str, said: Source | None) -> Source:
    """What the recording is made from. Of what answers on this machine nobody knows what it is."""
    parts = urlsplit(target_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("no address of a provider", where=target_url, fix="Say for example https://api.openai.com.")
    if said is None and parts.hostname in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(
            "what answers on this machine may be a provider or a simulator",
            where=target_url,
            fix=f"Say which: --source {' | '.join(Source)}.",
        )
    return said or Source.PROVIDER
