"""Redaction: no secret reaches the disk, and what is judged does not change.

Every secret becomes ``[REDACTED:kind]``, wherever it stands: in addresses, headers, bodies, probes, marks, errors and
the recording's header. Where a body's bytes change, its segments' ends and its Content-Length move with them.
A secret that spans segments is found, and its marker arrives with the segment that the secret's last byte came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from harness.core.recording import (
    LONG_BODY_BYTES,
    Exchange,
    Header,
    Headers,
    Json,
    Mark,
    Probe,
    Recording,
    Response,
    Segment,
)

from .secrets import CONTEXT, MARKER, Secret, build

__all__ = ["MARKER", "Redactor", "Released", "Secret", "StreamRedactor"]

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie"}
)
"""Header fields whose value is a secret as a whole; of a credential, the scheme's name is kept."""

KEPT_CHARACTERS, KEPT_TEXTS = 48, 4096
"""Of so many texts of that length at most it is kept what became of them."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes from ``start`` to ``end`` (exclusive) become ``marker``."""

    start: int
    end: int
    marker: bytes


class Redactor:
    """Takes secrets out of recordings. Pure: it gives new values, and the same again for what it gave."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._search = build(secrets)
        self._known: dict[str, str] = {}

    def redact(self, recording: Recording) -> Recording:
        """The recording without its secrets."""
        return replace(
            recording,
            header=self.header(recording.header),
            exchanges=tuple(map(self.exchange, recording.exchanges)),
            probes=tuple(map(self.probe, recording.probes)),
            marks=tuple(map(self.mark, recording.marks)),
        )

    def header(self, header: Header) -> Header:
        """A recording's header without secrets."""
        changes = {name: self.json(getattr(header, name)) for name in ("facts", "asked")}
        for name in ("recorder", "system", "target", "scenario", "provider", "fault", "defect", "void"):
            value = getattr(header, name)
            changes[name] = None if value is None else self.text(value)
        return replace(header, **changes)

    def probe(self, probe: Probe) -> Probe:
        """A probe without secrets."""
        return replace(probe, name=self.text(probe.name), data=self.json(probe.data))

    def mark(self, mark: Mark) -> Mark:
        """A mark without secrets."""
        return replace(mark, name=self.text(mark.name), data=self.json(mark.data))

    def exchange(self, exchange: Exchange) -> Exchange:
        """An exchange without secrets."""
        request = exchange.request
        kept = request.body
        if request.whole is not None and len(kept) == LONG_BODY_BYTES:
            kept = kept[: self.safe(bytearray(kept), 0)]  # at the cut half of a secret may stand, and not be found
        body = self.data(kept)
        headers = _resized(self.headers(request.headers), 0 if request.whole else len(body) - len(kept))
        return replace(
            exchange,
            operation=self.text(exchange.operation),
            request=replace(request, url=self.url(request.url), headers=headers, body=body),
            response=None if exchange.response is None else self._response(exchange.response),
            error=None if exchange.error is None else self.text(exchange.error),
        )

    def data(self, data: bytes) -> bytes:
        """Bytes without secrets."""
        return _replaced(data, list(self.spans(data)), 0, len(data))

    def text(self, text: str) -> str:
        """A text without secrets. Names of headers and fields come again and again: what became of them is kept."""
        clean = self._known.get(text)
        if clean is None:
            clean = self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
            if len(text) <= KEPT_CHARACTERS and len(self._known) < KEPT_TEXTS:
                self._known[text] = clean
        return clean

    def url(self, url: str) -> str:
        """An address without secrets. User and password go as a whole: no marker may stand in an authority."""
        clean = self.text(url)
        head, found, rest = clean.partition("://")
        authority = rest.split("/", 1)[0]
        if found and "@" in authority:
            user = authority.rpartition("@")[0]
            return f"{head}://redacted{rest[len(user) :]}"
        return clean

    def json(self, value: Json) -> Json:
        """JSON data without secrets, in keys and values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.json(key): self.json(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.json(inner) for inner in value]
        return value

    def headers(self, headers: Headers) -> Headers:
        """Header fields without secrets."""
        return tuple((self.text(name), self._field(name.lower(), value)) for name, value in headers)

    def spans(self, data: bytes | bytearray, start: int = 0, *, after: bool = False) -> Iterator[_Span]:
        """What to replace in ``data`` from ``start`` on, in order; ``after`` says that a secret ended right there."""
        search, position = self._search, start
        for place in search.places(data, start):
            if place < position:
                continue
            match = (search.adjacent if after and place == position else search.pattern).match(data, place)
            if match is None:
                continue
            position, after = match.end(), True
            group = match.lastgroup
            if group is None:  # a marker from before stays, unless it is abused to hide a secret
                inner = search.tokens.search(match[0][len(b"[REDACTED:") : -1])
                group = inner.lastgroup if inner is not None else None
            if group is not None:
                yield _Span(place, position, b"[REDACTED:%s]" % search.kinds[group].encode())

    def stream(self) -> StreamRedactor:
        """A redactor for one body that comes in pieces."""
        return StreamRedactor(self)

    def safe(self, data: bytearray, start: int) -> int:
        """How far ``data`` can be decided, whatever follows it: no match that begins before reaches beyond."""
        floor = max(start, len(data) - self._search.longest)
        return floor + data[floor:].translate(self._search.breaks).rfind(b"\0") + 1

    def _response(self, response: Response) -> Response:
        spans = list(self.spans(response.body))
        body = _replaced(response.body, spans, 0, len(response.body))
        ends = _moved((segment.end for segment in response.segments), spans)
        return replace(
            response,
            reason=self.text(response.reason),
            headers=_resized(self.headers(response.headers), len(body) - len(response.body)),
            body=body,
            segments=tuple(Segment(end, old.at_ns) for end, old in zip(ends, response.segments, strict=True)),
        )

    def _field(self, name: str, value: str) -> str:
        clean = self.text(value)
        if name not in SECRET_HEADERS or not value:
            return clean
        scheme, space, _ = clean.partition(" ")
        prefix = f"{scheme} " if space and "authorization" in name else ""
        found = MARKER.search(clean.encode("utf-8", "surrogatepass"))
        return prefix + (found[0].decode() if found else f"[REDACTED:pattern:{name}]")


@dataclass(frozen=True, slots=True)
class Released:
    """What is safe to write: bytes without secrets, and the segments that are complete (ends in the redacted body)."""

    data: bytes
    segments: tuple[Segment, ...]


class StreamRedactor:
    """Redacts one body while it arrives, with the same result as redacting it whole.

    Holds back what could still become a secret: what follows the last byte that none can hold, and in a body with no
    such bytes as much as the longest secret.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._buffer = bytearray()  # some bytes of context, then what is held back
        self._context = 0
        self._start = 0  # where the buffer begins in the body
        self._shift = 0  # how much longer the redacted body is up to what was released
        self._after = False  # whether what was released ends with a secret
        self._pending: list[Segment] = []

    @property
    def held(self) -> int:
        """Bytes held back."""
        return len(self._buffer) - self._context

    def feed(self, at_ns: int, data: bytes) -> Released:
        """One segment arrived; what can be written now."""
        self._buffer += data
        self._pending.append(Segment(self._start + len(self._buffer), at_ns))
        return self._release(self._redactor.safe(self._buffer, self._context))

    def finish(self) -> Released:
        """The body is over: the rest."""
        return self._release(len(self._buffer))

    def _release(self, cut: int) -> Released:
        spans = []
        for span in self._redactor.spans(self._buffer, self._context, after=self._after):
            if span.start >= cut:
                break
            spans.append(span)
            cut = max(cut, span.end)
        if cut > self._context:
            self._after = bool(spans) and spans[-1].end == cut
        data = _replaced(self._buffer, spans, self._context, cut)
        done = [one for one in self._pending if one.end - self._start <= cut]
        self._pending = self._pending[len(done) :]
        ends = _moved((one.end - self._start for one in done), spans)
        offset = self._start + self._shift
        segments = tuple(Segment(offset + end, one.at_ns) for end, one in zip(ends, done, strict=True))
        self._shift += len(data) - (cut - self._context)
        forgotten = max(0, cut - CONTEXT)
        del self._buffer[:forgotten]
        self._start += forgotten
        self._context = cut - forgotten
        return Released(data, segments)


def _replaced(data: bytes | bytearray, spans: list[_Span], start: int, end: int) -> bytes:
    if not spans:
        return bytes(data[start:end])
    parts = []
    for span in spans:
        parts += [data[start : span.start], span.marker]
        start = span.end
    return b"".join([*parts, data[start:end]])


def _moved(ends: Iterable[int], spans: list[_Span]) -> Iterator[int]:
    """Where offsets are after replacing; one inside a span moves to the marker's beginning."""
    shift, at = 0, 0
    for end in ends:
        while at < len(spans) and spans[at].end <= end:
            shift += len(spans[at].marker) - (spans[at].end - spans[at].start)
            at += 1
        inside = at < len(spans) and spans[at].start < end
        yield (spans[at].start if inside else end) + shift


def _resized(headers: Headers, change: int) -> Headers:
    if not change:
        return headers
    return tuple(
        (name, str(int(value) + change)) if name.lower() == "content-length" and value.isdecimal() else (name, value)
        for name, value in headers
    )
