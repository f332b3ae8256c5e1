"""What HTTP sees of the gateway: routes, request ids, and the router's own errors in the same shape as all others."""

from __future__ import annotations

from uuid import UUID, uuid4

from aiohttp import web

from harness.backend.flights import Flights
from harness.backend.front import BaseFront

from .calls import Calls
from .catalogue import Catalogue
from .errors import ErrorMapper, GatewayError, shutting_down

REQUEST_ID = "x-request-id"
_ID = web.RequestKey("id", UUID)
_SINCE = 1_735_689_600  # 2025-01-01; the field is required, and says nothing here


class Front(BaseFront):
    """The routes' handlers. Every request gets its id."""

    def __init__(self, flights: Flights, calls: Calls, catalogue: Catalogue, errors: ErrorMapper) -> None:
        super().__init__(flights)
        self._calls = calls
        self._catalogue = catalogue
        self._errors = errors

    def begin(self, request: web.Request) -> None:
        """Give a request its id."""
        request[_ID] = uuid4()

    def stopping(self) -> web.Response:
        """No new calls."""
        return self._refusal(shutting_down())

    def unrouted(self, wrong: web.HTTPException, headers: dict[str, str]) -> web.Response:
        """A router's error in the gateway's words."""
        code = "not_found" if wrong.status == 404 else "invalid_request"
        return self._refusal(GatewayError(wrong.status, code, wrong.reason), headers)

    async def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put the request's id on every answer."""
        response.headers[REQUEST_ID] = self.request_id(request)

    def request_id(self, request: web.Request) -> str:
        """The id of a request, which is the call's."""
        return str(request.get(_ID) or uuid4())

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        return await self._calls.handle(request, request[_ID])

    async def models(self, request: web.Request) -> web.Response:
        """GET /v1/models: every model that can be called."""
        del request
        return web.json_response(self.model_list(self._catalogue.listed()))

    def model_list(self, listed: list[tuple[str, str]]) -> object:
        """OpenAI's list object."""
        rows = [{"id": name, "object": "model", "created": _SINCE, "owned_by": owner} for name, owner in listed]
        return {"object": "list", "data": rows}

    def _refusal(self, error: GatewayError, headers: dict[str, str] | None = None) -> web.Response:
        return web.json_response(self._errors.answer_body(error), status=error.status, headers=headers)
