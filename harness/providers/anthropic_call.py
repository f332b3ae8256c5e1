"""How a simulated ``anthropic`` takes a request: who is refused, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Headers

from .anthropic import CALL, LIST, MessageRequest, decode_request, operation
from .anthropic_encode import MODELS, encode_answer, encode_error, encode_models
from .call import Call, Circumstances, bearer
from .plan import Plan
from .reply import default_reply


@dataclass(frozen=True, slots=True)
class AnthropicReceiver:
    """Anthropic's API; ``models`` are those it has, empty for its usual ones."""

    models: tuple[str, ...] = ()

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """Route, key, version, then what is asked for; a fault's status comes before the model is looked at."""
        name = operation(method, path)
        if name is None:
            return _refused("unknown", body, 404, "Not Found")
        key = _key(headers)
        if key is None:
            return _refused(name, body, 401, "x-api-key header is required")
        if _header(headers, "anthropic-version") is None:
            return _refused(name, body, 400, "anthropic-version: header is required")
        if name == LIST:
            return Call(name, None, lambda given: self._list(name, key, given))
        try:
            request = decode_request(body)
        except DecodeError as wrong:
            return _refused(name, body, 400, str(wrong))
        return Call(name, request.tie, lambda given: self._answer(request, key, given))

    def _list(self, name: str, key: str, given: Circumstances) -> Plan:
        return encode_models(self.models, given.fault.on(name, named=True), key=key, now_s=given.now_s)

    def _answer(self, request: MessageRequest, key: str, given: Circumstances) -> Plan:
        fault = given.fault.on(CALL)
        if fault.status is None and request.model not in (self.models or MODELS):
            return encode_error(404, model=request.model)
        reply = given.reply or default_reply(request.model, request.prompt, max_tokens=request.max_tokens)
        return encode_answer(request, reply, fault, key=key, now_s=given.now_s, attempt=given.attempt)


def _refused(name: str, body: bytes, status: int, message: str) -> Call:
    plan = encode_error(status, message=message)
    return Call(name, find_tie(body.decode("utf-8", "replace")), lambda _: plan)


def _key(headers: Headers) -> str | None:
    """The key, in its own field or as a bearer's; None where there is none."""
    return _header(headers, "x-api-key") or bearer(_header(headers, "authorization") or "")


def _header(headers: Headers, wanted: str) -> str | None:
    """The first field of a name; None where there is none, or nothing in it."""
    return next((value.strip() for name, value in headers if name.lower() == wanted), "") or None
