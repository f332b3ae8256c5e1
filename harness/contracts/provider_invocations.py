"""The subjects of Bedrock's contracts: what it answered to invoke and Converse calls, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.core.recording import Exchange, Fidelity, Json, Recording, Source
from harness.providers.bedrock import CALLS, Family, Stream, StreamEvent, decode_stream, family_of, target

from .provider_traffic import ProviderAnswer, broken_off, judged, read_json

REQUEST_ID = "x-amzn-requestid"
INPUT_COUNT = "x-amzn-bedrock-input-token-count"
OUTPUT_COUNT = "x-amzn-bedrock-output-token-count"
_OTHER_MEDIA = ("embed", "canvas", "reel", "sonic")
"""In the names of models that are of a family and make no text."""
CONVERSE = frozenset({"converse", "converse-stream"})
FRAMED = "invoke-with-response-stream"
"""The call whose streams have what the model's family says in the frames' chunks."""


@dataclass(frozen=True)
class Invocation(ProviderAnswer):
    """An answer to one call. ``stream`` is there for an event stream, ``document`` for anything else that is JSON.

    ``whole``: the recording holds the stream to an end of its own, and no exception cut it short.
    """

    stream: Stream | None
    document: Json
    broken_off: bool

    @property
    def call(self) -> str:
        """Which of the four calls."""
        return self.exchange.operation

    @property
    def family(self) -> Family | None:
        """Whose body an invoke call's answer has; None where it is not known."""
        return invoked_family(self.exchange)

    @property
    def whole(self) -> bool:
        """Whether a stream was recorded to an end of its own that is no failure."""
        return self.stream is not None and not self.broken_off and not self.stream.exceptions

    @property
    def events(self) -> tuple[StreamEvent, ...]:
        """The frames of a stream; none of anything else."""
        return self.stream.events if self.stream else ()


Select = Callable[[Recording], list[Invocation]]


def streams(*calls: str, whole: bool = False) -> Select:
    """The event streams, of these calls only where some are named, and only whole ones where that is asked."""
    return _select(lambda a: a.stream is not None and (not calls or a.call in calls) and (a.whole or not whole))


def streams_asked() -> Select:
    """The answers with status 200 to the calls that stream, where the recorder kept the response's headers."""

    return _select(lambda a: a.call.endswith("-stream") and a.status == 200 and a.headers_kept)


def conversations() -> Select:
    """Converse's answers, streamed to their end or plain."""
    return _select(lambda a: a.call in CONVERSE and a.status == 200 and (a.stream is None or a.whole))


def plain_conversations() -> Select:
    """Converse's plain answers."""
    return _select(lambda a: a.call == "converse" and a.status == 200)


def invoked(*families: Family) -> Select:
    """The plain answers to invoke calls that are the runtime's own, of these families where some are named."""
    return _select(
        lambda a: (
            a.call == "invoke" and a.status == 200 and is_own(a.exchange) and (not families or a.family in families)
        )
    )


def is_own(exchange: Exchange) -> bool:
    """Whether an invoke call's plain answer is the runtime's: one of a request that it numbered has counts in its head.

    Where the one is there without the other a body was made up, as tests of other libraries do; a recorder that kept
    neither says nothing.
    """
    head = exchange.response
    return head is not None and (head.header(REQUEST_ID) is None or head.header(INPUT_COUNT) is not None)


def invoked_model(exchange: Exchange) -> str | None:
    """The id of the model in an invoke call's path; None where it is no such call, or the model makes no text."""
    found = target(exchange.request.method, urlsplit(exchange.request.url).path)
    if found is None or not found[0].startswith("invoke") or any(part in found[1] for part in _OTHER_MEDIA):
        return None
    return found[1]


def invoked_family(exchange: Exchange) -> Family | None:
    """The family of the model in an invoke call's path; None where it is not known, or makes no text."""
    return family_of(invoked_model(exchange) or "")


def refusals(*, headers: bool = False) -> Select:
    """The answers with an error status; where ``headers``, those whose recorder kept all header fields."""
    return _select(lambda a: a.status >= 400 and not (headers and a.exchange.fidelity is Fidelity.NORMALIZED))


def invocations(recording: Recording) -> tuple[Invocation, ...]:
    """Every answer of Bedrock's in a recording, if it is one in which providers are judged."""
    return recording.memo("bedrock-invocations", lambda: tuple(_invocations(recording)))


def _select(wanted: Callable[[Invocation], bool]) -> Select:
    return lambda recording: [answer for answer in invocations(recording) if wanted(answer)]


def _invocations(recording: Recording) -> Iterator[Invocation]:
    for exchange in judged(recording):
        if exchange.provider == "bedrock" and exchange.operation in CALLS:
            yield _invocation(exchange, recording.header.source)


def _invocation(exchange: Exchange, source: Source) -> Invocation:
    if exchange.operation.endswith("-stream") and exchange.status == 200:
        stream = decode_stream(exchange.body)
        ended = stream.terminal or bool(stream.exceptions)
        return Invocation(exchange, stream, None, broken_off(exchange, source, ended=ended))
    return Invocation(exchange, None, read_json(exchange.body), broken_off=False)
