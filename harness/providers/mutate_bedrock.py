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

from .bedrock import METRICS
from .bedrock_encode import frame
from .edits import Edit, one_more, put

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
_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _add(id_: str, call: str, change: Callable[[bytes], bytes], **more: str) -> None:
    _REGISTRY[f"bedrock-{id_}"] = Mutation(f"bedrock-{id_}", call, change, **more)


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


_add("stream-labelled-sse", CONVERSE_STREAM, _same, content_type="text/event-stream")
_add("message-crc", CONVERSE_STREAM, _flipped)
_add("prelude-crc", CONVERSE_STREAM, lambda body: body + bytes(16))
_add("half-frame", CONVERSE_STREAM, lambda body: body + body[:20])
_frames("no-message-type", _without(":message-type"))
_frames("no-event-type", _without(":event-type"))
_frames("payload-cut", _raw("contentBlockDelta", b'{"delta":{"te'))
_frames("chunk-not-base64", _raw("chunk", b'{"bytes":"{not base64}"}'), INVOKE_STREAM)

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


def _failed(frames: _Frames) -> None:
    failure = frame("modelStreamErrorException", {"message": "no more"}, kind="exception")
    frames.insert(3, eventstream.decode(failure).messages[0])


_frames("event-after-exception", _failed)


def _chunks(id_: str, edit: Callable[[list[Json]], object]) -> None:
    """Register a change to what the chunks of an invoke stream hold, made in place."""

    def change(body: bytes) -> bytes:
        read = [json.loads(message.payload)["bytes"] for message in eventstream.decode(body).messages]
        chunks = [json.loads(base64.b64decode(coded)) for coded in read]
        edit(chunks)
        coded = [base64.b64encode(json.dumps(chunk).encode()).decode() for chunk in chunks]
        return b"".join(frame("chunk", {"bytes": one}) for one in coded)

    _add(id_, INVOKE_STREAM, change)


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
    _document(f"invoke-{id_}", edit, INVOKE, family=id_.partition("-")[0])


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

# --- refusals ------------------------------------------------------------------------------------------------------

_add("no-error-type", REFUSAL, _same, dropped="x-amzn-errortype")
_add("error-text", REFUSAL, lambda body: str(json.loads(body)["message"]).encode())
_document("error-without-message", lambda document: document.pop("message"), REFUSAL)
