"""Streamed chat as subjects: a stream of an owner with the provider traffic it caused, and those who look on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json, Recording, Side
from harness.core.verdict import Pointer
from harness.framing import sse
from harness.framing.json import lenient, loads
from harness.systems import accounting, chat
from harness.systems.route import Route

from .calls import Call, failures, stopped_meanwhile, upstreams_of
from .upstream import is_event_stream

CHAT = ("chat",)
OPERATIONS = frozenset(route.name for route in (*chat.ROUTES, *accounting.ROUTES))
"""The calls whose refusals are ``{"message", ...}``."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a stream: its name, its data, and its bytes (start, end). ``data`` is None where it is not JSON."""

    index: int
    name: str
    data: Json
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words in a delta; empty in any other event."""
        found = self.data.get("text") if self.name == chat.DELTA and isinstance(self.data, dict) else None
        return found if isinstance(found, str) else ""


def read_events(body: bytes) -> tuple[Told, ...]:
    """The events of a stream, as far as it came."""
    found = enumerate(sse.decode(body).events)
    return tuple(Told(index, event.type, _json(event.data.encode()), event.start, event.end) for index, event in found)


@dataclass(frozen=True, kw_only=True)
class StreamCall(Call):
    """A stream of an owner: what was asked for (None where it is no object), and what was read.

    ``events`` are those of a stream with status 200, ``answer`` the object of any other answer.
    """

    table = chat.PROVIDER_TABLE

    asked: dict[str, Json] | None
    events: tuple[Told, ...]
    answer: dict[str, Json]

    @property
    def session(self) -> str:
        """The session's id in the address."""
        return session_of(self.client) or ""

    @property
    def asked_model(self) -> str | None:
        """The model that the client named, where it named one."""
        name = self.asked.get("modelId") if self.asked else None
        return name if isinstance(name, str) else None

    @property
    def named_models(self) -> frozenset[str]:
        """None: the answers of chat name no model."""
        return frozenset()

    @property
    def text(self) -> str:
        """The words that the client received."""
        return "".join(event.text for event in self.events)

    @property
    def terminals(self) -> tuple[Told, ...]:
        """The events that say that the stream is over."""
        return tuple(event for event in self.events if event.name in chat.TERMINALS)

    @property
    def done(self) -> Told | None:
        """The end of a stream that went well."""
        return next((event for event in self.terminals if event.name == chat.DONE), None)

    @property
    def error(self) -> Told | None:
        """The end of one that did not."""
        return next((event for event in self.terminals if event.name == chat.ERROR), None)

    @property
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        return self.streamed and self.done is not None and self.error is None and not self.left

    @property
    def answer_id(self) -> str:
        """None: a stream has no id of its own."""
        return ""

    @property
    def code(self) -> str | int | None:
        """The code of the error that the client read, before the stream or in it."""
        found = self.told.get("errorCode")
        return found if isinstance(found, str) else None

    @property
    def codes(self) -> tuple[str | int | None, ...]:
        """The code of each error that the client read, in the stream or in place of an answer; None: it had none."""
        if not self.streamed:
            return super().codes
        return (self.code,) if self.error is not None else ()

    @property
    def words(self) -> str:
        """The words of the error that the client read."""
        found = self.told.get("error", self.told.get("message"))
        return found if isinstance(found, str) else ""

    @property
    def told(self) -> dict[str, Json]:
        """What holds the error that the client read; empty where there is none."""
        if not self.streamed:
            return self.answer
        return self.error.data if self.error is not None and isinstance(self.error.data, dict) else {}

    @property
    def streamed(self) -> bool:
        """Whether the answer came as an event stream with status 200."""
        return self.client.status == 200 and is_event_stream(self.client)

    @property
    def prompt_characters(self) -> int:
        """Characters of all messages, joined by one space."""
        return len(" ".join(texts_of(self.asked or {})))

    def at_event(self, event: Told) -> Pointer:
        """Points at an event of the client's stream."""
        at_ns = self.client.response.at(event.start) if self.client.response else None
        return Pointer(self.client.id, start=event.start, end=event.end, event=event.index, at_ns=at_ns)


def stream_calls(recording: Recording) -> tuple[StreamCall, ...]:
    """The streams that a recording's clients asked for, by the time they were sent."""
    return recording.memo("chat-streams", lambda: tuple(_stream_calls(recording)))


def _stream_calls(recording: Recording) -> Iterator[StreamCall]:
    clients = [e for e in recording.side(Side.CLIENT) if e.operation == chat.STREAM.name]
    for client in clients:
        streamed = client.status == 200 and is_event_stream(client)
        yield StreamCall(
            client=client,
            upstreams=upstreams_of(client, clients, recording),
            asked=_object(client.request.body, strict=True),
            events=read_events(client.body) if streamed else (),
            answer={} if streamed else body_of(client),
        )


def deleted_meanwhile(call: StreamCall, recording: Recording) -> bool:
    """Whether the session was deleted while the call was under way."""
    sent_ns = call.client.request.sent_ns
    return any(
        one.operation == chat.DELETE.name
        and session_of(one) == call.session
        and sent_ns <= one.request.sent_ns <= call.client.ended_ns
        for one in recording.side(Side.CLIENT)
    )


def undisturbed(recording: Recording) -> Iterator[StreamCall]:
    """Streams with status 200 whose owner stayed; neither was the session deleted nor the target stopped meanwhile."""
    for call in stream_calls(recording):
        if (
            call.streamed
            and not call.left
            and not (deleted_meanwhile(call, recording) or stopped_meanwhile(call, recording))
        ):
            yield call


def healthy(recording: Recording) -> Iterator[StreamCall]:
    """Of those the ones whose provider did its part."""
    return (call for call in undisturbed(recording) if call.upstream and not failures(call, recording))


def broken(recording: Recording) -> Iterator[StreamCall]:
    """Of those the ones whose provider failed."""
    return (call for call in undisturbed(recording) if failures(call, recording))


def service_failed(recording: Recording) -> bool:
    """Whether a service beside the target failed, or could not be reached."""
    return any(one.response is None or one.response.status >= 500 for one in recording.side(Side.SERVICE))


def kept_from_its_end(call: Call, recording: Recording) -> bool:
    """Whether something beside the provider may have ended a call: a service, a deletion, or the target's own stop."""
    if service_failed(recording) or stopped_meanwhile(call, recording):
        return True
    return isinstance(call, StreamCall) and deleted_meanwhile(call, recording)


def refused(recording: Recording) -> Iterator[StreamCall]:
    """Streams that were answered by an error status."""
    return (call for call in stream_calls(recording) if (call.client.status or 0) >= 400)


@dataclass(frozen=True)
class Observation:
    """Somebody who asked to look on, and the stream that was under way in the session, where one is known for sure.

    Sure: the owner had the headers before the observer asked, and not yet the end when the observer was answered.
    """

    client: Exchange
    events: tuple[Told, ...]
    owner: StreamCall | None

    @property
    def let_in(self) -> bool:
        """Whether the observer was let in."""
        return self.client.status == 200

    def here(self) -> Pointer:
        """Points at the observer's exchange."""
        return Pointer(self.client.id, at_ns=self.client.ended_ns)


def observations(recording: Recording) -> tuple[Observation, ...]:
    """Those who asked to look on, by the time they asked."""
    return recording.memo("observations", lambda: tuple(_observations(recording)))


def _observations(recording: Recording) -> Iterator[Observation]:
    for client in recording.side(Side.CLIENT):
        if client.operation == chat.OBSERVE.name:
            events = read_events(client.body) if client.status == 200 else ()
            yield Observation(client, events, _owner(client, recording))


def _owner(observer: Exchange, recording: Recording) -> StreamCall | None:
    answered_ns = observer.response.at_ns if observer.response else observer.ended_ns
    for call in stream_calls(recording):
        response = call.client.response
        if call.session != session_of(observer) or not call.streamed or response is None:
            continue
        if response.at_ns <= observer.request.sent_ns and answered_ns <= end_ns(call):
            return call
    return None


def end_ns(call: StreamCall) -> int:
    """When the owner read that the stream is over: its terminal, else the end of the exchange."""
    response = call.client.response
    if call.terminals and response is not None:
        return response.at(call.terminals[0].start)
    return call.client.ended_ns


def session_of(exchange: Exchange) -> str | None:
    """The session's id in the address of a call, None where the call has none."""
    found = next((pattern.search(exchange.request.url) for name, pattern in _PATHS if name == exchange.operation), None)
    return found[1] if found else None


def _pattern(route: Route) -> re.Pattern[str]:
    before, _, after = route.path.partition("{session_id}")
    return re.compile(f"{re.escape(before)}([^/?]+){re.escape(after)}(?:[?]|$)")


_PATHS = [
    (route.name, _pattern(route))
    for route in (chat.STREAM, chat.OBSERVE, chat.DELETE, accounting.FINALIZE, accounting.ABORT)
]


def texts_of(asked: dict[str, Json]) -> list[str]:
    """The texts of a request's messages, the history's first."""
    history, listed = asked.get("messageHistory"), asked.get("messages")
    messages = [*(history if isinstance(history, list) else ()), *(listed if isinstance(listed, list) else ())]
    texts = [_content(one.get("content")) for one in messages if isinstance(one, dict)]
    return [*texts, asked["message"]] if isinstance(asked.get("message"), str) else texts


def _content(content: Json) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else ()
    return "".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))


def body_of(exchange: Exchange) -> dict[str, Json]:
    """The JSON object in an answer; empty where it is none."""
    return _object(exchange.body) or {}


def asked_of(exchange: Exchange) -> dict[str, Json]:
    """The JSON object in a request; empty where it is none."""
    return _object(exchange.request.body, strict=True) or {}


def _object(data: bytes, *, strict: bool = False) -> dict[str, Json] | None:
    try:
        value = loads(data) if strict else lenient(data)
    except DecodeError:
        return None
    return value if isinstance(value, dict) else None


def _json(data: bytes) -> Json:
    try:
        return lenient(data)
    except DecodeError:
        return None
