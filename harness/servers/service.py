"""A service beside the target, as the target sees it: a proxy at an address of its own that records what passes.

The target is told that its service is here; what it asks is passed on to where the service really is. An exchange
belongs to the case of the user whose token it bears (the claim ``sub``). A scenario may have a call of the service
fail, or held at a gate.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from harness.core.draft import Draft
from harness.core.recording import Ending, Side
from harness.systems.route import Route

from .gate import Gate
from .listener import HOST, Listener, reset
from .script import Notebook, Unrecorded

_PASSED_ON = frozenset({"authorization", "content-type", "accept"})
_ANSWERED = frozenset({"content-type", "www-authenticate", "allow", "retry-after"})
_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a call in the place of the service's answer: this status and body, or (None) a reset.

    ``late``: the call is passed on first, so that the service has done what it was asked, and nobody is told.
    """

    status: int | None
    body: bytes = b"{}"
    late: bool = False


@dataclass(slots=True, eq=False)
class ServiceScript:
    """What happens to the calls of one case. ``troubles`` and ``gates`` are by the operation's name.

    A call with a gate is held before it is passed on; ``seen`` waits for calls to come.
    """

    recorder: Notebook = field(default_factory=Unrecorded)
    troubles: MutableMapping[str, Trouble] = field(default_factory=dict)
    gates: MutableMapping[str, Gate] = field(default_factory=dict)
    _count: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def seen(self, operation: str, count: int = 1) -> None:
        """Wait until so many calls of this name have come."""
        while self._count[operation] < count:
            await self._changed.wait()

    def arrived(self, operation: str) -> None:
        """For the service: a call is here."""
        self._count[operation] += 1
        self._changed.set()
        self._changed = asyncio.Event()


class Service:
    """A recording proxy on 127.0.0.1 (``port``, or any free one). Use on one event loop."""

    def __init__(self, name: str, routes: Iterable[Route], *, port: int = 0) -> None:
        self.name = name
        self.target_url = ""
        self._routes = [(route, _pattern(route)) for route in routes]
        self._claims: dict[str, ServiceScript] = {}
        self._listener = Listener(self._answer, port)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Listen. Raises PortInUse."""
        await self._listener.open()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LIMIT_S))

    async def close(self) -> None:
        """Reset what is under way, and give the port back."""
        await self._listener.close()
        if self._session is not None:
            await self._session.close()

    @property
    def url(self) -> str:
        """What the target takes for its service's address."""
        return f"http://{HOST}:{self._listener.port}"

    def forward(self, url: str) -> None:
        """From now on calls are passed on to this address."""
        self.target_url = url.rstrip("/")

    def claim(self, owner: str, script: ServiceScript) -> None:
        """From now on what is asked with this user's token belongs to this script."""
        self._claims[owner] = script

    def disown(self, script: ServiceScript) -> None:
        """What was claimed for this script is nobody's again."""
        self._claims = {owner: one for owner, one in self._claims.items() if one is not script}

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        script = self._claims.get(_owner(request.headers.get("Authorization", ""))) or ServiceScript()
        operation = self._operation(request)
        draft = script.recorder.open(
            Side.SERVICE,
            operation,
            method=request.method,
            url=self.url + request.raw_path,
            headers=tuple(request.headers.items()),
            body=body,
        )
        script.arrived(operation)
        try:
            return await self._served(request, body, script, draft)
        except (asyncio.CancelledError, ConnectionError):
            self._end(script, draft, Ending.CLIENT_CLOSE)
            raise
        finally:
            self._end(script, draft, Ending.RESET)

    async def _served(
        self, request: web.BaseRequest, body: bytes, script: ServiceScript, draft: Draft
    ) -> web.StreamResponse:
        if gate := script.gates.get(draft.operation):
            await gate.hold()
        trouble = script.troubles.get(draft.operation)
        answer = await self._asked(request, body) if trouble is None or trouble.late else None
        if trouble is not None:
            answer = _spoilt(trouble)
        if answer is None:
            return await _reset(request)
        draft.head(script.recorder.now(), answer.status, answer.reason or "", tuple(answer.headers.items()))
        draft.segment(script.recorder.now(), answer.body if isinstance(answer.body, bytes) else b"")
        self._end(script, draft, Ending.EOF)  # noted before it is sent: nobody has read what is not noted yet
        return answer

    async def _asked(self, request: web.BaseRequest, body: bytes) -> web.Response | None:
        """What the service answers; None where it cannot be reached."""
        if self._session is None or not self.target_url:
            return None
        headers = {name: value for name, value in request.headers.items() if name.lower() in _PASSED_ON}
        url = self.target_url + request.raw_path
        try:
            async with self._session.request(
                request.method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                known = {name: value for name, value in response.headers.items() if name.lower() in _ANSWERED}
                return web.Response(status=response.status, body=await response.read(), headers=known)
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return None

    def _operation(self, request: web.BaseRequest) -> str:
        """The name of the route; of what is none of ours, the service's name."""
        path = request.path
        found = (one.name for one, pattern in self._routes if one.method == request.method and pattern.fullmatch(path))
        return next(found, f"{self.name}.unknown")

    def _end(self, script: ServiceScript, draft: Draft, ending: Ending) -> None:
        """Note how the exchange ended; only the first time counts."""
        if draft.open:
            draft.end(script.recorder.now(), ending)
            script.recorder.close(draft)


def _spoilt(trouble: Trouble) -> web.Response | None:
    if trouble.status is None:
        return None
    return web.Response(status=trouble.status, body=trouble.body, content_type="application/json")


async def _reset(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        reset(request.transport)
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


def _pattern(route: Route) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"{[^}]*}", route.path)))


def _owner(authorization: str) -> str:
    """The claim ``sub`` of a bearer's token: it finds a case, and opens nothing."""
    found = claims_of(authorization).get("sub")
    return found if isinstance(found, str) else ""


def claims_of(token: str) -> Mapping[str, Any]:
    """What a token claims, unchecked; nothing where it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
