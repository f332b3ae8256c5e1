"""Ways to break a healthy answer of the OpenAI dialect, one at a time: the proof that a provider contract can fail.

A mutation takes the body of a healthy answer of its kind and gives it back with one thing wrong. Pure: the same
body, the same result. Adding one is a function over the decoded events or document, and its entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from harness.core.recording import Json
from harness.framing import sse

from .openai import DONE


class Kind(StrEnum):
    """What a mutation can break."""

    STREAM = "stream"
    COMPLETION = "completion"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to be wrong. ``provider`` is whose answers have what it breaks.

    Beside the body it may replace the response's content type or status, which are None where they stay.
    """

    id: str
    kind: Kind
    change: Callable[[bytes], bytes]
    provider: str = "openai"
    content_type: str | None = None
    status: int | None = None

    def __call__(self, body: bytes) -> bytes:
        """The body with one thing wrong."""
        return self.change(body)


Event = Json
"""A decoded chunk; text (``[DONE]``, or what is no JSON) stays as it is."""

_Events = list[Event]
_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _same(body: bytes) -> bytes:
    return body


def _add(id_: str, kind: Kind, change: Callable[[bytes], bytes], **more: Json) -> None:
    _REGISTRY[id_] = Mutation(id_, kind, change, **more)


def _stream(id_: str, provider: str = "openai") -> Callable[[Callable[[_Events], None]], Callable[[_Events], None]]:
    """Register a change to the list of a stream's events, made in place."""

    def register(edit: Callable[[_Events], None]) -> Callable[[_Events], None]:
        def change(body: bytes) -> bytes:
            events = [_read(event.data) for event in sse.decode(body).events]
            edit(events)
            return b"".join(sse.encode(event if isinstance(event, str) else _write(event)) for event in events)

        _add(id_, Kind.STREAM, change, provider=provider)
        return edit

    return register


def _document(id_: str, kind: Kind = Kind.COMPLETION) -> Callable[[Callable[[Json], None]], Callable[[Json], None]]:
    """Register a change to a JSON document, made in place."""

    def register(edit: Callable[[Json], None]) -> Callable[[Json], None]:
        def change(body: bytes) -> bytes:
            document = json.loads(body)
            edit(document)
            return _write(document).encode()

        _add(id_, kind, change)
        return edit

    return register


def _read(data: str) -> Event:
    return data if data == DONE else json.loads(data)


def _write(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _chunks(events: _Events) -> list[dict[str, Json]]:
    return [event for event in events if isinstance(event, dict)]


def _content(events: _Events) -> list[dict[str, Json]]:
    """The chunks with text in them."""
    return [chunk for chunk in _chunks(events) if any(choice["delta"].get("content") for choice in chunk["choices"])]


def _finish(events: _Events) -> int:
    """Where the chunk with the finish reason stands."""
    return next(
        index
        for index, event in enumerate(events)
        if isinstance(event, dict) and any(choice["finish_reason"] for choice in event["choices"])
    )


def _usage(events: _Events) -> int:
    """Where the usage chunk stands."""
    return next(index for index, event in enumerate(events) if isinstance(event, dict) and event.get("usage"))


# --- streams -------------------------------------------------------------------------------------------------------

_add("stream-labelled-json", Kind.STREAM, _same, content_type="application/json")


@_stream("malformed-event")
def _malformed_event(events: _Events) -> None:
    events.insert(2, '{"id":"chatcmpl-')


@_stream("drop-done")
def _drop_done(events: _Events) -> None:
    events.remove(DONE)


@_stream("second-done")
def _second_done(events: _Events) -> None:
    events.append(DONE)


@_stream("chunk-after-done")
def _chunk_after_done(events: _Events) -> None:
    events.append(deepcopy(_content(events)[0]))


@_stream("chunk-wrong-object")
def _chunk_wrong_object(events: _Events) -> None:
    _chunks(events)[1]["object"] = "chat.completion"


@_stream("chunk-without-model")
def _chunk_without_model(events: _Events) -> None:
    del _chunks(events)[1]["model"]


@_stream("chunk-without-choices")
def _chunk_without_choices(events: _Events) -> None:
    del _chunks(events)[_usage(events)]["choices"]


@_stream("choice-without-index")
def _choice_without_index(events: _Events) -> None:
    del _content(events)[0]["choices"][0]["index"]


@_stream("mixed-id")
def _mixed_id(events: _Events) -> None:
    _content(events)[-1]["id"] += "0"


@_stream("chunk-without-id")
def _chunk_without_id(events: _Events) -> None:
    del _content(events)[-1]["id"]


@_stream("foreign-id")
def _foreign_id(events: _Events) -> None:
    for chunk in _chunks(events):
        chunk["id"] = "msg_01"


@_stream("no-first-role")
def _no_first_role(events: _Events) -> None:
    del _chunks(events)[0]["choices"][0]["delta"]["role"]


@_stream("drop-finish")
def _drop_finish(events: _Events) -> None:
    del events[_finish(events)]


@_stream("second-finish")
def _second_finish(events: _Events) -> None:
    events.insert(_finish(events), deepcopy(events[_finish(events)]))


@_stream("unknown-finish")
def _unknown_finish(events: _Events) -> None:
    events[_finish(events)]["choices"][0]["finish_reason"] = "end_turn"


@_stream("chunk-after-finish")
def _chunk_after_finish(events: _Events) -> None:
    events.insert(_finish(events) + 1, deepcopy(_content(events)[0]))


@_stream("drop-usage")
def _drop_usage(events: _Events) -> None:
    del events[_usage(events)]


@_stream("usage-before-finish")
def _usage_before_finish(events: _Events) -> None:
    events.insert(_finish(events), events.pop(_usage(events)))


@_stream("usage-with-choices")
def _usage_with_choices(events: _Events) -> None:
    events[_finish(events)]["usage"] = events.pop(_usage(events))["usage"]


@_stream("usage-off-by-one")
def _usage_off_by_one(events: _Events) -> None:
    events[_usage(events)]["usage"]["total_tokens"] += 1


@_stream("usage-negative")
def _usage_negative(events: _Events) -> None:
    usage = events[_usage(events)]["usage"]
    usage["completion_tokens"], usage["total_tokens"] = -1, usage["prompt_tokens"] - 1


@_stream("created-in-ms")
def _created_in_ms(events: _Events) -> None:
    for chunk in _chunks(events):
        chunk["created"] *= 1000


@_stream("chunk-after-error")
def _chunk_after_error(events: _Events) -> None:
    events.insert(2, {"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}})


@_stream("drop-x-groq-id", "groq")
def _drop_x_groq_id(events: _Events) -> None:
    del _chunks(events)[0]["x_groq"]


@_stream("drop-x-groq-usage", "groq")
def _drop_x_groq_usage(events: _Events) -> None:
    del events[_finish(events)]["x_groq"]


# --- plain answers -------------------------------------------------------------------------------------------------


def _not_json(_body: bytes) -> bytes:
    return b"upstream says hello"


_add("completion-not-json", Kind.COMPLETION, _not_json)


@_document("completion-wrong-object")
def _completion_wrong_object(document: Json) -> None:
    document["object"] = "text_completion"


@_document("completion-without-model")
def _completion_without_model(document: Json) -> None:
    del document["model"]


@_document("no-choices")
def _no_choices(document: Json) -> None:
    document["choices"] = []


@_document("choice-without-message")
def _choice_without_message(document: Json) -> None:
    del document["choices"][0]["message"]


@_document("completion-unknown-finish")
def _completion_unknown_finish(document: Json) -> None:
    document["choices"][0]["finish_reason"] = "end_turn"


@_document("completion-without-finish")
def _completion_without_finish(document: Json) -> None:
    document["choices"][0]["finish_reason"] = None


@_document("completion-usage-off-by-one")
def _completion_usage_off_by_one(document: Json) -> None:
    document["usage"]["total_tokens"] += 1


@_document("completion-created-text")
def _completion_created_text(document: Json) -> None:
    document["created"] = str(document["created"])


# --- refusals ------------------------------------------------------------------------------------------------------

_add("error-with-200", Kind.ERROR, _same, status=200)


def _only_words(body: bytes) -> bytes:
    return str(json.loads(body)["error"]["message"]).encode()


_add("error-text", Kind.ERROR, _only_words)


@_document("error-without-message", Kind.ERROR)
def _error_without_message(document: Json) -> None:
    del document["error"]["message"]


@_document("error-without-type", Kind.ERROR)
def _error_without_type(document: Json) -> None:
    del document["error"]["type"]
