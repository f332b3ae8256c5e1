"""Amazon Bedrock's runtime as it goes over the wire: requests, answers, streams and errors, read.

Source: the Amazon Bedrock API reference (InvokeModel, InvokeModelWithResponseStream, Converse, ConverseStream) and the
user guide's inference parameters of Nova, Titan text, Llama 3 and Claude. Invoke calls carry bodies of the model's
own family, Converse calls one form for all. Readers take what real endpoints send and say what they saw; whether it
was right is for the contracts to judge. ``text`` is what a plain chat client would show.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import eventstream, json

METRICS = "amazon-bedrock-invocationMetrics"
CALLS = ("invoke", "invoke-with-response-stream", "converse", "converse-stream")

_PATH = re.compile(r"/model/([^/?]+)/(invoke|invoke-with-response-stream|converse|converse-stream)(?:\?|$)")


class Family(StrEnum):
    """Whose bodies an invoke call carries."""

    NOVA = "nova"
    TITAN = "titan"
    LLAMA = "llama"
    CLAUDE = "claude"


_FAMILIES = {
    "amazon.nova": Family.NOVA,
    "amazon.titan-text": Family.TITAN,
    "meta.llama3": Family.LLAMA,
    "anthropic.claude": Family.CLAUDE,
}


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a client asks for. ``family`` is None for Converse, and ``max_tokens`` where no limit is given."""

    call: str
    model: str
    family: Family | None
    max_tokens: int | None
    prompt: str
    tie: str | None

    @property
    def stream(self) -> bool:
        """Whether the answer is to be an event stream."""
        return self.call.endswith("-stream")


class Kind(StrEnum):
    """What a frame of a stream is."""

    EVENT = "event"
    EXCEPTION = "exception"  # modelled or not: the stream says that it failed
    MALFORMED = "malformed"  # its payload is not what the call's events hold
    DAMAGED = "damaged"  # its CRC or its headers are wrong


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One frame: its place (``start``, ``end`` in bytes), what it calls itself, and what it says.

    ``data`` is the payload decoded; of an invoke stream's chunk, what its base64 holds. ``usage`` is as sent.
    """

    index: int
    start: int
    end: int
    kind: Kind
    name: str
    data: Json
    text: str
    stop_reason: str | None
    usage: tuple[Json, Json] | None
    message: eventstream.Message


@dataclass(frozen=True, slots=True)
class Stream:
    """A streamed answer as far as it came. ``tail`` and ``trouble`` are of ``framing.eventstream``."""

    events: tuple[StreamEvent, ...]
    tail: bytes = b""
    trouble: DecodeError | None = None

    @property
    def text(self) -> str:
        """The text of all blocks."""
        return "".join([event.text for event in self.events])

    @property
    def stop_reasons(self) -> tuple[str, ...]:
        """Every stop reason, in order: a sound stream has one."""
        return tuple(event.stop_reason for event in self.events if event.stop_reason is not None)

    @property
    def exceptions(self) -> tuple[StreamEvent, ...]:
        """The frames that say that something failed."""
        return tuple(event for event in self.events if event.kind is Kind.EXCEPTION)

    @property
    def usage(self) -> tuple[Json, Json] | None:
        """Input and output tokens as last sent."""
        return next((event.usage for event in reversed(self.events) if event.usage is not None), None)

    @property
    def terminal(self) -> bool:
        """Whether the provider said that the answer is complete: a stop reason, or an invoke stream's metrics."""
        return bool(self.stop_reasons) or any(has_metrics(event) for event in self.events)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``usage`` is (input, output) as sent, None where there is none."""

    text: str
    stop_reason: str | None
    usage: tuple[Json, Json] | None
    data: Json


def target(method: str, path: str) -> tuple[str, str] | None:
    """The call and the model of a path, the model's colon literal or as ``%3A``; None where it is no such call."""
    found = _PATH.search(path) if method == "POST" else None
    return (found[2], unquote(found[1])) if found else None


def family_of(model: str) -> Family | None:
    """The family of a model id, with or without a region before it; None where it is none of ours."""
    return next((family for part, family in _FAMILIES.items() if part in model), None)


def decode_request(call: str, model: str, body: bytes) -> ModelRequest:
    """A request of a call to a model.

    Raises:
        DecodeError: not JSON, or not the body that the model's family takes.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise DecodeError("the request is no JSON object")
    family = family_of(model) if call.startswith("invoke") else None
    if call.startswith("invoke") and family is None:
        raise DecodeError("the model's family is not known")
    prompt, limit = _asked(family, data)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise DecodeError("the output limit is no whole number from 1 up")
    return ModelRequest(call, model, family, limit, prompt, find_tie(prompt))


def decode_answer(body: bytes) -> Answer:
    """A whole answer of any call and family.

    Raises:
        DecodeError: not JSON, or no answer of those.
    """
    data = json.lenient(body)
    if not isinstance(data, dict):
        raise DecodeError("the answer is no JSON object")
    results = data.get("results")
    if isinstance(results, list):  # Titan text
        first = _dict(results[0]) if results else {}
        usage = (data.get("inputTextTokenCount"), first.get("tokenCount"))
        return Answer(_text(first.get("outputText")), _word(first.get("completionReason")), usage, data)
    if "generation" in data:
        return Answer(_text(data["generation"]), _word(data.get("stop_reason")), _usage(data), data)
    if "output" in data:  # Converse and Nova
        content = _dict(_dict(data["output"]).get("message")).get("content")
        return Answer(_texts(content), _word(data.get("stopReason")), _usage(data), data)
    if isinstance(data.get("content"), list):
        return Answer(_texts(data["content"]), _word(data.get("stop_reason")), _usage(data), data)
    raise DecodeError("the answer has none of the known forms")


def decode_stream(body: bytes) -> Stream:
    """A streamed answer, complete or not. Takes any bytes."""
    decoded = eventstream.decode(body)
    events = tuple([_event(index, message) for index, message in enumerate(decoded.messages)])
    return Stream(events, decoded.tail, decoded.trouble)


def decode_error(body: bytes) -> str | None:
    """The message of an error body, or None where it has none; some services write it with a capital."""
    try:
        data = json.lenient(body)
    except DecodeError:
        return None
    message = data.get("message", data.get("Message")) if isinstance(data, dict) else None
    return message if isinstance(message, str) else None


def error_type(header: str | None) -> str | None:
    """The error's name in ``x-amzn-errortype``: what stands before the colon."""
    return (header or "").partition(":")[0].strip() or None


def has_metrics(event: StreamEvent) -> bool:
    """Whether an event of an invoke stream carries the metrics of the invocation."""
    return isinstance(event.data, dict) and METRICS in event.data


def _asked(family: Family | None, data: dict[str, Json]) -> tuple[str, Json]:
    """The prompt's text and the output limit."""
    if family is Family.TITAN:
        return _required(data, "inputText"), _dict(data.get("textGenerationConfig")).get("maxTokenCount")
    if family is Family.LLAMA:
        return _required(data, "prompt"), data.get("max_gen_len")
    messages = _messages(data.get("messages"), plain=family is Family.CLAUDE)
    if family is Family.CLAUDE:
        _required(data, "anthropic_version")
        if "max_tokens" not in data:
            raise DecodeError("required key [max_tokens] not found")
        return messages, data["max_tokens"]
    config = _dict(data.get("inferenceConfig"))
    if family is Family.NOVA:
        return messages, config.get("max_new_tokens", config.get("maxTokens"))
    return messages, config.get("maxTokens")


def _required(data: dict[str, Json], name: str) -> str:
    if not isinstance(data.get(name), str):
        raise DecodeError(f"required key [{name}] not found")
    return str(data[name])


def _messages(messages: Json, *, plain: bool) -> str:
    """The messages' texts joined by one space; where ``plain``, a content may be a string."""
    if not isinstance(messages, list) or not messages:
        raise DecodeError("required key [messages] not found")
    texts: list[str] = []
    for number, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if plain and isinstance(content, str):
            texts.append(content)
        elif isinstance(content, list):
            texts.append(_texts(content))
        else:
            raise DecodeError(f"#/messages/{number}/content: expected type: JSONArray")
    return " ".join(texts)


def _event(index: int, message: eventstream.Message) -> StreamEvent:
    type_ = message.text(":message-type")
    name = message.text(":event-type") or message.text(":exception-type") or message.text(":error-code") or ""
    kind, data = Kind.EVENT, None
    if message.damage is not None:
        kind = Kind.DAMAGED
    else:
        try:
            data = _payload(name, message.payload)
        except DecodeError:
            kind = Kind.MALFORMED
        if type_ in ("exception", "error"):
            kind = Kind.EXCEPTION
    text, stop, usage = _says(name, data) if kind is Kind.EVENT else ("", None, None)
    return StreamEvent(index, message.start, message.end, kind, name, data, text, stop, usage, message)


def _payload(name: str, payload: bytes) -> Json:
    data = json.lenient(payload)
    if not isinstance(data, dict):
        raise DecodeError("the payload is no JSON object")
    if name != "chunk":
        return data
    try:
        return json.lenient(base64.b64decode(data.get("bytes", ""), validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise DecodeError("the chunk is not base64") from None


def _says(name: str, data: Json) -> tuple[str, str | None, tuple[Json, Json] | None]:
    """Text, stop reason and usage of an event's data."""
    if not isinstance(data, dict):
        return "", None, None
    if name == "chunk":
        wrapped = next((key for key in data if key in _NOVA_EVENTS), None)  # Nova's chunks are Converse's events
        if wrapped is None:
            return _chunk(data)
        text, stop, usage = _says(wrapped, data[wrapped])
        return text, stop, _usage(data) or usage
    return _text(_dict(data.get("delta")).get("text")), _word(data.get("stopReason")), _usage(data)


_NOVA_EVENTS = frozenset({"messageStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"})


def _chunk(data: dict[str, Json]) -> tuple[str, str | None, tuple[Json, Json] | None]:
    """The same of a chunk of Titan, Llama or Claude."""
    delta = _dict(data.get("delta"))
    text = _text(data.get("outputText")) + _text(data.get("generation")) + _text(delta.get("text"))
    stop = data.get("completionReason") or data.get("stop_reason") or delta.get("stop_reason")
    return text, _word(stop), _usage(data)


_COUNTS = (("inputTokens", "outputTokens"), ("input_tokens", "output_tokens"))
_LAST_COUNTS = (
    ("prompt_token_count", "generation_token_count"),
    ("inputTextTokenCount", "totalOutputTextTokenCount"),
)
"""What the last chunk of Llama and of Titan says by itself, with metrics or without."""


def _usage(data: dict[str, Json]) -> tuple[Json, Json] | None:
    """Input and output tokens, where both are given in some form; an invoke stream's metrics come first."""
    metrics = data.get(METRICS)
    if isinstance(metrics, dict) and "outputTokenCount" in metrics:
        return metrics.get("inputTokenCount"), metrics["outputTokenCount"]
    usage = _dict(data.get("usage"))
    for given, made in _COUNTS:
        if given in usage and made in usage:
            return usage[given], usage[made]
    for given, made in _LAST_COUNTS:
        if data.get(given) is not None and data.get(made) is not None:
            return data[given], data[made]
    return None


def _texts(content: Json) -> str:
    return "".join(_text(_dict(block).get("text")) for block in content) if isinstance(content, list) else ""


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _word(value: Json) -> str | None:
    return value if isinstance(value, str) else None
