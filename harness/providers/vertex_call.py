"""How a simulated ``vertex`` takes a request: who is refused, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.names import Answer, Provider
from harness.core.recording import Headers

from . import anthropic, gemini
from .anthropic import MessageRequest
from .call import Call, Circumstances, bearer
from .gemini import GenerateRequest
from .gemini_encode import JSON_TYPE, STREAM_TYPE
from .plan import Plan
from .reply import default_reply
from .vertex import CLAUDE_CALLS, MODELS, TOKEN, Target, base_model, target
from .vertex_encode import (
    CLAUDE,
    GEMINI,
    encode_answer,
    encode_error,
    encode_models,
    encode_no_token,
    encode_refusal,
    encode_token,
)
from .vertex_token import PREFIX, expired, read_grant, read_token

_EXPIRED = "The access token has expired. Expected an OAuth 2 access token that is valid."

_BAD_KEY = "API key not valid. Please pass a valid API key."


@dataclass(frozen=True, slots=True)
class VertexReceiver:
    """Vertex AI, its token endpoint, and the Gemini API (a path without publisher, an API key)."""

    claude: tuple[str, ...] = CLAUDE
    gemini: tuple[str, ...] = GEMINI

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """Route, credentials, body, then what is asked for; a fault's status comes before the model is looked at."""
        asked = target(method, path)
        if asked is None:
            return _refused("unknown", body, encode_error(404, message=f"Nothing is at {method} {path}."))
        if asked.call == TOKEN:
            return _token(body)
        key = credential(headers)
        wrong = _unauthenticated(asked, key, _header(headers, "authorization"))
        if wrong is not None or key is None:
            return _refused(asked.call, body, wrong or encode_error(401))
        token = read_token(key)
        owner = token.owner if token else None
        if asked.call == MODELS:
            return Call(asked.call, None, lambda given: self._list(asked, key, given), owner)
        try:
            request = _decoded(asked, body)
        except DecodeError as bad:
            return _refused(asked.call, body, encode_error(400, message=str(bad), content_type=_label(asked)))
        return Call(asked.call, request.tie, lambda given: self._answer(asked, request, key, given), owner)

    def _list(self, asked: Target, key: str, given: Circumstances) -> Plan:
        if _stale(key, given):
            return encode_error(401, message=_EXPIRED, reason="ACCESS_TOKEN_EXPIRED")
        fault = given.fault.on(MODELS, named=True)
        if fault.status == 401 and _keyed(asked, key):
            return encode_error(400, message=_BAD_KEY, reason="API_KEY_INVALID")
        return encode_models(asked.publisher, self._models(asked.publisher), fault, key=key, now_s=given.now_s)

    def _answer(self, asked: Target, request: MessageRequest | GenerateRequest, key: str, given: Circumstances) -> Plan:
        fault = given.fault.on(asked.call)
        struck = fault.strikes(Provider.VERTEX, Answer.STREAM if request.stream else Answer.PLAIN)
        first = key if given.first is None else credential(given.first.headers)
        if _stale(key, given) or (struck and fault.stale_token and key == first):
            return encode_refusal(request, 401, message=_EXPIRED, reason="ACCESS_TOKEN_EXPIRED")
        known = self._models(asked.publisher) if _speaks(asked) else ()
        if fault.status is None and base_model(request.model) not in known:
            return encode_refusal(request, 404)
        if fault.status == 401 and _keyed(asked, key):
            return encode_refusal(request, 400, message=_BAD_KEY, reason="API_KEY_INVALID")
        reply = given.reply or default_reply(request.model, request.prompt, max_tokens=request.max_tokens)
        return encode_answer(request, reply, fault, key=key, now_s=given.now_s, attempt=given.attempt)

    def _models(self, publisher: str | None) -> tuple[str, ...]:
        return {"anthropic": self.claude, "google": self.gemini, None: self.gemini}.get(publisher, ())


def credential(headers: Headers) -> str | None:
    """The access token, or the API key; None where the request has neither."""
    return bearer(_header(headers, "authorization") or "") or _header(headers, "x-goog-api-key")


def _token(body: bytes) -> Call:
    """A request for an access token."""
    try:
        assertion = read_grant(body)
    except DecodeError as wrong:
        refusal = encode_no_token(wrong.where, wrong.what)
        return Call(TOKEN, None, lambda _: refusal)

    def answer(given: Circumstances) -> Plan:
        why = expired(assertion, given.now_s)
        if why is not None:
            return encode_no_token("invalid_grant", why)
        return encode_token(assertion.owner, given.now_s, given.fault.on(TOKEN, named=True))

    return Call(TOKEN, None, answer, assertion.owner)


def _decoded(asked: Target, body: bytes) -> MessageRequest | GenerateRequest:
    if asked.call not in CLAUDE_CALLS:
        return gemini.decode_request(body, model=asked.model, stream=asked.stream, events=asked.events)
    if b'"anthropic_version"' not in body:
        raise DecodeError("anthropic_version: Field required")
    return anthropic.decode_request(body, model=asked.model, stream=asked.stream)


def _speaks(asked: Target) -> bool:
    """Whether a publisher's models have this call."""
    return (asked.call in CLAUDE_CALLS) is (asked.publisher == "anthropic")


def _unauthenticated(asked: Target, key: str | None, authorization: str | None) -> Plan | None:
    """Why credentials are refused at first sight: there are none, or what should be an access token is none."""
    if key is None:
        words, reason = "Request is missing required authentication credential.", "CREDENTIALS_MISSING"
    elif authorization is not None and not key.startswith(PREFIX):
        words, reason = f"Expected an OAuth 2 access token ({PREFIX}...).", "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    else:
        return None
    return encode_error(401, message=words, reason=reason, content_type=_label(asked))


def _keyed(asked: Target, key: str) -> bool:
    """Whether a call of the Gemini API's comes with a key, which no token replaces: a bad one is a 400 there."""
    return asked.publisher is None and not key.startswith(PREFIX)


def _stale(key: str, given: Circumstances) -> bool:
    """Whether the access token is one of ours that has expired."""
    token = read_token(key)
    return token is not None and token.expired(given.now_s)


def _label(asked: Target) -> str:
    """As ``vertex_encode`` labels the errors of a request that can be read."""
    events = asked.events and asked.stream and asked.call not in CLAUDE_CALLS
    return STREAM_TYPE if events else JSON_TYPE


def _refused(name: str, body: bytes, plan: Plan) -> Call:
    return Call(name, find_tie(body.decode("utf-8", "replace")), lambda _: plan)


def _header(headers: Headers, wanted: str) -> str | None:
    """The first field of a name; None where there is none, or nothing in it."""
    return next((value.strip() for name, value in headers if name.lower() == wanted), "") or None
