"""Ways to break a healthy answer of Bedrock's, one at a time: the proof that its contracts can fail.

A mutation takes the body of a healthy answer to its call and gives it back with one thing wrong. Pure: the same body,
the same result. A mutation of frames edits the list of a stream's messages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from harness.core.recording import Json
from harness.framing import eventstream
from harness.framing.eventstream import Header, Message

from .bedrock import METRICS, Family
from .bedrock_encode import frame
from .edits import Edit, drop, one_more, put

CONVERSE, CONVERSE_STREAM, INVOKE_STREAM = "converse", "converse-stream", "invoke-with-response-stream"
INVOKE = "invoke"
REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to be wrong. ``call`` is whose healthy answer it breaks, ``refusal`` for an error's.

    ``family`` is in the id of the model whose answer it is, where that matters. ``content_type`` replaces the
    response's where it is not None, and ``dropped`` is a header field that goes.
    """

    id: str
    call: str
    change: Callable[[bytes], bytes]
    content_type: str | None = None
    dropped: str | None = None
    family: str = "nova"

    def __call__(self, body: bytes) -> bytes:
        """The body with one thing wrong."""
        return self.change(body)


_Frames = list[Message]
_Chunks = list[dict[str, Json]]
_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _add(id_: str, call: str, change: Callable[[bytes], bytes], **more: str) -> None:
    _REGISTRY[f"bedrock-{id_}"] = Mutation(f"bedrock-{id_}", call, change, **more)


def _of_family(id_: str) -> str:
    """The family that a mutation's name begins with, or the usual one."""
    first = id_.partition("-")[0]
    return first if first in set(Family) else "nova"


def _same(body: bytes) -> bytes:
    return body


def _frames(id_: str, edit: Callable[[_Frames], object], call: str = CONVERSE_STREAM) -> None:
    """Register a change to the list of a stream's frames, made in place."""

    def change(body: bytes) -> bytes:
        messages = list(eventstream.decode(body).messages)
        edit(messages)
        return b"".join(eventstream.encode(message.headers, message.payload) for message in messages)

    _add(id_, call, change)


def _document(id_: str, edit: Edit, call: str = CONVERSE, **more: str) -> None:
    """Register a change to a JSON document, made in place."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        edit(document)
        return json.dumps(document).encode()

    _add(id_, call, change, **more)


def _at(frames: _Frames, name: str) -> int:
    return next(place for place, message in enumerate(frames) if message.text(":event-type") == name)


def _drop(name: str) -> Callable[[_Frames], object]:
    return lambda frames: frames.pop(_at(frames, name))


def _move(name: str, to: str) -> Callable[[_Frames], object]:
    """Put the first event of a name right behind the first of another."""

    def edit(frames: _Frames) -> None:
        moved = frames.pop(_at(frames, name))
        frames.insert(_at(frames, to) + 1, moved)

    return edit


def _again(name: str, after: str) -> Callable[[_Frames], object]:
    """Send the first event of a name once more, right behind the first of another."""
    return lambda frames: frames.insert(_at(frames, after) + 1, frames[_at(frames, name)])


def _payload(name: str, edit: Edit) -> Callable[[_Frames], object]:
    def change(frames: _Frames) -> None:
        place = _at(frames, name)
        data = json.loads(frames[place].payload)
        edit(data)
        frames[place] = replace(frames[place], payload=json.dumps(data).encode())

    return change


def _raw(name: str, payload: bytes) -> Callable[[_Frames], object]:
    def change(frames: _Frames) -> None:
        place = _at(frames, name)
        frames[place] = replace(frames[place], payload=payload)

    return change


def _without(header: str) -> Callable[[_Frames], object]:
    """A content event without one of its headers."""

    def change(frames: _Frames) -> None:
        place = _at(frames, "contentBlockDelta")
        kept: tuple[Header, ...] = tuple(one for one in frames[place].headers if one.name != header)
        frames[place] = replace(frames[place], headers=kept)

    return change


# --- frames --------------------------------------------------------------------------------------------------------


def _flipped(body: bytes) -> bytes:
    """The last byte of a content event's checksum is another."""
    end = next(m.end for m in eventstream.decode(body).messages if m.text(":event-type") == "contentBlockDelta")
    return body[: end - 1] + bytes((body[end - 1] ^ 1,)) + body[end:]


def _no_base64(frames: _Frames) -> None:
    """A chunk with words in it that cannot be read."""
    frames[2] = replace(frames[2], payload=b'{"bytes":"{not base64}"}')


_add("stream-labelled-sse", CONVERSE_STREAM, _same, content_type="text/event-stream")
_add("message-crc", CONVERSE_STREAM, _flipped)
_add("prelude-crc", CONVERSE_STREAM, lambda body: body + bytes(16))
_add("half-frame", CONVERSE_STREAM, lambda body: body + body[:20])
_frames("no-message-type", _without(":message-type"))
_frames("no-event-type", _without(":event-type"))
_frames("payload-cut", _raw("contentBlockDelta", b'{"delta":{"te'))
_frames("chunk-not-base64", _no_base64, INVOKE_STREAM)

# --- order ---------------------------------------------------------------------------------------------------------

_frames("stream-no-start", _drop("messageStart"))
_frames("stream-no-stop", _drop("messageStop"))
_frames("stream-no-metadata", _drop("metadata"))
_frames("metadata-early", _move("metadata", "messageStart"))
_frames("second-start", _again("messageStart", "messageStart"))
_frames("block-open", _drop("contentBlockStop"))
_frames("delta-after-block", _again("contentBlockDelta", "contentBlockStop"))


def _late_block(frames: _Frames) -> None:
    """A block of its own, opened and closed, behind the message's end."""
    for name in ("contentBlockStop", "contentBlockDelta"):
        late = json.loads(frames[_at(frames, name)].payload) | {"contentBlockIndex": 1}
        message = eventstream.decode(frame(name, late)).messages[0]
        frames.insert(_at(frames, "messageStop") + 1, message)


_frames("delta-after-stop", _late_block)


def _failed(frames: _Frames, name: str = "modelStreamErrorException", **said: str) -> None:
    """The stream says that it failed, in the midst of it."""
    failure = frame(name, said or {"message": "no more"}, kind="exception")
    frames.insert(3, eventstream.decode(failure).messages[0])


_frames("event-after-exception", _failed)


def _exception(id_: str, **how: str) -> None:
    """Register a stream that fails, and whose exception is not as it should be."""

    def edit(frames: _Frames) -> None:
        _failed(frames, **how)
        del frames[4:]

    _frames(id_, edit)


_exception("exception-of-another-name", name="theModelIsTired")
_exception("exception-without-message", text="no more")


def _nameless(frames: _Frames) -> None:
    _failed(frames)
    kept = tuple(one for one in frames[3].headers if one.name != ":exception-type")
    frames[3:] = [replace(frames[3], headers=kept)]


_frames("exception-without-type", _nameless)


def _chunks(id_: str, edit: Callable[[_Chunks], object]) -> None:
    """Register a change to what the chunks of an invoke stream hold, made in place; see ``_of_family``."""

    def change(body: bytes) -> bytes:
        read = [json.loads(message.payload)["bytes"] for message in eventstream.decode(body).messages]
        chunks = [json.loads(base64.b64decode(coded)) for coded in read]
        edit(chunks)
        coded = [base64.b64encode(json.dumps(chunk).encode()).decode() for chunk in chunks]
        return b"".join(frame("chunk", {"bytes": one}) for one in coded)

    _add(id_, INVOKE_STREAM, change, family=_of_family(id_))


_chunks("no-metrics", lambda chunks: chunks[-1].pop(METRICS))
_chunks("metrics-early", lambda chunks: chunks[0].update({METRICS: chunks[-1].pop(METRICS)}))

# --- what they say -------------------------------------------------------------------------------------------------

_frames("stream-null-stop", _payload("messageStop", put("stopReason", to=None)))
_frames("stream-usage-off-by-one", _payload("metadata", one_more("usage", "totalTokens")))
_add("answer-text", CONVERSE, lambda _: b"upstream says hello")
_document("no-message", put("output", to={}))
_document("message-of-user", put("output", "message", "role", to="user"))
_document("unknown-stop", put("stopReason", to="finished"))
_document("usage-off-by-one", one_more("usage", "totalTokens"))
_document("usage-negative", put("usage", "outputTokens", to=-1))

# --- invoke's answers, by family --------------------------------------------------------------------------------------


def _invoked(id_: str, edit: Edit) -> None:
    """Register a change to a plain answer of the family that the mutation's name begins with."""
    _document(f"invoke-{id_}", edit, INVOKE, family=_of_family(id_))


_add("invoke-text", INVOKE, lambda _: b"upstream says hello")
_invoked("nova-no-message", put("output", to={}))
_invoked("nova-unknown-stop", put("stopReason", to="finished"))
_invoked("nova-usage-negative", put("usage", "outputTokens", to=-1))
_invoked("nova-usage-off-by-one", one_more("usage", "totalTokens"))
_invoked("titan-no-words", lambda document: document["results"][0].pop("outputText"))
_invoked("titan-unknown-stop", lambda document: document["results"][0].update(completionReason="stop"))
_invoked("titan-no-count", lambda document: document.pop("inputTextTokenCount"))
_invoked("llama-no-words", lambda document: document.pop("generation"))
_invoked("llama-no-stop", lambda document: document.pop("stop_reason"))
_invoked("llama-count-text", put("generation_token_count", to="7"))
_invoked("llama-count-differs", one_more("prompt_token_count"))

# --- what invoke's chunks hold, by family -----------------------------------------------------------------------------


def _where(chunks: _Chunks, name: str) -> int:
    """The first chunk that is such an event, of Claude's or of Nova's."""
    return next(place for place, chunk in enumerate(chunks) if name in chunk or chunk.get("type") == name)


def _in_chunk(name: str, edit: Edit) -> Callable[[_Chunks], object]:
    return lambda chunks: edit(chunks[_where(chunks, name)])


def _take(name: str) -> Callable[[_Chunks], object]:
    return lambda chunks: chunks.pop(_where(chunks, name))


def _first(name: str) -> Callable[[_Chunks], object]:
    return lambda chunks: chunks.insert(0, chunks.pop(_where(chunks, name)))


def _twice(name: str) -> Callable[[_Chunks], object]:
    return lambda chunks: chunks.insert(_where(chunks, name), chunks[_where(chunks, name)])


def _last_only(chunks: _Chunks) -> None:
    del chunks[:-1]


def _no_last(chunks: _Chunks) -> None:
    del chunks[-1]


def _said_at_first(name: str, *, last: bool) -> Callable[[_Chunks], object]:
    """The first chunk says what the last does; ``last``: so does the last."""

    def edit(chunks: _Chunks) -> None:
        chunks[0][name] = chunks[-1][name]
        if not last:
            chunks[-1][name] = None

    return edit


_chunks("claude-only-metrics", _last_only)
_chunks("claude-no-start", _take("message_start"))
_chunks("claude-no-last", _no_last)
_chunks("claude-no-stop", _take("message_delta"))
_chunks("claude-stop-first", _first("message_delta"))
_chunks("claude-no-block-start", _take("content_block_start"))
_chunks("claude-no-type", _in_chunk("content_block_delta", drop("type")))
_chunks("claude-unknown-stop", _in_chunk("message_delta", put("delta", "stop_reason", to="stop")))
_chunks("claude-usage-shrinks", _in_chunk("message_delta", put("usage", "output_tokens", to=0)))
_chunks("claude-start-of-user", _in_chunk("message_start", put("message", "role", to="user")))
_chunks("claude-foreign-id", _in_chunk("message_start", put("message", "id", to="chatcmpl-1")))
_chunks("claude-delta-of-a-tool", _in_chunk("content_block_delta", put("delta", "type", to="input_json_delta")))

_chunks("nova-only-metrics", _last_only)
_chunks("nova-no-start", _take("messageStart"))
_chunks("nova-no-last", _no_last)
_chunks("nova-no-stop", _take("messageStop"))
_chunks("nova-stop-first", _first("messageStop"))
_chunks("nova-second-stop", _twice("messageStop"))
_chunks("nova-unknown-stop", _in_chunk("messageStop", put("messageStop", "stopReason", to="finished")))
_chunks("nova-block-open", _take("contentBlockStop"))
_chunks("nova-delta-after-block", lambda chunks: chunks.insert(-2, chunks[_where(chunks, "contentBlockDelta")]))

for _family, _stop, _words in (
    (Family.TITAN, "completionReason", "outputText"),
    (Family.LLAMA, "stop_reason", "generation"),
):
    _chunks(f"{_family}-only-metrics", _last_only)
    _chunks(f"{_family}-no-last", _no_last)
    _chunks(f"{_family}-no-stop", put(-1, _stop, to=None))
    _chunks(f"{_family}-unknown-stop", put(-1, _stop, to="finished"))
    _chunks(f"{_family}-second-stop", _said_at_first(_stop, last=True))
    _chunks(f"{_family}-stop-first", _said_at_first(_stop, last=False))
    _chunks(f"{_family}-words-after-stop", lambda chunks: chunks.append(chunks[0]))
    _chunks(f"{_family}-no-words", drop(0, _words))

# --- refusals ------------------------------------------------------------------------------------------------------

_add("no-error-type", REFUSAL, _same, dropped="x-amzn-errortype")
_add("error-text", REFUSAL, lambda body: str(json.loads(body)["message"]).encode())
_document("error-without-message", lambda document: document.pop("message"), REFUSAL)
