"""Claude's streams on Bedrock: Anthropic's own events, each in a frame of an invoke stream.

The last event has the invocation's metrics beside its own fields. A frame that says that the stream failed is read as
the error that Anthropic's client makes of it.
"""

from __future__ import annotations

from . import bedrock
from .anthropic import Kind, Stream, StreamEvent, event_of
from .anthropic_bodies import error_body


def decode_stream(body: bytes) -> Stream:
    """The events of a stream, complete or not, one for each frame. Takes any bytes."""
    framed = bedrock.decode_stream(body)
    return Stream(tuple([_event(frame) for frame in framed.events]), tail=framed.tail)


def _event(frame: bedrock.StreamEvent) -> StreamEvent:
    """A frame's event, which holds nothing where it cannot be read. Frames have no name: it is called by its type."""
    raw = frame.message.payload.decode(errors="replace")
    data, name = frame.data, "message"
    if frame.kind is bedrock.Kind.EXCEPTION:
        said = data.get("message") if isinstance(data, dict) else None
        data, name = error_body(frame.name, said if isinstance(said, str) else ""), str(Kind.ERROR)
    elif isinstance(data, dict) and isinstance(data.get("type"), str):
        name = data["type"]
    return event_of(frame.index, data, raw, name=name, start=frame.start, end=frame.end)
