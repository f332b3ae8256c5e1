"""Ways to break a healthy answer of Gemini's or of Google's token endpoint, one at a time: the proof that contracts
can fail.

A mutation takes the body of a healthy answer to its call and gives it back with one thing wrong. Pure: the same body,
the same result. A mutation of chunks edits the list of a stream's chunks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.core.recording import Json
from harness.framing import sse

from .edits import Edit, drop, one_more, put
from .gemini import decode_stream
from .gemini_encode import indented

PLAIN, STREAM, ARRAY, REFUSAL, TOKEN, NO_TOKEN = "plain", "stream", "array", "refusal", "token", "no-token"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to be wrong. ``call`` is whose healthy answer it breaks: a plain one, a stream of events, one as an
    array, an error, a token, or a refusal to give one. ``header`` replaces a field of the response."""

    id: str
    call: str
    change: Callable[[bytes], bytes]
    header: tuple[str, str] | None = None

    def __call__(self, body: bytes) -> bytes:
        """The body with one thing wrong."""
        return self.change(body)


_Chunks = list[Json]
_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _add(id_: str, call: str, change: Callable[[bytes], bytes], header: tuple[str, str] | None = None) -> None:
    _REGISTRY[id_] = Mutation(id_, call, change, header)


def _same(body: bytes) -> bytes:
    return body


def _document(id_: str, edit: Edit, call: str = PLAIN) -> None:
    """Register a change to a JSON document, made in place."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        edit(document)
        return indented(document)

    _add(id_, call, change)


def _chunks(id_: str, edit: Callable[[_Chunks], object]) -> None:
    """Register a change to what the events of a stream hold, made in place; text stands for itself."""

    def change(body: bytes) -> bytes:
        chunks = [event.data for event in decode_stream(body).events]
        edit(chunks)
        texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
        return b"".join(sse.encode(text, newline="\r\n") for text in texts)

    _add(id_, STREAM, change)


_CANDIDATE = ("candidates", 0)
_TOTAL = ("usageMetadata", "totalTokenCount")

# --- plain answers -------------------------------------------------------------------------------------------------

_add("gemini-answer-text", PLAIN, lambda _: b'"upstream says hello"')
_document("gemini-no-candidates", put("candidates", to=[]))
_document("gemini-role-assistant", put(*_CANDIDATE, "content", "role", to="assistant"))
_document("gemini-parts-text", put(*_CANDIDATE, "content", "parts", to="hello"))
_document("gemini-finish-lower-case", put(*_CANDIDATE, "finishReason", to="stop"))
_document("gemini-no-finish", drop(*_CANDIDATE, "finishReason"))
_document("gemini-no-usage", drop("usageMetadata"))
_document("gemini-usage-off-by-one", one_more(*_TOTAL))
_document("gemini-usage-negative", put("usageMetadata", "candidatesTokenCount", to=-1))

# --- streams -------------------------------------------------------------------------------------------------------

_add("gemini-stream-labelled-json", STREAM, _same, ("content-type", "application/json"))
_add("gemini-array-labelled-sse", ARRAY, _same, ("content-type", "text/event-stream"))
_add("gemini-array-open", ARRAY, lambda body: body.rstrip().removesuffix(b"]"))
_add("gemini-array-of-lines", ARRAY, lambda body: b"\n".join(json.dumps(one).encode() for one in json.loads(body)))
_chunks("gemini-chunk-cut", lambda chunks: chunks.insert(3, '{"candidates": [{"con'))
_chunks("gemini-chunk-list", lambda chunks: chunks.insert(3, [chunks[3]]))
_chunks("gemini-done", lambda chunks: chunks.append("[DONE]"))
_chunks("gemini-stream-parts-text", put(2, *_CANDIDATE, "content", "parts", to="hello"))
_chunks("gemini-stream-finish-lower-case", put(-1, *_CANDIDATE, "finishReason", to="stop"))
_chunks("gemini-stream-no-finish", drop(-1, *_CANDIDATE, "finishReason"))
_chunks("gemini-text-after-finish", lambda chunks: chunks.append(chunks[2]))
_chunks("gemini-second-id", put(4, "responseId", to="another"))
_chunks("gemini-second-model", put(4, "modelVersion", to="another"))
_chunks("gemini-stream-no-usage", drop(-1, "usageMetadata"))
_chunks("gemini-stream-usage-off-by-one", one_more(-1, *_TOTAL))

# --- refusals ------------------------------------------------------------------------------------------------------

_add("gemini-error-text", REFUSAL, lambda body: str(json.loads(body)["error"]["message"]).encode())
_document("gemini-error-without-message", drop("error", "message"), REFUSAL)
_document("gemini-error-other-code", put("error", "code", to=500), REFUSAL)
_document("gemini-error-no-status", drop("error", "status"), REFUSAL)
_document("gemini-error-other-status", put("error", "status", to="NOT_FOUND"), REFUSAL)

# --- tokens --------------------------------------------------------------------------------------------------------

_add("vertex-token-text", TOKEN, lambda body: str(json.loads(body)["access_token"]).encode())
_document("vertex-no-token", drop("access_token"), TOKEN)
_document("vertex-no-token-type", drop("token_type"), TOKEN)
_document("vertex-lifetime-in-words", put("expires_in", to="an hour"), TOKEN)
_add("vertex-token-cached", TOKEN, _same, ("cache-control", "max-age=3600"))
_add("vertex-refusal-text", NO_TOKEN, lambda _: b"no")
_document("vertex-unknown-refusal", put("error", to="not_today"), NO_TOKEN)
