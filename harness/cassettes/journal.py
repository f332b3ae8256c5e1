"""The journal: what is recorded reaches the disk while it is recorded, without its secrets.

What is complete (an exchange, a probe, a mark) is appended to a cassette. What is in flight goes to a second file
beside it (``.part``), through a streaming redactor; so a process that is killed loses at most the bytes held back.
"""

from __future__ import annotations

import os
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from harness.core.draft import Draft
from harness.core.errors import CassetteError, CassetteWrite
from harness.core.recording import Exchange, Header, Mark, Probe, Recording, Response, Segment

from .file import CassetteWarning, PathLike, Writer, decode_line, encode_line, load
from .redact import Redactor, Released, StreamRedactor

BROKEN_OFF = "the recording broke off before its end: this is what its journal holds"


class _Piece(msgspec.Struct):
    """Bytes of a body in flight, without secrets. ``segments``: their ends in the body, and their times."""

    id: str
    data: str
    segments: list[tuple[int, int]]


class Journal:
    """A ``recorder.Sink`` that writes. Close it when the case is over.

    A failure to write never disturbs the traffic that is recorded: it ends the journal and is raised by ``close``.

    Raises:
        CassetteWrite: the files cannot be made.
    """

    def __init__(self, path: PathLike, header: Header, redactor: Redactor, *, fsync: bool = False) -> None:
        self.failure: CassetteWrite | None = None
        self._redactor = redactor
        self._writer = Writer(path, redactor.header(header), fsync=fsync)
        self._part_path = part_path(path)
        self._part = os.open(self._part_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o644)
        self._streams: dict[str, StreamRedactor] = {}

    def close(self) -> None:
        """The case is over, and all of it is in the cassette. Exchanges still open are left in the second file.

        Raises:
            CassetteWrite: something could not be written.
        """
        self._writer.close()
        os.close(self._part)
        if self.failure is not None:
            raise self.failure
        if not self._streams:
            self._part_path.unlink()

    def opened(self, draft: Draft) -> None:
        """A request is going out."""
        self._streams[draft.id] = self._redactor.stream()
        self._note(encode_line(self._redactor.exchange(draft.freeze())))

    def headed(self, draft: Draft) -> None:
        """The header section is complete, and so is the request."""
        self._note(encode_line(self._redactor.exchange(draft.freeze())))

    def arrived(self, draft: Draft, at_ns: int, data: bytes) -> None:
        """Body bytes arrived: what can no longer become a secret is written."""
        released = self._streams[draft.id].feed(at_ns, data)
        if released.data or released.segments:
            self._note(_encode_piece(draft.id, released))

    def exchange(self, exchange: Exchange) -> None:
        """An exchange is over."""
        self._append(self._redactor.exchange(exchange))
        self._streams.pop(exchange.id, None)
        if not self._streams and self.failure is None:
            os.ftruncate(self._part, 0)  # all of it is in the cassette now

    def probe(self, probe: Probe) -> None:
        """The target showed something."""
        self._append(self._redactor.probe(probe))

    def mark(self, mark: Mark) -> None:
        """The scenario did or saw something."""
        self._append(self._redactor.mark(mark))

    def _append(self, entry: Exchange | Probe | Mark) -> None:
        if self.failure is None:
            try:
                self._writer.append(entry)
            except CassetteWrite as failure:
                self.failure = failure

    def _note(self, line: bytes) -> None:
        if self.failure is None:
            try:
                while line:
                    line = line[os.write(self._part, line) :]
            except OSError as failure:
                what = f"cannot be written: {failure.strerror}"
                self.failure = CassetteWrite(what, where=str(self._part_path))


def part_path(path: PathLike) -> Path:
    """The file of what is in flight, beside the cassette at ``path``."""
    return Path(f"{os.fspath(path)}.part")


def recover(path: PathLike) -> Recording:
    """What a journal holds, redacted as it was written.

    Where the second file is there, the process died: exchanges then in flight end as left by their caller, at their
    last sign of life, and the recording is void, since nobody knows what else is missing.

    Raises:
        CassetteError: no journal, or a damaged one.
    """
    recording = load(path)
    part = part_path(path)
    if not part.exists():
        return recording
    known = {exchange.id for exchange in recording.exchanges}
    found = [exchange for exchange in _flights(part) if exchange.id not in known]
    exchanges = sorted([*recording.exchanges, *found], key=lambda one: one.request.sent_ns)
    header = replace(recording.header, void=recording.header.void or BROKEN_OFF)
    return replace(recording, header=header, exchanges=tuple(exchanges))


def _encode_piece(identity: str, released: Released) -> bytes:
    segments = [(segment.end, segment.at_ns) for segment in released.segments]
    piece = _Piece(identity, b64encode(released.data).decode(), segments)
    return msgspec.json.encode(piece) + b"\n"


def _flights(part: Path) -> Iterator[Exchange]:
    """The exchanges in flight, as far as they came."""
    exchanges: dict[str, Exchange] = {}
    bodies: dict[str, bytearray] = {}
    segments: dict[str, list[Segment]] = {}
    for entry in _notes(part):
        if isinstance(entry, Exchange):
            exchanges[entry.id] = entry
            bodies[entry.id], segments[entry.id] = bytearray(), []
        elif entry.id in exchanges:
            bodies[entry.id] += b64decode(entry.data)
            segments[entry.id] += [Segment(end, at_ns) for end, at_ns in entry.segments]
    for identity, exchange in exchanges.items():
        yield _grown(exchange, bytes(bodies[identity]), tuple(segments[identity]))


def _grown(exchange: Exchange, body: bytes, segments: tuple[Segment, ...]) -> Exchange:
    if exchange.response is None:
        return exchange
    response: Response = replace(exchange.response, body=body, segments=segments)
    return replace(exchange, response=response, ended_ns=segments[-1].at_ns if segments else exchange.ended_ns)


def _notes(part: Path) -> Iterator[Exchange | _Piece]:
    *lines, last = part.read_bytes().split(b"\n")
    if last:
        warnings.warn(f"{part}: the last line is torn and was dropped", CassetteWarning, stacklevel=5)
    for number, line in enumerate(lines, 1):
        where = f"{part}, line {number}"
        if not line.startswith(b"- "):
            try:
                yield msgspec.json.decode(line, type=_Piece)
            except msgspec.MsgspecError as failure:
                raise CassetteError(f"not a part of a journal: {failure}", where=where) from failure
        elif isinstance(entry := decode_line(line, where), Exchange):
            yield entry
