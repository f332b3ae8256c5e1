"""How a simulated ``bedrock`` takes a request: who is refused, and in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Headers

from .bedrock import ModelRequest, decode_request, target
from .bedrock_encode import MODELS, encode_answer, encode_error
from .call import Call, Circumstances
from .plan import Plan
from .reply import default_reply

_SIGNED = re.compile(r"AWS4-HMAC-SHA256 .*Credential=([^/,\s]+)|Bearer (\S+)")


@dataclass(frozen=True, slots=True)
class BedrockReceiver:
    """Bedrock's runtime; ``models`` are those it has, empty for its usual ones."""

    models: tuple[str, ...] = ()

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """Route, signature (that there is one), model, body; a fault's status comes before the model is looked at."""
        asked = target(method, path)
        if asked is None:
            return _refused("unknown", body, 404, "UnknownOperationException", f"No operation is at {method} {path}.")
        name, model = asked
        key = _key(headers)
        if key is None:
            return _refused(name, body, 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        try:
            request = decode_request(name, model, body)
        except DecodeError as wrong:
            if model not in (self.models or MODELS):
                return _refused(name, body, 400, "ValidationException", "The provided model identifier is invalid.")
            return _refused(name, body, 400, "ValidationException", f"Malformed input request: {wrong}")
        return Call(name, request.tie, lambda given: self._answer(request, key, given))

    def _answer(self, request: ModelRequest, key: str, given: Circumstances) -> Plan:
        fault = given.fault.on(request.call)
        if fault.status is None and request.model not in (self.models or MODELS):
            return encode_error(400, message="The provided model identifier is invalid.")
        reply = given.reply or default_reply(request.model, request.prompt, max_tokens=request.max_tokens)
        return encode_answer(request, reply, fault, key=key, now_s=given.now_s, attempt=given.attempt)


def _refused(call: str, body: bytes, status: int, name: str, message: str) -> Call:
    plan = encode_error(status, name=name, message=message)
    return Call(call, find_tie(body.decode("utf-8", "replace")), lambda _: plan)


def _key(headers: Headers) -> str | None:
    """The access key id of a signature, or a bearer's key; None where the request has neither."""
    sent = next((value for name, value in headers if name.lower() == "authorization"), "")
    found = _SIGNED.match(sent)
    return (found[1] or found[2]) if found else None
