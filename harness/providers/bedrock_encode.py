"""Amazon Bedrock's runtime: the answers, streams and errors that the simulated ``bedrock`` gives.

Invoke answers have the form of the model's family, Converse answers one form for all. Order of headers in a frame,
the padding ``p`` of Converse's events, no ``contentBlockStart`` for text and the metrics in an invoke stream's last
chunk are as counted in recorded traffic.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.core.fault import FAULTS, Body, Damage, Done, Fault, Usage
from harness.core.names import Answer, Form, Provider
from harness.core.recording import NO_FAULT, Headers, Json
from harness.framing import eventstream

from .anthropic_bodies import OVERLOADED, PING, error_body
from .bedrock import METRICS, Family, ModelRequest
from .plan import NOT_JSON, Parts, Plan, inside_characters, plain_plan, retry_after, stream_plan
from .reply import Reply, digest

EVENT_STREAM = "application/vnd.amazon.eventstream"
HUGE = 10**15
MODELS = (
    "amazon.nova-micro-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.titan-text-express-v1",
    "meta.llama3-70b-instruct-v1:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
)
"""What the simulated provider has."""

_Form = tuple[tuple[bytes, ...], Callable[[str], bytes], tuple[bytes, ...], bytes]
"""The frames before the content, what frames a piece of content, the frames after it, and the last one."""

_HEALTHY = FAULTS[NO_FAULT]
_INTERNAL = "http://internal.amazon.com/coral/com.amazon.bedrock/"
_STOPPED = "The model stopped working in the middle of its answer."
_ERRORS = {
    400: ("ValidationException", "Malformed input request, please reformat your input and try again."),
    401: ("UnrecognizedClientException", "The security token {key} included in the request is invalid."),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the model identifier: {model}"),
    408: ("ModelTimeoutException", "The request took too long to process."),
    424: ("ModelErrorException", "The model {model} failed to process the request."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
_NAMED = {
    "ModelNotReadyException": "The model {model} is not ready for inference yet.",
    "ServiceQuotaExceededException": "Your request exceeds the service quota for your account.",
}
_CODED = re.compile(rb'\{"bytes":"([^"]+)"')
_STOPS = {
    Family.TITAN: {"stop": "FINISH", "length": "LENGTH"},
    Family.LLAMA: {"stop": "stop", "length": "length"},
}
_COMMON_STOPS = {"stop": "end_turn", "length": "max_tokens"}


def encode_answer(
    request: ModelRequest,
    reply: Reply,
    fault: Fault = _HEALTHY,
    *,
    key: str = "",
    now_s: float = 0.0,
    attempt: int = 0,
) -> Plan:
    """The answer to a call, spoilt by a fault; one that does not apply to the answer leaves it healthy.

    ``key`` is the caller's, which a 401 quotes; ``now_s`` the time of day; ``attempt`` tells requests with the same
    tag apart.
    """
    form = Form.FRAMED_EVENTS if request.family is Family.CLAUDE else Form.FRAMES
    if not fault.strikes(Provider.BEDROCK, Answer.STREAM if request.stream else Answer.PLAIN, form):
        fault = _HEALTHY
    mark = digest(Provider.BEDROCK, request.tie or request.prompt, request.model, attempt)
    if fault.status is not None:
        plan = encode_error(fault.status, name=fault.error_type, model=request.model, key=key, mark=mark)
        return replace(plan, headers=(*plan.headers, *retry_after(fault, now_s)))
    made = _Made(request, reply, fault, mark)
    if not request.stream or fault.body is Body.JSON_ON_STREAM:
        body = {Body.NOT_JSON: NOT_JSON, Body.EMPTY: b""}.get(fault.body)
        headers = (*_request_id(mark), *made.count_headers())
        return plain_plan(fault, _dump(made.answer()) if body is None else body, headers=headers)
    parts = None if fault.body is Body.EMPTY else made.parts()
    invoked = (("x-amzn-bedrock-content-type", "application/json"),) if request.family else ()
    return stream_plan(fault, parts, headers=(*_request_id(mark), *invoked), content_type=EVENT_STREAM)


def encode_error(
    status: int, *, name: str | None = None, message: str | None = None, model: str = "", key: str = "", mark: str = ""
) -> Plan:
    """An error with its status: the type in ``x-amzn-errortype``, the words in the body."""
    usual, words = _ERRORS.get(status, ("InternalServerException", f"An internal server error occurred ({status})."))
    name = name or usual
    said = message or _NAMED.get(name, words).format(model=model, key=key)
    body: dict[str, Json] = {"message": said}
    if name == "ModelErrorException":
        body |= {"originalStatusCode": 500, "resourceName": model}
    headers = (*_request_id(mark or digest(status, model)), ("x-amzn-errortype", f"{name}:{_INTERNAL}"))
    return plain_plan(_HEALTHY, _dump(body), headers=headers, status=status)


def frame(name: str, data: Json, *, kind: str = "event") -> bytes:
    """One frame with JSON in it; ``kind`` is its message type, ``event`` or ``exception``."""
    return _frame(name, _dump(data), kind)


def _frame(name: str, payload: bytes, kind: str = "event") -> bytes:
    headers = ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind))
    return eventstream.encode([eventstream.Header(*header) for header in headers], payload)


@dataclass(frozen=True, slots=True)
class _Made:
    """One answer in the form that its request asks for."""

    request: ModelRequest
    reply: Reply
    fault: Fault
    mark: str

    @property
    def counts(self) -> tuple[float, float] | None:
        """Input and output tokens, as the fault has them."""
        given, made = self.reply.prompt_tokens, self.reply.completion_tokens
        spoilt: dict[Usage, tuple[float, float] | None] = {
            Usage.ABSENT: None,
            Usage.ZERO: (0, 0),
            Usage.NEGATIVE: (-given, -made),
            Usage.HUGE: (HUGE, HUGE),
            Usage.NOT_A_NUMBER: (float("nan"), float("nan")),
        }
        return spoilt.get(self.fault.usage, (given, made))

    @property
    def stop(self) -> str:
        """The stop reason in the family's words."""
        words = _STOPS.get(self.request.family, _COMMON_STOPS) if self.request.family else _COMMON_STOPS
        return words.get(self.reply.finish_reason, self.reply.finish_reason)

    def count_headers(self) -> Headers:
        """The token counts that an invoke answer has in its head."""
        if self.request.family is None or self.counts is None:
            return ()
        given, made = self.counts
        return (
            ("x-amzn-bedrock-input-token-count", str(given)),
            ("x-amzn-bedrock-output-token-count", str(made)),
            ("x-amzn-bedrock-invocation-latency", "500"),
        )

    def usage(self, given: str, made: str, total: str | None = None) -> dict[str, Json]:
        """The counts under these names; empty where nothing is said of them."""
        if self.counts is None:
            return {}
        return {given: self.counts[0], made: self.counts[1], **({total: sum(self.counts)} if total else {})}

    def answer(self) -> dict[str, Json]:
        """A plain answer."""
        bare, text = self.fault.body is Body.NO_CHOICES, self.reply.text
        match self.request.family:
            case Family.TITAN:
                count = self.usage("inputTextTokenCount", "tokenCount")
                result = {"tokenCount": count.pop("tokenCount", None), "outputText": text}
                return {**count, "results": [] if bare else [{**result, "completionReason": self.stop}]}
            case Family.LLAMA:
                said = {} if bare else {"generation": text}
                return {**said, **self.usage("prompt_token_count", "generation_token_count"), "stop_reason": self.stop}
            case Family.CLAUDE:
                blocks = [] if bare else [{"type": "text", "text": text}]
                usage = self.usage("input_tokens", "output_tokens")
                return {**self.message(blocks, self.stop), **({"usage": usage} if usage else {})}
        usage = self.usage("inputTokens", "outputTokens", "totalTokens")
        return {
            "output": {"message": {"content": [] if bare else [{"text": text}], "role": "assistant"}},
            "stopReason": self.stop,
            **({"usage": usage} if usage else {}),
            **({} if self.request.family else {"metrics": {"latencyMs": 500}}),
        }

    def message(self, blocks: list[Json], stop: str | None) -> dict[str, Json]:
        """Claude's message object."""
        return {
            "id": f"msg_bdrk_{self.mark[:24]}",
            "type": "message",
            "role": "assistant",
            "model": self.reply.model,
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
        }

    def parts(self) -> Parts:
        """The whole stream."""
        opening, contents, closing, terminal = self._form()
        pieces = () if self.fault.body is Body.NO_CHOICES else self.reply.pieces
        name = self.fault.error_type or "modelStreamErrorException"
        failed = {"message": _STOPPED} | ({"originalStatusCode": 500} if name.startswith("modelStream") else {})
        return Parts(
            opening=opening,
            contents=tuple(map(contents, pieces)),
            closing=closing,
            terminal=(terminal,),
            error_event=_overloaded() if name == OVERLOADED else frame(name, failed, kind="exception"),
            error_chunk=_unmodelled("InternalFailure", _STOPPED),
            malformed=self._broken(contents("?")),
            late=contents(" And again."),
            comment=_chunk(PING) if self.fault.pings else b"",
            inside=_inside_characters,
        )

    def _broken(self, sound: bytes) -> bytes:
        """A frame that is none, or whose payload is no JSON."""
        match self.fault.damage:
            case Damage.CRC:
                return eventstream.flipped(sound, -1)
            case Damage.PRELUDE_CRC:
                return eventstream.flipped(sound, eventstream.PRELUDE_BYTES - 1)
            case Damage.HALF:
                return sound[: len(sound) // 2]
        return _frame("chunk" if self.request.family else "contentBlockDelta", b'{"delta":{"te')

    def _form(self) -> _Form:
        family = self.request.family
        metrics = self._metrics()
        if family in (Family.TITAN, Family.LLAMA):
            last = {**self._text(""), **self._end(), **metrics}
            uncounted = (_chunk({**self._text(""), **self._end()}),) if self.fault.done is Done.NEVER else ()
            return (), lambda text: _chunk(self._text(text)), uncounted, _chunk(last)
        if family is Family.CLAUDE:
            return self._claude(metrics)
        usage = self.usage("inputTokens", "outputTokens", None if family else "totalTokens")
        metadata: dict[str, Json] = {**({"usage": usage} if usage else {}), "metrics": {"latencyMs": 500}}
        start: dict[str, Json] = {"role": "assistant"}
        stop: dict[str, Json] = {"contentBlockIndex": 0}
        end: dict[str, Json] = {"stopReason": self.stop}
        wrap = self._nova if family else self._converse
        last = {"metadata": {**metadata, "metrics": {}, "trace": {}}, **metrics}
        return (
            (wrap("messageStart", start),),
            lambda text: wrap("contentBlockDelta", {**stop, "delta": {"text": text}}),
            (wrap("contentBlockStop", stop), wrap("messageStop", end)),
            _chunk(last) if family else self._converse("metadata", metadata),
        )

    def _claude(self, metrics: dict[str, Json]) -> _Form:
        usage = self.usage("input_tokens", "output_tokens")
        first = {**self.message([], None), **({"usage": {**usage, "output_tokens": 1}} if usage else {})}
        made = {"usage": {"output_tokens": usage["output_tokens"]}} if usage else {}
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        ended = {"type": "message_delta", "delta": {"stop_reason": self.stop, "stop_sequence": None}, **made}

        def content(text: str) -> bytes:
            return _chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})

        return (
            (_chunk({"type": "message_start", "message": first}), _chunk(block)),
            content,
            (_chunk({"type": "content_block_stop", "index": 0}), _chunk(ended)),
            _chunk({"type": "message_stop", **metrics}),
        )

    def _text(self, text: str) -> dict[str, Json]:
        """A chunk of Titan or Llama before the last."""
        if self.request.family is Family.TITAN:
            return {"outputText": text, "index": 0, "completionReason": None}
        return {"generation": text, "prompt_token_count": None, "generation_token_count": None, "stop_reason": None}

    def _end(self) -> dict[str, Json]:
        """What the last chunk of Titan or Llama says more."""
        if self.request.family is Family.TITAN:
            return {**self.usage("inputTextTokenCount", "totalOutputTextTokenCount"), "completionReason": self.stop}
        return {**self.usage("prompt_token_count", "generation_token_count"), "stop_reason": self.stop}

    def _metrics(self) -> dict[str, Json]:
        counts = self.usage("inputTokenCount", "outputTokenCount")
        return {METRICS: {**counts, "invocationLatency": 500, "firstByteLatency": 200}} if counts else {}

    def _nova(self, name: str, data: dict[str, Json]) -> bytes:
        return _chunk({name: data})

    def _converse(self, name: str, data: dict[str, Json]) -> bytes:
        return frame(name, {**data, "p": _padding(self.mark)})


def _inside_characters(data: bytes) -> list[int]:
    """Where frames can be cut inside a character of a payload: an invoke stream's is in base64, and so are those."""
    cuts: list[int] = []
    for message in eventstream.decode(data).messages:
        begin = message.end - eventstream.CRC_BYTES - len(message.payload)
        coded = _CODED.match(message.payload)
        if coded is None:
            cuts += [begin + at for at in inside_characters(message.payload)]
        else:
            # four letters hold three bytes: as many as tell the byte before the cut, and not all of the next one
            told = (-(-at * 4 // 3) for at in inside_characters(base64.b64decode(coded[1])))
            cuts += [begin + coded.start(1) + letters for letters in told]
    return cuts


def _chunk(data: Json) -> bytes:
    """A frame of an invoke stream."""
    return frame("chunk", {"bytes": base64.b64encode(_dump(data)).decode()})


def _overloaded() -> bytes:
    """Anthropic's own event that says so, in a frame."""
    return _chunk(error_body(OVERLOADED, "Overloaded"))


def _unmodelled(code: str, message: str) -> bytes:
    """The protocol's own form of an error that no exception of the call describes: headers only."""
    headers = ((":error-code", code), (":error-message", message), (":message-type", "error"))
    return eventstream.encode([eventstream.Header(*header) for header in headers])


def _padding(mark: str) -> str:
    """What Converse's events are padded with, so that their length tells less."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return letters[: 4 + int(mark[:2], 16) % 40]


def _request_id(mark: str) -> Headers:
    return (("x-amzn-requestid", str(uuid.UUID(mark[:32], version=4))),)


def _dump(data: Json) -> bytes:
    """JSON as Bedrock writes it: characters as they are, and NaN where a fault says so."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
