"""The answers that a simulated ChatKit gives to the three calls.

A session's id holds whom it was made for, so that a request that names it finds its case. An answer takes a few polls:
the first finds the user's message alone, the second that something is going on, in a block that holds no answer.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace

from harness.core.fault import FAULTS, Body, Fault, Polled
from harness.core.names import Answer, Provider
from harness.core.recording import NO_FAULT, Headers, Json

from .chatkit import CREATE, LIST, Message, SessionRequest
from .plan import NOT_JSON, Plan, plain_plan, retry_after
from .reply import Reply, digest

KEY = "client_training_program_enriched"
"""What the answer of the workflow that is played holds."""

POLLS = 2
"""So many polls usually find no answer yet."""

CREATED_S = 1_750_000_000
SESSION_S = 600
_PREFIX, _MARK = "cksess_", 12
_HEALTHY = FAULTS[NO_FAULT]
_BAD = "invalid_request_error"


def session_id(owner: str, *mark: object) -> str:
    """The id of a session for this owner; ``mark`` tells apart those of one owner."""
    coded = base64.urlsafe_b64encode(owner.encode("utf-8", "replace")).decode().rstrip("=")
    return f"{_PREFIX}{digest('chatkit', owner, *mark)[:_MARK]}{coded}"


def session_owner(session: str) -> str | None:
    """Whom a session was made for; None where the id is none of ours."""
    coded = session.removeprefix(_PREFIX)[_MARK:]
    if not session.startswith(_PREFIX) or not coded:
        return None
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


def struck(fault: Fault, operation: str, polls: int = 0) -> Fault:
    """The fault as far as it strikes this call: a poll has ``polls`` before it. General ones strike each call.

    So of those a plan shows the first step only: what is to strike a later one names it, and which of the polls.
    """
    if not fault.strikes(Provider.CHATKIT, Answer.PLAIN) or fault.operation not in (None, operation):
        return _HEALTHY
    if fault.operation == LIST and polls < (fault.polls or 0):
        return _HEALTHY
    return fault


def encode_session(request: SessionRequest, session: str, fault: Fault) -> Plan:
    """The session that was made."""
    document = {
        "id": session,
        "object": "chatkit.session",
        "status": "active",
        "user": request.user,
        "workflow": {
            "id": request.workflow,
            "version": None,
            "state_variables": None,
            "tracing": {"enabled": True},
        },
        "client_secret": f"ek_{digest('secret', session)[:40]}",
        "expires_at": CREATED_S + SESSION_S,
        "max_requests_per_1_minute": 60,
        "rate_limits": {"max_requests_per_1_minute": 60},
        "chatkit_configuration": {
            "automatic_thread_titling": {"enabled": True},
            "file_upload": {"enabled": False, "max_file_size": 512, "max_files": 10},
            "history": {"enabled": True, "recent_threads": None},
        },
    }
    return _answer(fault, document, session)


def encode_message(session: str, message: Message, fault: Fault) -> Plan:
    """The message that was posted."""
    return _answer(fault, _message("user", session, 0, "input_text", message.text), session, 0)


def encode_messages(
    session: str,
    said: str | None,
    polls: int,
    fault: Fault = _HEALTHY,
    *,
    reply: Reply | None = None,
    newest_first: bool = True,
    limit: int = 20,
) -> Plan:
    """The messages of a session in which the user has ``said`` something, where ``polls`` came before this one."""
    found: list[Json] = []
    if said is not None:
        found.append(_message("user", session, 0, "input_text", said))
        waited = POLLS if fault.polls is None else fault.polls
        if polls > 0:
            found.append(_message("assistant", session, 1, "progress", "Reading what was asked for."))
        if polls >= waited and fault.polled is not Polled.NOTHING:
            found.append(_message("assistant", session, 2, _block_type(fault), _text(session, said, fault, reply)))
    if newest_first:
        found.reverse()
    kept = found[:limit]
    document = {
        "object": "list",
        "data": kept,
        "first_id": kept[0]["id"] if kept else None,
        "last_id": kept[-1]["id"] if kept else None,
        "has_more": len(found) > limit,
    }
    return _answer(fault, document, session, polls)


def encode_error(
    status: int,
    message: str | None = None,
    *,
    param: str | None = None,
    code: str | None = None,
    key: str = "",
    session: str = "",
) -> Plan:
    """A refusal in OpenAI's form. ``message`` replaces the usual words; a 401 quotes the ``key``."""
    usual, type_, usual_code = _words(status, key, session)
    error = {"message": message or usual, "type": type_, "param": param, "code": code or usual_code}
    return plain_plan(_HEALTHY, _dump({"error": error}), headers=_headers("error", status, session), status=status)


def encode_unknown_parameter(name: str) -> Plan:
    """The refusal of a field that a request for a session must not have, in the very form of the incident."""
    error = {"message": f"Unknown parameter: '{name}'.", "type": _BAD, "param": name}
    return plain_plan(_HEALTHY, _dump({"error": error}), headers=_headers("unknown", name), status=400)


def encode_fault(fault: Fault, operation: str, *, key: str, session: str, now_s: float) -> Plan | None:
    """The refusal that a fault puts in the place of an answer; None where it does not."""
    if fault.status is None:
        return None
    words = None
    if fault.status == 404 and operation == CREATE:
        words = "Workflow not found."
    plan = encode_error(fault.status, words, key=key, session=session)
    return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))


def programme(session: str, said: str) -> dict[str, Json]:
    """What the workflow makes of a message: another for each session and each message."""
    mark = digest(session, said)
    return {
        "title": f"Programme {mark[:8]}: back to the café by the 海",
        "sessions": [
            {"day": day, "focus": focus, "exercises": [{"name": name, "sets": 3, "reps": 8 + int(mark[day], 16)}]}
            for day, (focus, name) in enumerate((("legs", "squat"), ("back", "row"), ("breath", "easy run")), start=1)
        ],
    }


def _text(session: str, said: str, fault: Fault, reply: Reply | None) -> str:
    if reply is not None:
        return reply.text
    if fault.polled is Polled.NOT_JSON:
        return "Here is your programme: three sessions a week, and rest in between."
    key = "program" if fault.polled is Polled.NO_KEY else KEY
    return json.dumps({key: programme(session, said)}, ensure_ascii=False)


def _block_type(fault: Fault) -> str:
    return {Polled.OTHER_BLOCK: "widget", Polled.TEXT_BLOCK: "text"}.get(fault.polled, "output_text")


def _message(role: str, session: str, number: int, kind: str, text: str) -> dict[str, Json]:
    return {
        "id": f"msg_{digest(session, role, number)[:24]}",
        "object": "chatkit.message",
        "created_at": CREATED_S + number,
        "role": role,
        "content": [{"type": kind, "text": text}],
    }


def _answer(fault: Fault, document: Json, *mark: object) -> Plan:
    """A document, or what a fault puts in its place."""
    body = {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body)
    return plain_plan(fault, _dump(document) if body is None else body, headers=_headers(*mark))


def _headers(*mark: object) -> Headers:
    made = digest("chatkit", *mark)
    return (
        ("x-request-id", f"req_{made[:32]}"),
        ("openai-processing-ms", str(50 + int(made[:2], 16))),
        ("openai-version", "2020-10-01"),
    )


def _words(status: int, key: str, session: str) -> tuple[str, str, str | None]:
    """What ChatKit says with each status: the message, the type and the code."""
    known = {
        400: ("The message cannot be processed by this workflow: it is too long.", _BAD, "invalid_value"),
        401: (f"Incorrect API key provided: {key}.", _BAD, "invalid_api_key"),
        403: ("This key has no permission to use ChatKit.", "permission_error", "insufficient_permissions"),
        404: (f"Session with id '{session}' not found.", _BAD, None),
        408: ("The request timed out.", "server_error", "request_timeout"),
        429: ("Rate limit reached for ChatKit: too many requests.", "requests", "rate_limit_exceeded"),
        529: ("The service is overloaded.", "overloaded_error", "overloaded"),
    }
    return known.get(status) or (f"The server had an error ({status}).", "server_error", None)


def _dump(data: Json) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
