"""The cassette file: vcrpy's version 1, with one line of JSON for each interaction.

Plain vcrpy and pytest-recording read it as YAML; it is appended to a line at a time, so that a process which dies
leaves every complete line; and it is read line by line as JSON, which is several times faster than as YAML.
A cassette that plain vcrpy has saved again, in its own block style, is read too.
"""

from __future__ import annotations

import base64
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from harness.core.errors import CassetteError, CassetteLimit, CassetteWrite
from harness.core.recording import Exchange, Header, Mark, Probe, Recording

from .interaction import HEADER_URI, Entry, Interaction, decode, encode
from .readers.documents import load_yaml
from .yamljson import as_json, dumps

MAX_BYTES = 256 << 20
MAX_INTERACTIONS = 1_000_000
_PREAMBLE = b"version: 1\ninteractions:\n"
_DASH = b"- "
_LINE = msgspec.json.Decoder(Interaction)

PathLike = str | os.PathLike[str]


class CassetteWarning(UserWarning):
    """A cassette was readable, but not whole."""


def encode_line(entry: Entry) -> bytes:
    """An entry as its line of the file, with the line's end."""
    return _DASH + dumps(encode(entry)).encode() + b"\n"


class Writer:
    """A cassette that grows. A new file replaces one of the same name; folders are made.

    Every entry is one write, so a process that dies leaves complete lines and at most one torn one.
    With ``fsync`` each entry is on the disk before ``append`` returns (about ten times slower).
    """

    def __init__(self, path: PathLike, header: Header, *, fsync: bool = False) -> None:
        self.path = Path(path)
        self._fsync = fsync
        with _writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
            self._descriptor: int | None = os.open(self.path, flags, 0o644)
        self._write(_PREAMBLE + encode_line(header))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def append(self, entry: Exchange | Probe | Mark) -> None:
        """Write one entry.

        Raises:
            CassetteWrite: the disk is full, or the writer is closed.
        """
        self._write(encode_line(entry))

    def close(self) -> None:
        """Close the file. Once is enough."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise CassetteWrite("the writer is closed", where=str(self.path))
        with _writing(self.path):
            while data:
                data = data[os.write(self._descriptor, data) :]
            if self._fsync:
                os.fsync(self._descriptor)


def write(path: PathLike, recording: Recording) -> None:
    """Write a whole recording. The file of that name is there before and after, never half of one.

    Raises:
        CassetteWrite: the folder cannot be made or written, or data of the recording is not JSON.
    """
    target = Path(path)
    entries: Iterable[Entry] = (recording.header, *recording.exchanges, *recording.probes, *recording.marks)
    lines = [encode_line(entry) for entry in entries]
    with _writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_PREAMBLE)
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


def load(path: PathLike, *, max_bytes: int = MAX_BYTES, max_interactions: int = MAX_INTERACTIONS) -> Recording:
    """A recording from its file. Builds nothing but plain values; a torn last line is dropped with a warning.

    Raises:
        CassetteError: no such file, not a cassette of this harness, or one that was changed or damaged.
        CassetteLimit: larger, longer or deeper than is read.
    """
    name = str(path)
    entries: list[Entry] = []
    for entry in _entries(_read(Path(path), max_bytes), name):
        if len(entries) >= max_interactions:
            raise CassetteLimit(f"more than {max_interactions} interactions", where=name)
        entries.append(entry)
    return _assemble(entries, name)


def decode_line(line: bytes, where: str) -> Entry:
    """The entry of one line of a file; ``where`` is for the error's words.

    Raises:
        CassetteError, CassetteLimit: it is none, or nested too deep.
    """
    try:
        interaction = _LINE.decode(as_json(line.removeprefix(_DASH)))
    except (msgspec.MsgspecError, UnicodeError) as failure:
        raise CassetteError(f"not an interaction: {failure}", where=where, fix="Restore the file.") from failure
    except RecursionError as failure:
        raise CassetteLimit("nested too deep", where=where) from failure
    return _decode(interaction, where)


def is_ours(path: PathLike) -> bool:
    """Whether a file looks like a cassette of this harness: ``load`` is worth trying."""
    try:
        with Path(path).open("rb") as file:
            return HEADER_URI.encode() in file.read(1 << 16)
    except OSError:
        return False


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as failure:
        raise CassetteError(f"cannot be read: {failure.strerror}", where=str(path)) from failure
    if len(data) > max_bytes:
        raise CassetteLimit(f"larger than {max_bytes} bytes", where=str(path))
    return data


def _entries(data: bytes, name: str) -> Iterator[Entry]:
    normal = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if normal.startswith(_PREAMBLE + _DASH + b"{"):
        return _lines(normal, name)
    return _blocks(data, name)


def _lines(data: bytes, name: str) -> Iterator[Entry]:
    """Every entry of a file of lines. Whether the last line is torn shows in its missing end."""
    lines = data.split(b"\n")
    for number, line in enumerate(lines[2:], 3):
        where = f"{name}, line {number}"
        if not line.strip():
            continue
        try:
            yield decode_line(line, where)
        except CassetteError as failure:
            if number < len(lines) or not _is_torn(failure.__cause__):
                raise
            warnings.warn(f"{where}: the last line is torn and was dropped", CassetteWarning, stacklevel=4)


def _is_torn(cause: BaseException | None) -> bool:
    """Whether a line is cut short, and not complete and wrong."""
    return isinstance(cause, (msgspec.DecodeError, UnicodeError)) and not isinstance(cause, msgspec.ValidationError)


def _decode(interaction: Interaction, where: str) -> Entry:
    try:
        return decode(interaction)
    except CassetteError as failure:
        raise type(failure)(failure.what, where=where, fix=failure.fix) from failure


def _blocks(data: bytes, name: str) -> Iterator[Entry]:
    """The same from YAML of any style."""
    try:
        documents = load_yaml(data.decode(), name)
    except UnicodeDecodeError as failure:
        raise CassetteError("not a cassette: not UTF-8", where=name) from failure
    document = documents[0] if len(documents) == 1 else None
    found = document.get("interactions") if isinstance(document, dict) else None
    if not isinstance(found, list):
        raise CassetteError("not a cassette: no list of interactions", where=name)
    for number, raw in enumerate(found, 1):
        where = f"{name}, interaction {number}"
        try:
            interaction = msgspec.convert(_binary_as_text(raw), Interaction)
        except (msgspec.ValidationError, RecursionError) as failure:
            raise CassetteError(f"not an interaction of this harness: {failure}", where=where) from failure
        yield _decode(interaction, where)


def _binary_as_text(raw: Any) -> Any:
    """An interaction with bytes under our keys, as base64."""
    if not isinstance(raw, dict):
        return raw
    copy = dict(raw)
    for part, key, ours in (("request", "body", "body64"), ("response", "string", "base64")):
        inner = copy.get(part)
        holder = inner.get("body") if part == "response" and isinstance(inner, dict) else inner
        if isinstance(inner, dict) and isinstance(holder, dict) and isinstance(holder.get(key), bytes):
            given = {**holder, key: None, ours: base64.b64encode(holder[key]).decode()}
            copy[part] = given if part == "request" else {**inner, "body": given}
    return copy


def _assemble(entries: list[Entry], name: str) -> Recording:
    header = entries[0] if entries else None
    if not isinstance(header, Header):
        raise CassetteError(
            "a cassette, but not of this harness: it does not begin with a header",
            where=name,
            fix="Strangers' recordings are read by harness.cassettes.readers.",
        )
    exchanges = [entry for entry in entries if isinstance(entry, Exchange)]
    return Recording(
        header=header,
        exchanges=tuple(sorted(exchanges, key=lambda one: one.request.sent_ns)),
        probes=tuple(sorted((entry for entry in entries if isinstance(entry, Probe)), key=lambda one: one.at_ns)),
        marks=tuple(sorted((entry for entry in entries if isinstance(entry, Mark)), key=lambda one: one.at_ns)),
        name=name,
    )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        what = f"cannot be written: {failure.strerror}"
        raise CassetteWrite(what, where=str(path), fix="Choose a folder that can be written to.") from failure
