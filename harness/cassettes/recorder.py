"""The recorder of one case: hands out drafts, reads the clock, and keeps everything in one place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from harness.core.draft import Draft
from harness.core.recording import (
    Exchange,
    Header,
    Headers,
    Json,
    Mark,
    Probe,
    Recording,
    Request,
    Side,
    shortened,
)


@cache
def _maker() -> str:
    """What recordings are made by: looked up once, in the package's metadata on the disk."""
    return f"llm-contract-harness {version('llm-contract-harness')}"


def signed(header: Header) -> Header:
    """A header that says what makes the recording, and that it is made now; what it says already stays."""
    return replace(
        header,
        recorder=header.recorder or _maker(),
        recorded_at=header.recorded_at or datetime.now(UTC).isoformat(timespec="seconds"),
    )


class Sink(Protocol):
    """Where a recorder passes on what it notes, as it notes it (``cassettes.journal`` is one)."""

    def opened(self, draft: Draft) -> None:
        """A request is going out."""

    def headed(self, draft: Draft) -> None:
        """The response's header section is complete."""

    def arrived(self, draft: Draft, at_ns: int, data: bytes) -> None:
        """Body bytes arrived in one piece."""

    def exchange(self, exchange: Exchange) -> None:
        """An exchange is over."""

    def probe(self, probe: Probe) -> None:
        """The target showed something."""

    def mark(self, mark: Mark) -> None:
        """The scenario did or saw something."""


@dataclass(kw_only=True, slots=True)
class _Watched(Draft):
    """A draft that tells a sink what it is told."""

    sink: Sink

    def head(self, at_ns: int, status: int, reason: str = "", headers: Headers = ()) -> None:
        if self.open:
            Draft.head(self, at_ns, status, reason, headers)
            self.sink.headed(self)

    def segment(self, at_ns: int, data: bytes) -> None:
        if self.open and data:
            Draft.segment(self, at_ns, data)
            self.sink.arrived(self, at_ns, data)


class Recorder:
    """One recording while it is made. Its clock starts with it; all times are nanoseconds since then.

    Not safe for use from several threads: tap and simulators run on one event loop. Nothing is redacted here.
    """

    def __init__(self, header: Header, *, journal: Sink | None = None) -> None:
        self._start_ns = time.monotonic_ns()
        self.header = signed(header)
        self._sink = journal
        self._count: Counter[Side] = Counter()
        self._drafts: list[Draft] = []
        self._closed: set[str] = set()
        self._probes: list[Probe] = []
        self._marks: list[Mark] = []

    def now(self) -> int:
        """Nanoseconds since the recording's start."""
        return time.monotonic_ns() - self._start_ns

    def open(
        self,
        side: Side,
        operation: str,
        *,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        tie: str | None = None,
        provider: str | None = None,
        sent_ns: int | None = None,
    ) -> Draft:
        """A draft of a new exchange, sent now unless ``sent_ns`` says when. Ids count by side: c1, c2, p1, s1.

        Of a long body only the beginning is kept: see ``core.recording.Whole``.
        """
        kept, whole = shortened(body)
        sent_at_ns = self.now() if sent_ns is None else sent_ns
        self._count[side] += 1
        known: dict[str, Any] = {
            "id": f"{side.value[0]}{self._count[side]}",
            "side": side,
            "operation": operation,
            "request": Request(method, url, tuple(headers), kept, sent_at_ns, whole),
            "tie": tie,
            "provider": provider,
        }
        draft = Draft(**known) if self._sink is None else _Watched(sink=self._sink, **known)
        self._drafts.append(draft)
        if self._sink is not None:
            self._sink.opened(draft)
        return draft

    def close(self, draft: Draft) -> None:
        """The draft has ended: pass the exchange on to the journal. Once; later calls do nothing."""
        if draft.id not in self._closed:
            self._closed.add(draft.id)
            if self._sink is not None:
                self._sink.exchange(draft.freeze())

    def probe(self, name: str, data: Json) -> None:
        """Note what the target shows of itself now."""
        probe = Probe(name, self.now(), data)
        self._probes.append(probe)
        if self._sink is not None:
            self._sink.probe(probe)

    def mark(self, name: str, data: Json = None) -> None:
        """Note that something was done or seen now."""
        mark = Mark(name, self.now(), data)
        self._marks.append(mark)
        if self._sink is not None:
            self._sink.mark(mark)

    def recording(self, **header_changes: Any) -> Recording:
        """Everything so far, exchanges by the time they were sent; drafts still open are taken as they stand.

        ``header_changes`` are fields of ``Header`` that are known only now (``void``, ``capabilities``, ...).
        """
        exchanges = sorted((draft.freeze() for draft in self._drafts), key=lambda one: one.request.sent_ns)
        return Recording(
            header=replace(self.header, **header_changes),
            exchanges=tuple(exchanges),
            probes=tuple(self._probes),
            marks=tuple(self._marks),
        )
