"""ChatKit's conversations: the session, the message and the polls that one plan took, read as one answer.

A request without a prompt is tied to the rest by the session that it is about; a conversation is one message of one
session. It is judged by its first exchange that failed, else by the poll that found the answer, else by its last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from harness.contracts.upstream import Answer, Asked, Said, Upstream, Way, is_json
from harness.core.errors import DecodeError
from harness.core.recording import Ending, Exchange, Json, Recording, Side
from harness.framing.json import lenient
from harness.providers import chatkit
from harness.providers.openai import decode_error


@dataclass(frozen=True)
class Conversation:
    """What one message to one session took: ``created`` made the session, ``sent`` posted the message.

    ``created`` is None where an earlier message had the session already, ``sent`` where it did not come to a message.
    """

    session: str | None
    created: Exchange | None = None
    sent: Exchange | None = None
    polls: tuple[Exchange, ...] = ()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All of them, in the order in which they were sent."""
        found = [one for one in (self.created, self.sent, *self.polls) if one is not None]
        return tuple(sorted(found, key=lambda exchange: exchange.request.sent_ns))

    @property
    def tie(self) -> str | None:
        """The tag in its message."""
        return self.sent.tie if self.sent else None

    @property
    def failed(self) -> Exchange | None:
        """Its first exchange in which the provider did not do its part."""
        return next((exchange for exchange in self.exchanges if _way(exchange) is not None), None)

    @property
    def answered(self) -> int | None:
        """Which of the polls, from 0, was the first to find an answer."""
        return next((number for number, poll in enumerate(self.polls) if answer_in(poll) is not None), None)

    @property
    def answer(self) -> str | None:
        """The text of the answer."""
        return None if self.answered is None else answer_in(self.polls[self.answered])

    @property
    def unanswered(self) -> int:
        """How many polls found nothing before one found an answer."""
        return len(self.polls) if self.answered is None else self.answered


def conversations(recording: Recording) -> tuple[Conversation, ...]:
    """The conversations of a recording, by the time they were begun."""
    return recording.memo("chatkit-conversations", lambda: tuple(_conversations(recording)))


def upstream(conversation: Conversation, key: str, lacking: Callable[[dict[str, Json]], list[str]]) -> Upstream:
    """A conversation as one exchange with the provider; the answer's text must be JSON with an object at ``key``.

    ``lacking`` tells what that object has not, and should have: then it is no answer either.
    The words that came back are what stands there, as JSON with its keys in order.
    """
    failed, text = conversation.failed, conversation.answer
    asked = _asked(conversation)
    if failed is not None:
        error = decode_error(failed.body) if failed.body else None
        said = Said(message=error.message, type=error.type, code=error.code, status=failed.status) if error else None
        return Upstream(failed, asked, Answer(error=said), _way(failed) or Way.INVALID)
    if text is None or conversation.answered is None:
        return Upstream(conversation.exchanges[-1], asked, Answer(), Way.SILENT)
    found = conversation.polls[conversation.answered]
    value = value_at(text, key)
    if value is None or lacking(value):
        return Upstream(found, asked, Answer(readable=True), Way.INVALID)
    return Upstream(found, asked, Answer(readable=True, answered=True, ended=True, text=canonical(value)), Way.COMPLETE)


def value_at(text: str, key: str) -> dict[str, Json] | None:
    """The object at a key of a JSON document; None where there is none."""
    try:
        document = lenient(text)
    except DecodeError:
        return None
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else None


def canonical(value: Json) -> str:
    """A JSON value as text, the same for the same value."""
    return json.dumps(value, sort_keys=True)


def answer_in(poll: Exchange) -> str | None:
    """The text of the answer that a poll found."""
    if poll.status != 200:
        return None
    try:
        return chatkit.find_answer(chatkit.decode_messages(poll.body))
    except DecodeError:
        return None


def _conversations(recording: Recording) -> Iterator[Conversation]:
    made: list[Conversation] = []
    latest: dict[str, int] = {}
    for exchange in recording.side(Side.PROVIDER):
        if exchange.operation not in chatkit.CALLS:
            continue
        session = _session(exchange)
        number = latest.get(session) if session is not None else None
        if number is None or (exchange.operation == chatkit.SEND and made[number].sent is not None):
            number = len(made)
            made.append(Conversation(session))
            if session is not None:
                latest[session] = number
        made[number] = _with(made[number], exchange)
    yield from made


def _with(one: Conversation, exchange: Exchange) -> Conversation:
    match exchange.operation:
        case chatkit.CREATE:
            return replace(one, created=exchange)
        case chatkit.SEND:
            return replace(one, sent=exchange)
    return replace(one, polls=(*one.polls, exchange))


def _session(exchange: Exchange) -> str | None:
    """The session that an exchange is about, or has made."""
    found = chatkit.target(exchange.request.method, exchange.request.url)
    return _made(exchange) if found is None or found[1] is None else found[1]


def _made(exchange: Exchange) -> str | None:
    """The session that a request for one was answered with."""
    if exchange.status != 200:
        return None
    try:
        return chatkit.decode_session(exchange.body)
    except DecodeError:
        return None


def _asked(conversation: Conversation) -> Asked | None:
    if conversation.created is None:
        return None
    body = conversation.created.request.body
    try:
        request, parameters = chatkit.decode_session_request(body), lenient(body)
    except DecodeError:
        return None
    return Asked(model=request.workflow, stream=False, messages=_messages(conversation), parameters=parameters)


def _messages(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    if conversation.sent is None:
        return ()
    try:
        return (("user", chatkit.decode_message(conversation.sent.request.body).text),)
    except DecodeError:
        return ()


def _way(exchange: Exchange) -> Way | None:
    """How an exchange failed; None where the provider did its part."""
    if exchange.ending is Ending.CONNECT_ERROR:
        return Way.UNREACHABLE
    if exchange.response is None:
        return Way.SILENT
    if exchange.response.status >= 400:
        return Way.STATUS
    return None if exchange.ending is Ending.EOF and _sound(exchange) else Way.INVALID


def _sound(exchange: Exchange) -> bool:
    """Whether the body of an answer is what its call is answered with. A message is taken, whatever is said of it."""
    try:
        match exchange.operation:
            case chatkit.CREATE:
                chatkit.decode_session(exchange.body)
            case chatkit.LIST:
                chatkit.decode_messages(exchange.body)
            case _:
                return True
    except DecodeError:
        return False
    return is_json(exchange)
