"""Ways to break a healthy answer of Anthropic's, one at a time: the proof that its contracts can fail.

As ``mutate`` has them for the OpenAI dialect. Pure: the same body, the same result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MappingProxyType

from harness.core.recording import Json
from harness.framing import sse

from .anthropic_bodies import dump, error_body
from .mutate import Kind, Mutation

Event = dict[str, Json] | bytes
"""A decoded event, sent under the name that its type is; bytes are sent as they are."""

_Events = list[Event]
_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _same(body: bytes) -> bytes:
    return body


def _add(
    id_: str,
    kind: Kind,
    change: Callable[[bytes], bytes],
    *,
    content_type: str | None = None,
    status: int | None = None,
) -> None:
    _REGISTRY[id_] = Mutation(id_, kind, change, "anthropic", content_type, status)


def _stream(id_: str) -> Callable[[Callable[[_Events], None]], Callable[[_Events], None]]:
    """Register a change to the list of a stream's events, made in place."""

    def register(edit: Callable[[_Events], None]) -> Callable[[_Events], None]:
        def change(body: bytes) -> bytes:
            events: _Events = [json.loads(event.data) for event in sse.decode(body).events]
            edit(events)
            return b"".join([event if isinstance(event, bytes) else _framed(event, event["type"]) for event in events])

        _add(id_, Kind.STREAM, change)
        return edit

    return register


def _document(id_: str, kind: Kind = Kind.COMPLETION) -> Callable[[Callable[[Json], None]], Callable[[Json], None]]:
    """Register a change to a JSON document, made in place."""

    def register(edit: Callable[[Json], None]) -> Callable[[Json], None]:
        def change(body: bytes) -> bytes:
            document = json.loads(body)
            edit(document)
            return dump(document)

        _add(id_, kind, change)
        return edit

    return register


def _framed(event: dict[str, Json], name: str | None) -> bytes:
    return sse.encode(dump(event).decode(), type=name)


def _at(events: _Events, kind: str) -> int:
    """Where the first event of a type stands."""
    return next(index for index, event in enumerate(events) if isinstance(event, dict) and event["type"] == kind)


def _first(events: _Events, kind: str) -> dict[str, Json]:
    """The first event of a type."""
    return next(event for event in events if isinstance(event, dict) and event["type"] == kind)


# --- streams -------------------------------------------------------------------------------------------------------

_add("message-stream-labelled-json", Kind.STREAM, _same, content_type="application/json")


@_stream("malformed-message-event")
def _malformed(events: _Events) -> None:
    events.insert(4, sse.encode('{"type":"content_bl', type="content_block_delta"))


@_stream("event-without-name")
def _event_without_name(events: _Events) -> None:
    events[4] = _framed(_first(events[4:], "content_block_delta"), None)


@_stream("event-of-another-type")
def _event_of_another_type(events: _Events) -> None:
    events[4] = _framed(_first(events[4:], "content_block_delta"), "content_delta")


@_stream("drop-message-start")
def _drop_message_start(events: _Events) -> None:
    del events[_at(events, "message_start")]


@_stream("second-message-start")
def _second_message_start(events: _Events) -> None:
    again = deepcopy(_first(events, "message_start"))
    again["message"]["id"] += "b"
    events.insert(1, again)


@_stream("message-delta-too-early")
def _message_delta_too_early(events: _Events) -> None:
    events.insert(1, events.pop(_at(events, "message_delta")))


@_stream("drop-message-delta")
def _drop_message_delta(events: _Events) -> None:
    del events[_at(events, "message_delta")]


@_stream("drop-message-stop")
def _drop_message_stop(events: _Events) -> None:
    del events[_at(events, "message_stop")]


@_stream("second-message-stop")
def _second_message_stop(events: _Events) -> None:
    events.append({"type": "message_stop"})


@_stream("event-after-message-stop")
def _event_after_message_stop(events: _Events) -> None:
    events.append(deepcopy(_first(events, "content_block_delta")))


@_stream("start-without-id")
def _start_without_id(events: _Events) -> None:
    del _first(events, "message_start")["message"]["id"]


@_stream("start-with-content")
def _start_with_content(events: _Events) -> None:
    _first(events, "message_start")["message"]["content"] = [{"type": "text", "text": "Tide"}]


@_stream("start-with-stop-reason")
def _start_with_stop_reason(events: _Events) -> None:
    _first(events, "message_start")["message"]["stop_reason"] = "end_turn"


@_stream("foreign-message-id")
def _foreign_message_id(events: _Events) -> None:
    _first(events, "message_start")["message"]["id"] = "chatcmpl-1"


@_stream("block-index-skips")
def _block_index_skips(events: _Events) -> None:
    for event in events:
        if isinstance(event, dict) and "index" in event:
            event["index"] += 1


@_stream("delta-of-another-block")
def _delta_of_another_block(events: _Events) -> None:
    _first(events, "content_block_delta")["index"] = 1


@_stream("drop-block-start")
def _drop_block_start(events: _Events) -> None:
    del events[_at(events, "content_block_start")]


@_stream("drop-block-stop")
def _drop_block_stop(events: _Events) -> None:
    del events[_at(events, "content_block_stop")]


@_stream("blocks-interleaved")
def _blocks_interleaved(events: _Events) -> None:
    second = deepcopy(_first(events, "content_block_start")) | {"index": 1}
    events.insert(_at(events, "content_block_stop"), second)
    events.insert(_at(events, "content_block_stop") + 1, {"type": "content_block_stop", "index": 1})


@_stream("delta-of-another-type")
def _delta_of_another_type(events: _Events) -> None:
    _first(events, "content_block_delta")["delta"] = {"type": "input_json_delta", "partial_json": "{}"}


@_stream("delta-without-type")
def _delta_without_type(events: _Events) -> None:
    del _first(events, "content_block_delta")["delta"]["type"]


@_stream("start-without-usage")
def _start_without_usage(events: _Events) -> None:
    del _first(events, "message_start")["message"]["usage"]


@_stream("delta-without-usage")
def _delta_without_usage(events: _Events) -> None:
    del _first(events, "message_delta")["usage"]


@_stream("usage-shrinks")
def _usage_shrinks(events: _Events) -> None:
    _first(events, "message_delta")["usage"]["output_tokens"] = 0


@_stream("output-negative")
def _output_negative(events: _Events) -> None:
    _first(events, "message_delta")["usage"]["output_tokens"] = -1


@_stream("unknown-stop")
def _unknown_stop(events: _Events) -> None:
    _first(events, "message_delta")["delta"]["stop_reason"] = "stop"


@_stream("second-stop-reason")
def _second_stop_reason(events: _Events) -> None:
    events.insert(_at(events, "message_delta"), deepcopy(_first(events, "message_delta")))


@_stream("delta-without-stop-reason")
def _delta_without_stop_reason(events: _Events) -> None:
    _first(events, "message_delta")["delta"]["stop_reason"] = None


@_stream("event-after-error")
def _event_after_error(events: _Events) -> None:
    events.insert(4, error_body("overloaded_error", "Overloaded"))


@_stream("in-band-without-message")
def _in_band_without_message(events: _Events) -> None:
    events[4:] = [{"type": "error", "error": {"type": "overloaded_error"}}]


# --- plain answers -------------------------------------------------------------------------------------------------


def _not_json(_body: bytes) -> bytes:
    return b"upstream says hello"


_add("message-not-json", Kind.COMPLETION, _not_json)


@_document("message-wrong-type")
def _message_wrong_type(document: Json) -> None:
    document["type"] = "completion"


@_document("message-without-model")
def _message_without_model(document: Json) -> None:
    del document["model"]


@_document("message-without-content")
def _message_without_content(document: Json) -> None:
    document["content"] = document["content"][0]["text"]


@_document("message-unknown-stop")
def _message_unknown_stop(document: Json) -> None:
    document["stop_reason"] = "stop"


@_document("message-without-stop")
def _message_without_stop(document: Json) -> None:
    document["stop_reason"] = None


@_document("message-without-usage")
def _message_without_usage(document: Json) -> None:
    del document["usage"]


# --- refusals ------------------------------------------------------------------------------------------------------

_add("refusal-with-200", Kind.ERROR, _same, status=200)


def _only_words(body: bytes) -> bytes:
    return str(json.loads(body)["error"]["message"]).encode()


_add("refusal-text", Kind.ERROR, _only_words)


@_document("refusal-without-envelope", Kind.ERROR)
def _refusal_without_envelope(document: Json) -> None:
    del document["type"]


@_document("refusal-without-type", Kind.ERROR)
def _refusal_without_type(document: Json) -> None:
    del document["error"]["type"]


@_document("refusal-of-another-type", Kind.ERROR)
def _refusal_of_another_type(document: Json) -> None:
    document["error"]["type"] = "overloaded_error"
