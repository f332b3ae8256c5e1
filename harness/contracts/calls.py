"""The subjects of most contracts: a call of a client seen from both sides, decoded once for each recording."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from harness.core.fault import FAULTS, Reach
from harness.core.ledger import Ledger, read_ledger
from harness.core.recording import Ending, Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.providers.openai import ChatRequest, Completion, ErrorBody, Stream
from harness.systems import gateway
from harness.systems.route import Outcome, ProviderTable

from .upstream import Upstream, Way
from .upstreams import decode_upstream, is_model_call
from .upstreams.openai import CHAT, chat_answer, chat_request

__all__ = [
    "STOPPING",
    "Call",
    "ChatCall",
    "Upstream",
    "Way",
    "accounted",
    "broken_off",
    "chat_calls",
    "cut_short",
    "failures",
    "ledger",
    "stopped_meanwhile",
    "upstreams_of",
]

STOPPING = "stopping"
"""The mark that says that the target was told to stop."""


@dataclass(frozen=True, kw_only=True)
class Call(ABC):
    """One call of a client, with what the target asked of providers for it. Each system has a class of its own."""

    table: ClassVar[ProviderTable]
    """What the system says of a provider's failure."""

    client: Exchange
    upstreams: tuple[Upstream, ...]

    @property
    @abstractmethod
    def asked_model(self) -> str | None:
        """The model that the client named, where it named one."""

    @property
    @abstractmethod
    def named_models(self) -> frozenset[str]:
        """The models that the answer names."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The words that the client received."""

    @property
    @abstractmethod
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""

    @property
    @abstractmethod
    def answer_id(self) -> str:
        """The id of the answer; empty where it has none."""

    @property
    @abstractmethod
    def code(self) -> str | int | None:
        """The code of the error that the client read."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The words of the error that the client read; empty where there are none."""

    @property
    def codes(self) -> tuple[str | int | None, ...]:
        """The code of each error that the client read, in the stream or in place of an answer; None: it had none."""
        return (self.code,) if (self.client.status or 0) >= 400 else ()

    @property
    def streamed(self) -> bool:
        """Whether the answer came as an event stream with status 200."""
        return False

    @property
    def left(self) -> bool:
        """Whether the client left before the end."""
        return self.client.ending is Ending.CLIENT_CLOSE

    @property
    def upstream(self) -> Upstream | None:
        """The last provider exchange for the call: the one whose outcome counts."""
        return self.upstreams[-1] if self.upstreams else None

    def here(self) -> Pointer:
        """Points at the client's exchange as a whole, at its end."""
        return Pointer(self.client.id, at_ns=self.client.ended_ns)

    def violation(self, sentence: str, *more: Pointer) -> Violation:
        """A violation in this call: the client's exchange, the provider's, and whatever else is named."""
        pointers = [*more] if more else [self.here()]
        if self.upstream is not None:
            pointers.append(Pointer(self.upstream.exchange.id, at_ns=self.upstream.exchange.ended_ns))
        return Violation(sentence, tuple(pointers))


@dataclass(frozen=True, kw_only=True)
class ChatCall(Call):
    """A chat completion call of the gateway's."""

    table = gateway.PROVIDER_TABLE

    request: ChatRequest | None
    stream: Stream | None
    completion: Completion | None
    error: ErrorBody | None

    @property
    def asked_model(self) -> str | None:
        """The model that the client named, where it named one."""
        return self.request.model if self.request else None

    @property
    def named_models(self) -> frozenset[str]:
        """The models that the answer names."""
        chunks = [event.data for event in self.stream.events] if self.stream else []
        named = {data["model"] for data in chunks if isinstance(data, dict) and isinstance(data.get("model"), str)}
        return frozenset(named | ({self.completion.model} if self.completion else set()))

    @property
    def text(self) -> str:
        """The words that the client received."""
        if self.stream is not None:
            return self.stream.text
        return self.completion.text if self.completion else ""

    @property
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        if self.stream is not None:
            return self.stream.terminal and not self.stream.errors and not self.left
        return self.completion is not None and self.client.status == 200

    @property
    def answer_id(self) -> str:
        """The id of the answer; empty where it has none."""
        if self.completion is not None:
            return self.completion.id
        return self.stream.ids[0] if self.stream and self.stream.ids else ""

    @property
    def code(self) -> str | int | None:
        """The code of the error that the client read."""
        return self.error.code if self.error else None

    @property
    def codes(self) -> tuple[str | int | None, ...]:
        """The code of each error that the client read, in the stream or in place of an answer; None: it had none."""
        if self.stream is None:
            return super().codes
        told = [event.data.get("error") if isinstance(event.data, dict) else None for event in self.stream.errors]
        return tuple(error.get("code") if isinstance(error, dict) else None for error in told)

    @property
    def words(self) -> str:
        """The words of the error that the client read."""
        return self.error.message if self.error else ""

    @property
    def streamed(self) -> bool:
        """Whether the answer came as an event stream with status 200."""
        return self.stream is not None

    def at_event(self, index: int) -> Pointer:
        """Points at an event of the client's stream."""
        if self.stream is None or not 0 <= index < len(self.stream.events):
            return self.here()
        event = self.stream.events[index]
        at_ns = self.client.response.at(event.start) if self.client.response else None
        return Pointer(self.client.id, start=event.start, end=event.end, event=index, at_ns=at_ns)


def chat_calls(recording: Recording) -> tuple[ChatCall, ...]:
    """The chat completion calls of a recording's clients, by the time they were sent."""
    return recording.memo("chat-calls", lambda: tuple(_chat_calls(recording)))


def _chat_calls(recording: Recording) -> Iterator[ChatCall]:
    clients = [e for e in recording.side(Side.CLIENT) if e.operation == CHAT]
    for client in clients:
        stream, completion, error = chat_answer(client)
        yield ChatCall(
            client=client,
            upstreams=upstreams_of(client, clients, recording),
            request=chat_request(client),
            stream=stream,
            completion=completion,
            error=error,
        )


def upstreams_of(client: Exchange, clients: Sequence[Exchange], recording: Recording) -> tuple[Upstream, ...]:
    """The provider exchanges that carry the tag of a client's; ``clients`` are all calls of its kind."""
    if client.tie is None:
        return ()
    ours = tuple(u for u in _upstreams(recording) if u.exchange.tie == client.tie)
    same = [one for one in clients if one.tie == client.tie]
    if len(same) > 1:  # one prompt sent several times: each call has the provider traffic within its own time
        ours = tuple(u for u in ours if _within(u.exchange, client, same))
    return ours


def _upstreams(recording: Recording) -> tuple[Upstream, ...]:
    return recording.memo(
        "upstreams",
        lambda: tuple(decode_upstream(e) for e in recording.side(Side.PROVIDER) if is_model_call(e)),
    )


def _within(exchange: Exchange, client: Exchange, same: list[Exchange]) -> bool:
    """Whether a provider exchange began after this call was sent and before the next with the same prompt was."""
    later = [c.request.sent_ns for c in same if c.request.sent_ns > client.request.sent_ns]
    until_ns = min(later, default=None)
    sent_ns = exchange.request.sent_ns
    return client.request.sent_ns <= sent_ns and (until_ns is None or sent_ns < until_ns)


def failures(call: Call, recording: Recording) -> tuple[Outcome, ...]:
    """What the system may say of the provider's failure in this call; empty where the provider did not fail.

    Judged by what the provider did; only where it was never reached, by what was asked of it: the fault, or the
    marks between which the scenario had taken it away. Where the target itself was stopped, no provider is to blame.
    """
    if cut_short(call, recording):
        return ()
    if call.upstream is not None:
        outcome = call.upstream.outcome(call.table)
        late = (call.table.timeout,) if len(call.upstreams) > 1 else ()  # its own limit may strike between two tries
        return () if outcome is None else (outcome, *late)
    return (call.table.unreachable,) if _unreachable(call, recording) else ()


def stopped_meanwhile(call: Call, recording: Recording) -> bool:
    """Whether the target was told to stop while the call was under way."""
    stopping = recording.mark(STOPPING)
    return stopping is not None and call.client.request.sent_ns <= stopping.at_ns <= call.client.ended_ns


def cut_short(call: Call, recording: Recording) -> bool:
    """Whether the target was stopped before the provider had given its whole answer."""
    done = call.upstream is not None and call.upstream.way is Way.COMPLETE
    return stopped_meanwhile(call, recording) and not done


def broken_off(call: Call, recording: Recording) -> bool:
    """Whether a call came to no end of its own: its provider failed, or the target was stopped before it had done."""
    return cut_short(call, recording) or bool(failures(call, recording))


def _unreachable(call: Call, recording: Recording) -> bool:
    """Whether no provider could be reached when the call was sent."""
    fault = FAULTS.get(recording.header.fault)
    if fault is not None and fault.reach is not Reach.OK:
        return True
    down, back = recording.mark("provider-down"), recording.mark("provider-back")
    sent_ns = call.client.request.sent_ns
    return down is not None and down.at_ns <= sent_ns and (back is None or sent_ns < back.at_ns)


C = TypeVar("C", bound=Call)


def accounted(made: Iterable[C], recording: Recording) -> list[C]:
    """Of these calls those that were made before the account was looked at last: its ledger knows of no others."""
    probe = recording.probe("ledger")
    return [] if probe is None else [call for call in made if call.client.request.sent_ns <= probe.at_ns]


def ledger(recording: Recording) -> Ledger | None:
    """The ledger that the last probe showed.

    Raises:
        ProbeError: the probe's data is not of the documented shape.
    """
    probe = recording.probe("ledger")
    return None if probe is None else recording.memo("ledger", lambda: read_ledger(probe.data))
