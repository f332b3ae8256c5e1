"""The probe: a second listener, on loopback, through which a test harness makes users and sees what a client cannot.

``POST /users`` ``{"credits": int, "tier": "free" or "pro", "role": "user" or "supervisor"}``
    201 ``{"user_id", "token"}``; the token is valid for an hour.
``POST /projects`` ``{"user_id": ID}``
    201 ``{"project_id"}``: a new project of that user's.
``POST /clock`` ``{"advance_s": number}``
    ``{}``: so much time has passed for the backend, at once. 409 where its clock is the real one.
``POST /store`` ``{"available": bool}``
    ``{}``: nothing can be asked of the store any more, or again.
``GET /startup``
    ``{"banner": [str], "error": null}``: what was said at start-up, a line a setting. A backend that refuses its
    settings does not come up, and so has no probe: see ``serve.child`` for what it says.
``GET /ledger?user=ID&wait_s=2``
    ``{"user_id", "balance", "settled", "in_flight", "entries", "usage", "records"}``, once the user has no call in
    flight, or after ``wait_s`` seconds.
``GET /log?user=ID&wait_s=2``
    ``{"lines": [str]}``: the log's lines about the user's calls, raw, after the same wait.
``GET /resources?wait_s=2``
    ``{"tasks", "threads", "fds", "sockets", "provider_connections", "client_sessions", "in_flight", "open_holds"}``,
    once nobody has a call in flight, or after ``wait_s`` seconds.

An entry is ``{"id", "kind", "amount", "delta", "balance", "hold_id", "shortfall", "reason", "metadata", "started_ns",
"ended_ns"}``, a usage row ``{"id", "hold_id", "model", "provider", "input_tokens", "output_tokens", "estimated",
"credits"}``; ``records`` is ``{"runs": [ID], "plans": [ID]}``. What is wrong with a request is said as
``{"error": str}`` with 400, an unknown user with 404.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

from .accounts import CREDITS_MAX
from .ids import parse_id
from .resources import Census
from .statements import Statements

if TYPE_CHECKING:
    from .common import Common

WAIT_S_MAX = 60.0
TIERS = ("free", "pro")
ROLES = ("user", "supervisor")


class Probe:
    """The probe's handlers."""

    def __init__(self, common: Common, statements: Statements, census: Census) -> None:
        self._common = common
        self._statements = statements
        self._census = census

    def app(self) -> web.Application:
        """The probe as an application."""
        app = web.Application()
        app.router.add_post("/users", self.users)
        app.router.add_post("/projects", self.projects)
        app.router.add_post("/clock", self.clock)
        app.router.add_post("/store", self.store)
        app.router.add_get("/startup", self.startup)
        app.router.add_get("/ledger", self.ledger)
        app.router.add_get("/log", self.log)
        app.router.add_get("/resources", self.resources)
        return app

    async def users(self, request: web.Request) -> web.Response:
        """Make a user."""
        wanted = await _json_object(request)
        amount, tier, role = (wanted.get(name, other) for name, other in _DEFAULTS)
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= CREDITS_MAX:
            raise _wrong(f"credits must be a whole number from 0 to {CREDITS_MAX}")
        if tier not in TIERS or role not in ROLES:
            raise _wrong(f"tier must be one of {', '.join(TIERS)}, role one of {', '.join(ROLES)}")
        user_id = await self._common.accounts.create(amount, tier, role)
        token = self._common.authenticator.mint(user_id, role)
        return web.json_response({"user_id": str(user_id), "token": token}, status=201)

    async def projects(self, request: web.Request) -> web.Response:
        """Make a project."""
        user_id = parse_id((await _json_object(request)).get("user_id"))
        if user_id is None:
            raise _wrong("user_id must be a UUID")
        if await self._common.accounts.find(user_id) is None:
            raise _no_user()
        return web.json_response({"project_id": str(await self._common.projects.create(user_id))}, status=201)

    async def clock(self, request: web.Request) -> web.Response:
        """Let time pass."""
        seconds = (await _json_object(request)).get("advance_s")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds) or seconds < 0:
            raise _wrong("advance_s must be a number of seconds, 0 or more")
        try:
            self._common.clock.advance(seconds)
        except ValueError as real:
            raise web.HTTPConflict(text=f'{{"error": "{real}"}}', content_type="application/json") from None
        return web.json_response({})

    async def store(self, request: web.Request) -> web.Response:
        """Take the store away, or bring it back."""
        available = (await _json_object(request)).get("available")
        if not isinstance(available, bool):
            raise _wrong("available must be true or false")
        self._common.store.take_away(not available)
        return web.json_response({})

    async def startup(self, request: web.Request) -> web.Response:
        """Show what was said at start-up."""
        del request
        return web.json_response({"banner": list(self._common.banner), "error": None})

    async def ledger(self, request: web.Request) -> web.Response:
        """Show a user's account once it has come to rest."""
        user_id = await self._at_rest(request)
        in_flight = self._common.flights.count(user_id)
        statement = await self._statements.read(user_id)
        if statement is None:
            raise _no_user()
        return web.json_response({**statement, "settled": in_flight == 0, "in_flight": in_flight})

    async def log(self, request: web.Request) -> web.Response:
        """Show the log's lines about a user's calls."""
        return web.json_response({"lines": self._common.log.lines(await self._at_rest(request))})

    async def resources(self, request: web.Request) -> web.Response:
        """Count what the process holds."""
        await self._common.flights.idle(_wait_s(request))
        return web.json_response(await self._census.take(_local_port(request)))

    async def _at_rest(self, request: web.Request) -> UUID:
        user_id = parse_id(request.query.get("user"))
        if user_id is None:
            raise _wrong("user must be a UUID")
        await self._common.flights.idle(_wait_s(request), user_id)
        return user_id


_DEFAULTS: tuple[tuple[str, Any], ...] = (("credits", 0), ("tier", "free"), ("role", "user"))


async def _json_object(request: web.Request) -> dict[str, Any]:
    """The object in a body; of any other JSON an empty one."""
    try:
        wanted = await request.json()
    except ValueError:
        raise _wrong("the body is not JSON") from None
    return wanted if isinstance(wanted, dict) else {}


def _wait_s(request: web.Request) -> float:
    try:
        wait_s = float(request.query.get("wait_s", "2"))
    except ValueError:
        wait_s = -1.0
    if not isfinite(wait_s) or not 0 <= wait_s <= WAIT_S_MAX:
        raise _wrong(f"wait_s must be a number of seconds from 0 to {WAIT_S_MAX:g}")
    return wait_s


def _local_port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return int(name[1]) if name else 0


def _wrong(what: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f'{{"error": "{what}"}}', content_type="application/json")


def _no_user() -> web.HTTPNotFound:
    return web.HTTPNotFound(text='{"error": "there is no such user"}', content_type="application/json")
