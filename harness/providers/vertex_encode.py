"""Vertex AI: the answers, lists, tokens and errors that the simulated ``vertex`` gives. Forms as in recorded traffic.

Answers of models are Anthropic's and Gemini's; what is here is what both have in common.
"""

from __future__ import annotations

from dataclasses import replace

from harness.core.fault import FAULTS, Body, Fault
from harness.core.names import Answer, Form, Provider
from harness.core.recording import NO_FAULT, Headers, Json

from . import anthropic_bodies, anthropic_encode, gemini_encode
from .anthropic import MessageRequest
from .gemini import GenerateRequest
from .gemini_encode import JSON_TYPE, STREAM_TYPE, indented
from .plan import Plan, document, plain_plan, retry_after
from .reply import Reply, digest
from .vertex_token import LIFETIME_S, AccessToken

CLAUDE = ("claude-sonnet-4", "claude-sonnet-5", "claude-opus-5", "claude-haiku-4-5")
GEMINI = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.5-flash-lite")
"""What the simulated provider has of each publisher."""

CLAUDE_IDS = "msg_vrtx_01"

_HEALTHY = FAULTS[NO_FAULT]
_DETAILS = "type.googleapis.com/google.rpc.ErrorInfo"
_STATUSES = {
    400: ("INVALID_ARGUMENT", "Unable to submit request because temperature must lie between 0 and 2."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials: {key}"),
    403: ("PERMISSION_DENIED", "Permission 'aiplatform.endpoints.predict' denied on the model."),
    404: ("NOT_FOUND", "Publisher Model `{model}` was not found or your project does not have access to it."),
    429: ("RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    529: ("UNAVAILABLE", "The model is overloaded."),
}


def encode_answer(
    request: MessageRequest | GenerateRequest,
    reply: Reply,
    fault: Fault = _HEALTHY,
    *,
    key: str = "",
    now_s: float = 0.0,
    attempt: int = 0,
) -> Plan:
    """The answer to a request for Claude or Gemini, spoilt by a fault; one that does not apply leaves it healthy.

    ``key`` is the caller's, which a 401 quotes; ``now_s`` the time of day, for dates; ``attempt`` tells apart requests
    with the same tag.
    """
    form = Form.CANDIDATES if isinstance(request, GenerateRequest) else Form.EVENTS
    if not fault.strikes(Provider.VERTEX, Answer.STREAM if request.stream else Answer.PLAIN, form):
        fault = _HEALTHY
    if fault.status is not None:
        plan = encode_error(
            fault.status, model=request.model, key=key, content_type=fault.content_type or _label(request)
        )
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    mark = digest(Provider.VERTEX, request.tie or request.prompt, request.model, attempt)
    if isinstance(request, GenerateRequest):
        return gemini_encode.carry(request, gemini_encode.Bodies(reply, mark, fault), headers=_headers())
    named = replace(reply, model=reply.model.replace("@", "-"))
    bodies = anthropic_bodies.Bodies(named, mark, fault, CLAUDE_IDS)
    return anthropic_encode.carry(request, bodies, headers=_headers())


def encode_refusal(
    request: MessageRequest | GenerateRequest, status: int, *, message: str | None = None, reason: str = ""
) -> Plan:
    """An error in the place of an answer, labelled as this call's errors are."""
    return encode_error(status, message=message, reason=reason, model=request.model, content_type=_label(request))


def encode_error(
    status: int,
    *,
    message: str | None = None,
    reason: str = "",
    model: str = "",
    key: str = "",
    content_type: str = JSON_TYPE,
) -> Plan:
    """An error with its status, in the provider's words unless ``message`` says otherwise; ``reason`` is Google's own
    name of it, where it has one."""
    name, words = _STATUSES.get(status, ("INTERNAL", "Internal error encountered ({status})."))
    said = words.format(model=model, key=key, status=status) if message is None else message
    error: dict[str, Json] = {"code": status, "message": said, "status": name}
    if reason:
        error["details"] = [{"@type": _DETAILS, "reason": reason, "domain": "googleapis.com"}]
    return plain_plan(
        _HEALTHY, indented({"error": error}), headers=_headers(), status=status, content_type=content_type
    )


def encode_models(
    publisher: str | None, models: tuple[str, ...], fault: Fault = _HEALTHY, *, key: str = "", now_s: float = 0.0
) -> Plan:
    """The list of a publisher's models, spoilt by a fault; of the Gemini API's where there is no publisher."""
    if fault.status is not None:
        plan = encode_error(fault.status, key=key, content_type=fault.content_type or JSON_TYPE)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    if fault.body is Body.NO_CHOICES:
        models = ()
    if publisher is None:
        listed: Json = {"models": [_gemini_model(model) for model in models]}
    else:
        listed = {"publisherModels": [_publisher_model(publisher, model) for model in models]} if models else {}
    return plain_plan(fault, document(fault, indented(listed)), headers=_headers(), content_type=JSON_TYPE)


def encode_token(owner: str, now_s: float, fault: Fault = _HEALTHY) -> Plan:
    """A new access token, or what a fault puts in its place; no two are alike."""
    if fault.status is not None:
        error, words = _NO_TOKEN.get(fault.status, ("internal_failure", "Internal failure, try again later."))
        plan = encode_no_token(error, words, fault.status)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    token = AccessToken(owner, int(now_s * 1e6))
    body = {"access_token": str(token), "expires_in": LIFETIME_S, "token_type": "Bearer"}
    return plain_plan(fault, document(fault, indented(body)), headers=_UNCACHED, content_type=_TOKEN_TYPE)


def encode_no_token(error: str, description: str, status: int = 400) -> Plan:
    """A token endpoint's refusal (RFC 6749, section 5.2)."""
    body = {"error": error, "error_description": description}
    return plain_plan(_HEALTHY, indented(body), headers=_UNCACHED, status=status, content_type=_TOKEN_TYPE)


_TOKEN_TYPE = "application/json; charset=utf-8"
_NO_TOKEN = {
    400: ("invalid_grant", "Invalid JWT Signature."),
    401: ("invalid_client", "The OAuth client was not found."),
    403: ("access_denied", "Account restricted."),
    404: ("invalid_grant", "Invalid grant: account not found."),
    429: ("rate_limit_exceeded", "Rate limit exceeded, try again later."),
}
_UNCACHED: Headers = (("cache-control", "no-cache, no-store, max-age=0, must-revalidate"), ("pragma", "no-cache"))


def _label(request: MessageRequest | GenerateRequest) -> str:
    """What an error is labelled: on an event stream of Gemini's it is called one, and is plain JSON all the same."""
    events = isinstance(request, GenerateRequest) and request.stream and request.events
    return STREAM_TYPE if events else JSON_TYPE


def _headers() -> Headers:
    """Header fields of every answer; a request has no id that the client learns."""
    return (("vary", "Origin"), ("vary", "X-Origin"), ("vary", "Referer"))


def _publisher_model(publisher: str, model: str) -> dict[str, Json]:
    name = f"publishers/{publisher}/models/{model}"
    return {
        "name": name,
        "versionId": "default",
        "openSourceCategory": "PROPRIETARY",
        "launchStage": "GA",
        "publisherModelTemplate": f"projects/{{user-project}}/locations/{{location}}/{name}",
    }


def _gemini_model(model: str) -> dict[str, Json]:
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": model.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent"],
    }
