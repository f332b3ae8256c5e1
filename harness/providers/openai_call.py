"""How simulated ``openai``, ``groq`` and ``compatible`` take a request: who is refused, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.names import Provider
from harness.core.recording import Headers

from .call import Call, Circumstances, bearer
from .openai import CALL, LIST, ChatRequest, decode_request, operation
from .openai_encode import MODELS, encode_answer, encode_error, encode_models
from .plan import Plan
from .reply import default_reply


@dataclass(frozen=True, slots=True)
class OpenAIReceiver:
    """One of the three providers of the dialect; ``models`` are those it has, empty for its usual ones."""

    provider: Provider
    models: tuple[str, ...] = ()

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """Route, then key, then what is asked for; a fault's status comes before the model is looked at."""
        name = operation(method, path)
        if name is None:
            return self._refused("unknown", body, 404, f"Unknown request URL: {method} {path}.")
        key = _key(headers)
        if key is None:
            return self._refused(name, body, 401, "No API key was provided, in an Authorization header.")
        if name == LIST:
            return Call(name, None, lambda given: self._list(key, given))
        try:
            request = decode_request(body)
        except DecodeError as wrong:
            return self._refused(name, body, 400, str(wrong))
        return Call(name, request.tie, lambda given: self._answer(request, key, given))

    def _list(self, key: str, given: Circumstances) -> Plan:
        fault = given.fault.on(LIST, named=True)
        return encode_models(self.provider, self.models, fault, key=key, now_s=given.now_s)

    def _answer(self, request: ChatRequest, key: str, given: Circumstances) -> Plan:
        fault = given.fault.on(CALL)
        if fault.status is None and request.model not in (self.models or MODELS[self.provider]):
            return encode_error(self.provider, 404, model=request.model)
        reply = given.reply or default_reply(request.model, request.prompt, max_tokens=request.max_tokens)
        return encode_answer(self.provider, request, reply, fault, key=key, now_s=given.now_s, attempt=given.attempt)

    def _refused(self, name: str, body: bytes, status: int, message: str) -> Call:
        plan = encode_error(self.provider, status, message=message)
        return Call(name, find_tie(body.decode("utf-8", "replace")), lambda _: plan)


def _key(headers: Headers) -> str | None:
    """The key in the first Authorization field; None where there is no field or no bearer's key in it."""
    value = next((value for name, value in headers if name.lower() == "authorization"), "")
    return bearer(value)
