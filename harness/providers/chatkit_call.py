"""How a simulated ``chatkit`` takes a request: who is refused, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import Headers, Request

from .call import Call, Circumstances, bearer
from .chatkit import (
    BETA,
    BETA_HEADER,
    CREATE,
    LIST,
    SEND,
    Message,
    SessionRequest,
    decode_message,
    decode_session_request,
    list_options,
    message_tie,
    target,
)
from .chatkit_encode import (
    encode_error,
    encode_fault,
    encode_message,
    encode_messages,
    encode_session,
    encode_unknown_parameter,
    session_id,
    session_owner,
    struck,
)
from .plan import Plan

LIMITS = range(1, 101)
ORDERS = ("asc", "desc")


@dataclass(frozen=True, slots=True)
class ChatKitReceiver:
    """ChatKit, one workflow for all. What a session was told is read from its earlier requests: nothing is kept here.

    Route, key, beta header, what is asked for; a fault's status comes before the request itself is looked at, but a
    field that a session must not have is refused before any.
    """

    def __call__(self, method: str, path: str, headers: Headers, body: bytes) -> Call:
        """The call that a request makes."""
        found = target(method, path)
        if found is None:
            return _refused("unknown", encode_error(404, f"Unknown request URL: {method} {path}."))
        operation, session = found
        tie = message_tie(body) if operation == SEND else None
        owner = session_owner(session) if session is not None else _user(body)
        key = bearer(_header(headers, "authorization")) or ""
        refusal = _unfit(key, headers, session, owner)
        if refusal is None and session is None:
            refusal = _unknown(body)
        if refusal is not None:
            return _refused(operation, refusal, tie=tie, owner=owner, thread=session)

        def answer(given: Circumstances) -> Plan:
            return _Answering(operation, path, body, key, session or "").plan(given)

        return Call(operation, tie, answer, owner=owner, thread=session)


@dataclass(frozen=True, slots=True)
class _Answering:
    """One request that is let in."""

    operation: str
    path: str
    body: bytes
    key: str
    session: str

    def plan(self, given: Circumstances) -> Plan:
        """The answer, or what a fault has in its place."""
        polls = _polls(given.earlier)
        fault = struck(given.fault, self.operation, polls)
        refusal = encode_fault(fault, self.operation, key=self.key, session=self.session, now_s=given.now_s)
        if refusal is not None:
            return refusal
        try:
            if self.operation == CREATE:
                asked: SessionRequest = decode_session_request(self.body)
                made = session_id(asked.user, given.attempt, given.now_s)
                return encode_session(asked, made, fault)
            if self.operation == SEND:
                return encode_message(self.session, decode_message(self.body), fault)
        except DecodeError as wrong:
            return encode_error(400, wrong.what, param=wrong.where or None)
        return self._listed(given, polls)

    def _listed(self, given: Circumstances, polls: int) -> Plan:
        options = list_options(self.path)
        limit, order = options.get("limit", "20"), options.get("order", "desc")
        if not limit.isascii() or not limit.isdigit() or int(limit[:4]) not in LIMITS:
            return encode_error(400, "Invalid value for 'limit': from 1 to 100.", param="limit")
        if order not in ORDERS:
            return encode_error(400, "Invalid value for 'order': asc or desc.", param="order")
        said = _said(given.earlier)
        if struck(given.fault, SEND).status is not None and said is not None and given.fault.operation == SEND:
            if given.fault.status == 404:
                return encode_error(404, session=self.session)
            said = None  # it was refused
        return encode_messages(
            self.session,
            said.text if said else None,
            polls,
            struck(given.fault, LIST, polls),
            reply=given.reply,
            newest_first=order == "desc",
            limit=int(limit),
        )


def _unfit(key: str, headers: Headers, session: str | None, owner: str | None) -> Plan | None:
    """The refusal of a request that has not what every call needs."""
    if not key:
        return encode_error(401, "No API key was provided, in an Authorization header.")
    if _header(headers, BETA_HEADER) != BETA:
        message = f"You must provide the '{BETA_HEADER}' header to use ChatKit, with the value '{BETA}'."
        return encode_error(400, message, code="invalid_beta")
    if session is not None and owner is None:
        return encode_error(404, session=session)
    return None


def _unknown(body: bytes) -> Plan | None:
    """The refusal of a request for a session that has a field too many."""
    try:
        fields = decode_session_request(body).unknown
    except DecodeError:
        return None
    return encode_unknown_parameter(fields[0]) if fields else None


def _user(body: bytes) -> str | None:
    try:
        return decode_session_request(body).user
    except DecodeError:
        return None


def _polls(earlier: tuple[Request, ...]) -> int:
    """How many polls came after the last message."""
    names = [_name(request) for request in earlier]
    return names[len(names) - names[::-1].index(SEND) :].count(LIST) if SEND in names else 0


def _said(earlier: tuple[Request, ...]) -> Message | None:
    """The last message that was posted."""
    for request in reversed(earlier):
        if _name(request) == SEND:
            try:
                return decode_message(request.body)
            except DecodeError:
                continue
    return None


def _name(request: Request) -> str:
    found = target(request.method, request.url)
    return found[0] if found else ""


def _refused(
    operation: str, plan: Plan, *, tie: str | None = None, owner: str | None = None, thread: str | None = None
) -> Call:
    return Call(operation, tie, lambda _: plan, owner=owner, thread=thread)


def _header(headers: Headers, name: str) -> str:
    wanted = name.lower()
    return next((value for field, value in headers if field.lower() == wanted), "")
