"""A cassette played over a socket, for hand use: point a backend at it, and the recorded failure happens again."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from harness.core.errors import UsageError
from harness.core.recording import Exchange, Recording, Side
from harness.servers.play import Player

SHOWN = 5
"""Of so many recorded requests of the client it is shown how to send them again."""


async def play(
    recording: Recording, *, side: Side, port: int, speed: int, any_body: bool, told: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, or until all is played. ``told`` gets what to do, each request, what is left.

    Raises:
        UsageError: the recording has nothing of this side.
        PortInUse: something else listens on the port.
    """
    exchanges = list(recording.side(side))
    if not exchanges:
        sides = ", ".join(sorted({one.side.value for one in recording.exchanges})) or "nothing"
        raise UsageError(f"the recording has no exchange of the side '{side}'", fix=f"It has: {sides}.")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    player = Player(recording, side=side, speed=speed, any_body=any_body, told=told)
    await player.open(port)
    try:
        for line in _introduction(recording, side, exchanges, player.url):
            told(line)
        await stop.wait()
    finally:
        await player.close()
        for line in _left(player):
            told(line)


def _introduction(recording: Recording, side: Side, exchanges: list[Exchange], url: str) -> Iterator[str]:
    header = recording.header
    whose = {Side.PROVIDER: f"the provider ({header.provider})", Side.CLIENT: "the backend"}.get(side, side.value)
    yield f"{whose} of a recording from {header.source}, at {url}:"
    for one in exchanges:
        yield f"  {one.id} {one.request.method} {urlsplit(one.request.url).path}: {one.status or '-'}, {one.ending}"
    if side is Side.PROVIDER:
        yield "Point your backend's address of that provider here, and send it what the recorded client sent:"
        sent = list(recording.side(Side.CLIENT))
        for one in sent[:SHOWN]:
            yield f"  {_curl(one)}"
        if len(sent) > SHOWN:
            yield f"  ... and {len(sent) - SHOWN} more: see 'harness show'"
    yield "Ctrl-C ends it."


def _curl(one: Exchange) -> str:
    """The call, with two variables of the shell for what belongs to the backend that it is sent to."""
    request, parts = one.request, urlsplit(one.request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    words = ["curl", "-N", "-X", request.method, f'"$BACKEND"{shlex.quote(path)}']
    words += ["-H", '"Authorization: Bearer $TOKEN"']
    if request.body:
        body = request.body.decode("utf-8", "replace")
        words += ["-H", "'Content-Type: application/json'", "--data-raw", shlex.quote(_compact(body))]
    return " ".join(words)


def _compact(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body


def _left(player: Player) -> Iterator[str]:
    if player.misses:
        yield f"not in the recording, and answered 404: {len(player.misses)}"
    if player.leftovers:
        yield f"never asked for: {', '.join(one.id for one in player.leftovers)}"
    elif not player.misses:
        yield "all that was recorded was played"
