"""Answers' bodies alone, with no HTTP around them: an event stream, its events one to a line, or a JSON document.

Nobody wrote the request down, so it is empty, and whose answer it is the body must tell. Nor the status: an answer is
taken for a 200; an error object can have come with any, so its status is 0 and nothing is judged that depends on it.
Lines that were events are put back into an event stream: what was between them is lost, so they are normalized.
"""

from __future__ import annotations

import re

from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Json, Request, Response

from .base import Foreign, Format, Sample, mapping, provider_exchange, read_each
from .bodies import Room, whole

NAME = "body-only"
UNKNOWN_STATUS = 0

_EVENT_STREAM = re.compile(rb"(?:(?:(?::|event:|id:|retry:)[^\r\n]*)?\r?\n)*data: ?[\[{]")
_EVENT_LINE = re.compile(rb'\{"(?:type":\s*"[a-z_]+(?:\.[a-z_]+)*"|id":.*"object":\s*"chat\.completion\.chunk")')
_CHUNK_LINE = re.compile(rb'\{"(?:model|candidates|message|done|id)":')
_ANSWERS: dict[str, type | tuple[type, ...]] = {
    "choices": list,
    "candidates": list,
    "generations": list,
    "object": str,
    "embedding": list,
    "embeddings": (list, dict),
    "completion": str,
    "done": bool,
    "error": (str, dict),
    "usageMetadata": dict,
}
"""Keys of answers, and what their values are. ``content`` and ``output`` need a second one beside them."""


def looks_like(sample: Sample) -> bool:
    """Whether the file begins as an event stream does, or is a document that only an answer can be."""
    if not sample.is_json:
        return _EVENT_STREAM.match(sample.data) is not None
    if sample.loaded is None:
        return _line_pattern(sample.data) is not None
    documents = sample.loaded if isinstance(sample.loaded, list) else [sample.loaded]
    return bool(documents) and all(_is_answer(mapping(document)) for document in documents)


def read(sample: Sample) -> Foreign:
    """The body as the answer of one exchange.

    Raises:
        CassetteError: it is neither an event stream, nor lines of JSON, nor one document.
        CassetteLimit: it is larger than is read.
    """
    if not looks_like(sample):
        raise CassetteError("neither an event stream nor an answer in JSON", where=sample.name)
    room = Room()
    return read_each(sample, NAME, [sample], lambda number, one: _exchange(number, one, room), "body")


FORMAT = Format(NAME, "bare bodies", looks_like, read)


def _exchange(number: int, sample: Sample, room: Room) -> Exchange:
    body, fidelity, status = sample.data, Fidelity.BODY, 200
    if not sample.is_json or sample.loaded is not None:
        failed = isinstance(sample.loaded if sample.is_json else None, dict) and bool(sample.loaded.get("error"))
        status = UNKNOWN_STATUS if failed else 200
    elif _line_pattern(sample.data) is _EVENT_LINE:
        body, fidelity = _event_stream(sample.data), Fidelity.NORMALIZED
    response = Response(status=status, body=room.take(body), segments=whole(body))
    return provider_exchange(number, Request(method="", url=""), response, fidelity)


def _event_stream(lines: bytes) -> bytes:
    return b"".join(b"data: " + line.strip() + b"\n\n" for line in lines.splitlines() if line.strip())


def _line_pattern(data: bytes) -> re.Pattern[bytes] | None:
    """What the first line of several is: an event of a stream, a chunk of an answer in lines, or None for neither."""
    line = data.split(b"\n", 1)[0].strip()
    if not line.endswith(b"}"):
        return None
    return next((pattern for pattern in (_EVENT_LINE, _CHUNK_LINE) if pattern.match(line)), None)


def _is_answer(document: dict[str, Json]) -> bool:
    if any(isinstance(document.get(key), kind) for key, kind in _ANSWERS.items()):
        return True
    content, output = document.get("content"), document.get("output")
    return (isinstance(content, list) and "role" in document) or (isinstance(output, dict) and "stopReason" in document)
