"""What ChatKit promises of its sessions and messages, and of its refusals.

The session is OpenAI's documented object. The message calls are in no reference: what is promised of them is what a
service was built on, and what every list of OpenAI's promises.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import NO_FAULT, Exchange, Json, Recording, Side, Source
from harness.core.verdict import Pointer, Subject, Violation
from harness.framing import json
from harness.providers import chatkit
from harness.providers.openai import read_error

from .registry import Findings, contract

SESSION = "OpenAI API reference, ChatKit session object (beta)"
LISTS = "OpenAI API reference, lists: data, first_id, last_id, has_more; limit and order"
HOUSE = "house: the message calls as a service uses them"
STATUSES = frozenset({"active", "expired", "cancelled"})


@dataclass(frozen=True)
class Reply:
    """An answer to one of the calls, with its JSON (None where it is none) and that of its request."""

    exchange: Exchange
    document: Json
    asked: Json

    @property
    def object(self) -> dict[str, Json]:
        """The answer's object; empty where it is none."""
        return self.document if isinstance(self.document, dict) else {}

    @property
    def messages(self) -> list[dict[str, Json]]:
        """The messages of a list."""
        found = self.object.get("data")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def violation(self, sentence: str) -> Violation:
        """A broken promise."""
        return Violation(sentence, (Pointer(self.exchange.id, start=0, end=len(self.exchange.body)),))


Select = Callable[[Recording], list[Reply]]


def replies(recording: Recording) -> tuple[Reply, ...]:
    """Every answer of ChatKit's in a recording, if it is one in which providers are judged."""
    return recording.memo("chatkit-replies", lambda: tuple(_replies(recording)))


def _replies(recording: Recording) -> Iterator[Reply]:
    if recording.header.source is Source.SIMULATOR and recording.header.fault != NO_FAULT:
        return
    for exchange in recording.side(Side.PROVIDER):
        if exchange.operation in chatkit.CALLS and exchange.response is not None:
            yield Reply(exchange, _json(exchange.body), _json(exchange.request.body))


def _json(data: bytes) -> Json:
    try:
        return json.lenient(data)
    except DecodeError:
        return None


def _served(operation: str) -> Select:
    """The answers with status 200 to one of the calls."""
    return lambda recording: [
        one for one in replies(recording) if one.exchange.operation == operation and one.exchange.status == 200
    ]


def _refused(recording: Recording) -> list[Reply]:
    return [one for one in replies(recording) if (one.exchange.status or 0) >= 400]


@contract(
    "chatkit.session-object",
    select=_served(chatkit.CREATE),
    source=f"{SESSION}: id, object, status, user, workflow",
    subject=Subject.PROVIDER,
    breakers=("chatkit-session-text", "chatkit-no-id", "chatkit-other-object", "chatkit-unknown-status"),
)
def session_object(one: Reply, _recording: Recording) -> Findings:
    """A session is a JSON object `chatkit.session` with an id and a known status.

    The id is all that the next two calls have to go by.
    """
    found = one.object
    if not found.get("id") or not isinstance(found.get("id"), str):
        yield one.violation(f"The session's id is {found.get('id')!r}.")
    elif found.get("object") != "chatkit.session":
        yield one.violation(f"The object is {found.get('object')!r}.")
    elif found.get("status") not in STATUSES:
        yield one.violation(f"The session's status is {found.get('status')!r}.")


@contract(
    "chatkit.session-as-asked",
    select=_served(chatkit.CREATE),
    source=f"{SESSION}: user and workflow are those of the request",
    subject=Subject.PROVIDER,
    breakers=("chatkit-other-user", "chatkit-other-workflow"),
)
def session_as_asked(one: Reply, _recording: Recording) -> Findings:
    """A session says for whom and for which workflow it is, as it was asked for.

    What one user said is not another's to read.
    """
    asked = one.asked if isinstance(one.asked, dict) else {}
    for name, wanted, said in (
        ("user", asked.get("user"), one.object.get("user")),
        ("workflow", _id(asked.get("workflow")), _id(one.object.get("workflow"))),
    ):
        if wanted is not None and said is not None and said != wanted:
            yield one.violation(f"A session was asked for with {name} {wanted!r}, and has {said!r}.")


@contract(
    "chatkit.session-secret",
    select=_served(chatkit.CREATE),
    source=f"{SESSION}: client_secret, expires_at",
    subject=Subject.PROVIDER,
    breakers=("chatkit-no-secret", "chatkit-expiry-text"),
)
def session_secret(one: Reply, _recording: Recording) -> Findings:
    """A session that is an object has a secret for its client, and says when it expires, in whole seconds."""
    found = one.object
    if found.get("object") != "chatkit.session":
        return
    if not isinstance(found.get("client_secret"), str) or not found["client_secret"]:
        yield one.violation("The session has no client_secret.")
    expires = found.get("expires_at")
    if isinstance(expires, bool) or not isinstance(expires, int):
        yield one.violation(f"The session expires at {expires!r}.")


@contract(
    "chatkit.message-posted",
    select=_served(chatkit.SEND),
    source=HOUSE,
    subject=Subject.PROVIDER,
    breakers=("chatkit-post-of-assistant", "chatkit-post-other-text", "chatkit-post-text"),
)
def message_posted(one: Reply, _recording: Recording) -> Findings:
    """A message that was posted comes back as the user's, with the text that was sent."""
    said, sent = chatkit.read_message(one.document), chatkit.read_message(one.asked)
    if said is None or said.role != "user":
        yield one.violation(f"What was posted came back as {one.exchange.body[:60]!r}.")
    elif sent is not None and said.text != sent.text:
        yield one.violation(f"{sent.text[:60]!r} was posted, {said.text[:60]!r} came back.")


@contract(
    "chatkit.message-list",
    select=_served(chatkit.LIST),
    source=f"{HOUSE}; {LISTS}",
    subject=Subject.PROVIDER,
    breakers=("chatkit-list-text", "chatkit-data-object", "chatkit-message-without-role", "chatkit-content-text"),
)
def message_list(one: Reply, _recording: Recording) -> Findings:
    """The messages are a list under `data`, each with an id, a role and a list of blocks that have types."""
    data = one.object.get("data")
    if not isinstance(data, list):
        yield one.violation(f"The messages came as {one.exchange.body[:60]!r}.")
        return
    for number, message in enumerate(data):
        if not _is_message(message):
            yield one.violation(f"Message {number} is {str(message)[:60]!r}.")


@contract(
    "chatkit.answer-has-text",
    select=_served(chatkit.LIST),
    source=f"{HOUSE}: a block of type output_text or text holds the answer",
    subject=Subject.PROVIDER,
    breakers=("chatkit-answer-empty",),
)
def answer_has_text(one: Reply, _recording: Recording) -> Findings:
    """A block that holds an answer has a text in it: whoever finds the block stops asking."""
    for message in one.messages:
        read = chatkit.read_message(message)
        if read is not None and any(not text for text in read.answers):
            yield one.violation(f"The answer in message {read.id!r} has no text.")


@contract(
    "chatkit.list-page",
    select=_served(chatkit.LIST),
    source=LISTS,
    subject=Subject.PROVIDER,
    breakers=("chatkit-page-too-long", "chatkit-first-id-wrong", "chatkit-message-twice"),
)
def list_page(one: Reply, _recording: Recording) -> Findings:
    """A page has no more messages than were asked for, each once, and names its first and last.

    Pages are put together by these ids: a wrong one skips messages, or gives them twice.
    """
    if not isinstance(one.object.get("data"), list):
        return
    names = [str(message.get("id")) for message in one.messages]
    limit = chatkit.list_options(one.exchange.request.url).get("limit", "")
    if limit.isdigit() and len(names) > int(limit):
        yield one.violation(f"{len(names)} messages came, {limit} were asked for.")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        yield one.violation(f"Message {twice[0]!r} is there twice.")
    for field, wanted in (("first_id", names[:1]), ("last_id", names[-1:])):
        said = one.object.get(field)
        if said is not None and [said] != wanted:
            yield one.violation(f"{field} is {said!r}, the messages are {', '.join(names[:3])}.")


@contract(
    "chatkit.list-order",
    select=_served(chatkit.LIST),
    source=LISTS,
    subject=Subject.PROVIDER,
    breakers=("chatkit-order-reversed",),
)
def list_order(one: Reply, _recording: Recording) -> Findings:
    """The messages come in the order that was asked for, by their times: the newest first where that is `desc`.

    Who asks for the newest first takes the first answer for the newest.
    """
    times = [message["created_at"] for message in one.messages if isinstance(message.get("created_at"), int)]
    order = chatkit.list_options(one.exchange.request.url).get("order", "desc")
    if times != sorted(times, reverse=order == "desc"):
        yield one.violation(f"The order asked for is {order!r}, the messages are of {times[:4]}.")


@contract(
    "chatkit.error-object",
    select=_refused,
    source="OpenAI API reference, error object: message, type, param",
    subject=Subject.PROVIDER,
    breakers=("chatkit-error-text", "chatkit-error-without-message"),
)
def error_object(one: Reply, _recording: Recording) -> Findings:
    """A refusal is an object `error` with a message and a type."""
    error = read_error(one.document)
    if error is None or not error.message or not error.type:
        yield one.violation(f"A {one.exchange.status} came as {one.exchange.body[:60]!r}.")


def _id(value: Json) -> Json:
    return value.get("id") if isinstance(value, dict) else None


def _is_message(value: Json) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not isinstance(value.get("role"), str):
        return False
    content = value.get("content")
    return isinstance(content, list) and all(
        isinstance(block, dict) and isinstance(block.get("type"), str) for block in content
    )
