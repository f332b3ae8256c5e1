"""Gemini's protocol: the bodies, chunks and streams that a simulated Gemini gives.

Forms were counted in recorded traffic: event streams end their lines with CR LF and have no terminal, the last chunk
has the finish reason and the counts (on Vertex AI, those before it say of the usage only what kind of traffic it is),
ids are one for a stream, bodies are indented. Without ``alt=sse`` a stream is one array.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from harness.core.fault import FAULTS, Body, Fault, Usage
from harness.core.recording import NO_FAULT, Headers, Json
from harness.framing import sse

from .gemini import GenerateRequest
from .plan import NOT_JSON, Parts, Plan, plain_plan, stream_plan
from .reply import Reply

HUGE = 10**15
JSON_TYPE = "application/json; charset=UTF-8"
STREAM_TYPE = "text/event-stream"
FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS"}
"""A reply's finish reason in this protocol's words; any other stays as it is."""

IN_BAND = "The model stopped working in the middle of its answer."

_HEALTHY = FAULTS[NO_FAULT]
_NEWLINE = "\r\n"
_TRAFFIC: dict[str, Json] = {"trafficType": "ON_DEMAND"}


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bodies of one answer, spoilt by a fault. ``mark`` (64 hex digits) makes its id."""

    reply: Reply
    mark: str
    fault: Fault = _HEALTHY

    @property
    def hollow(self) -> bool:
        """Whether the answer has no candidates."""
        return self.fault.body is Body.NO_CHOICES

    @property
    def finish_reason(self) -> str:
        """Why the answer ends."""
        return FINISH_REASONS.get(self.reply.finish_reason, self.reply.finish_reason)

    def usage(self) -> dict[str, Json] | None:
        """The tokens used, as the fault has them; None where it says nothing of them."""
        prompt: float = self.reply.prompt_tokens
        made: float = self.reply.completion_tokens
        match self.fault.usage:
            case Usage.ABSENT:
                return None
            case Usage.ZERO:
                prompt = made = 0
            case Usage.NEGATIVE:
                prompt, made = -prompt, -made
            case Usage.HUGE:
                prompt = made = HUGE
            case Usage.NOT_A_NUMBER:  # counts are integers of a schema, which has no such thing: they are left out
                return dict(_TRAFFIC)
            case Usage.TRUE:
                pass
        return {
            "promptTokenCount": prompt,
            "candidatesTokenCount": made,
            "totalTokenCount": prompt + made,
            **_TRAFFIC,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
            "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": made}],
        }

    def answer(self) -> dict[str, Json]:
        """A plain answer."""
        return self._chunk(self.reply.text, self.finish_reason, self.usage())

    def chunk(self, text: str) -> dict[str, Json]:
        """One chunk of a stream before the last."""
        return self._chunk(text, None, dict(_TRAFFIC) if self.usage() else None)

    def contents(self) -> list[dict[str, Json]]:
        """The chunks with content."""
        return [] if self.hollow else [self.chunk(piece) for piece in self.reply.pieces]

    def last(self) -> dict[str, Json]:
        """The last chunk: no more text, the finish reason, the tokens used."""
        return self._chunk("", self.finish_reason, self.usage())

    def _chunk(self, text: str, finish_reason: str | None, usage: dict[str, Json] | None) -> dict[str, Json]:
        candidate: dict[str, Json] = {"content": {"role": "model", "parts": [{"text": text}]}}
        if finish_reason is not None:
            candidate["finishReason"] = finish_reason
        return {
            **({} if self.hollow else {"candidates": [candidate]}),
            **({"usageMetadata": usage} if usage else {}),
            "modelVersion": self.reply.model,
            "responseId": self.mark[:22],
        }


def carry(request: GenerateRequest, bodies: Bodies, *, headers: Headers) -> Plan:
    """An answer over HTTP: one JSON document, an event stream, or an array."""
    fault = bodies.fault
    if not request.stream or fault.body is Body.JSON_ON_STREAM:
        body = {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body)
        answer = indented(bodies.answer()) if body is None else body
        return plain_plan(fault, answer, headers=headers, content_type=JSON_TYPE)
    parts = None if fault.body is Body.EMPTY else event_parts(bodies) if request.events else array_parts(bodies)
    return stream_plan(fault, parts, headers=headers, content_type=STREAM_TYPE if request.events else JSON_TYPE)


def event_parts(bodies: Bodies) -> Parts:
    """The whole stream as events.

    There is no comment among them: none was ever seen, and Google's own client library takes one for a broken answer.
    The same library sees an error only where it is the first field of a chunk.
    """

    def event(data: dict[str, Json]) -> bytes:
        return sse.encode(_dump(data), newline=_NEWLINE)

    broken = _dump(bodies.chunk("?"))
    return Parts(
        opening=(),
        contents=tuple(map(event, bodies.contents())),
        closing=(event(bodies.last()),),
        terminal=(),
        error_event=event(_failure()),
        error_chunk=event({**_failure(), **bodies.chunk("")}),
        malformed=sse.encode(broken[: len(broken) // 2], newline=_NEWLINE),
        late=event(bodies.chunk(" And again.")),
    )


def array_parts(bodies: Bodies) -> Parts:
    """The whole stream as one array; what a fault puts in is an element of it, and closes it where it is the last."""
    contents = bodies.contents()
    first = b"[" if bodies.fault.after == 0 or not contents else b",\r\n"
    broken = _dump(bodies.chunk("?")).encode()
    return Parts(
        opening=(),
        contents=tuple((b",\r\n" if place else b"[") + indented(data) for place, data in enumerate(contents)),
        closing=((b",\r\n" if contents else b"[") + indented(bodies.last()) + b"]",),
        terminal=(),
        error_event=first + indented(_failure()) + b"]",
        error_chunk=first + indented({**_failure(), **bodies.chunk("")}) + b"]",
        malformed=first + broken[: len(broken) // 2],
        late=b",\r\n" + indented(bodies.chunk(" And again.")),
    )


def indented(data: Json) -> bytes:
    """JSON as Google writes a whole body: indented, with a line end, characters as they are."""
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def _failure() -> dict[str, Json]:
    """An error in band."""
    return {"error": {"code": 500, "message": IN_BAND, "status": "INTERNAL"}}


def _dump(data: Json) -> str:
    """JSON as it stands in an event: on one line."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "replace").decode()
