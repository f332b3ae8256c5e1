"""What Anthropic promises of every message, streamed or not, and of its refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.anthropic import Kind, StreamEvent, is_count, read_error

from .provider_messages import ANTHROPIC, CLAUDE, Answer, answers, documents, failures, messages, refusals
from .registry import Findings, contract

MESSAGE = "Anthropic API reference, the Message object"
ERRORS = "Anthropic API reference, errors"

STOP_REASONS = frozenset(
    {
        "compaction",
        "end_turn",
        "max_tokens",
        "model_context_window_exceeded",
        "pause_turn",
        "refusal",
        "stop_sequence",
        "tool_use",
    }
)


@contract(
    "anthropic.message-object",
    select=messages(CLAUDE),
    source=MESSAGE,
    subject=Subject.PROVIDER,
    breakers=("message-not-json", "message-wrong-type", "message-without-model", "message-without-content"),
)
def message_object(answer: Answer, _recording: Recording) -> Findings:
    """A plain answer is one JSON object: a `message` of the assistant with an id, a model and typed content blocks.

    Typed clients build their answer from it.
    """
    if not isinstance(answer.document, dict):
        yield answer.violation("The answer is no JSON object.")
        return
    wrong = message_fault(answer.document)
    if wrong:
        yield answer.violation(f"The answer {wrong}.")


def message_fault(message: dict[str, Json]) -> str | None:
    """What is wrong with a message object, for the rest of a sentence; None where it is sound."""
    for name, value in (("type", "message"), ("role", "assistant")):
        if message.get(name) != value:
            return f"has {message.get(name)!r} for its {name}"
    for name in ("id", "model"):
        if not isinstance(message.get(name), str) or not message[name]:
            return f"has no {name}"
    content = message.get("content")
    if not isinstance(content, list):
        return "has no list of content blocks"
    if not all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in content):
        return "has a content block without a type"
    return None


@contract(
    "anthropic.stop-reason",
    select=answers(CLAUDE),
    source=f"{MESSAGE}, stop_reason; streaming: null in message_start, then set",
    subject=Subject.PROVIDER,
    breakers=(
        "unknown-stop",
        "second-stop-reason",
        "message-unknown-stop",
        "message-without-stop",
        "bedrock-claude-unknown-stop",
    ),
)
def stop_reason(answer: Answer, _recording: Recording) -> Findings:
    """An answer ends for one of the documented reasons: a plain one always says which, a stream at most once.

    Clients branch on it: tools to call, a limit hit, a turn to go on with.
    """
    if isinstance(answer.document, dict) and not _known(answer.document.get("stop_reason")):
        yield answer.violation(f"The answer ends for the reason {answer.document.get('stop_reason')!r}.")
    said = [event for event in answer.of(Kind.MESSAGE_DELTA) if _delta(event).get("stop_reason") is not None]
    for event in said:
        if not _known(_delta(event)["stop_reason"]):
            yield answer.violation(f"The stream ends for the reason {_delta(event)['stop_reason']!r}.", event)
    if len(said) > 1:
        yield answer.violation(f"The stream gives its stop reason {len(said)} times.", said[1])


def _known(reason: Json) -> bool:
    return isinstance(reason, str) and reason in STOP_REASONS


def _delta(event: StreamEvent) -> dict[str, Json]:
    delta = event.data.get("delta")
    return delta if isinstance(delta, dict) else {}


@contract(
    "anthropic.usage",
    select=answers(CLAUDE),
    source=f"{MESSAGE}, usage; streaming: the counts of message_delta are cumulative",
    subject=Subject.PROVIDER,
    breakers=(
        "start-without-usage",
        "delta-without-usage",
        "usage-shrinks",
        "output-negative",
        "message-without-usage",
        "bedrock-claude-usage-shrinks",
        "bedrock-claude-stop-first",
    ),
)
def usage(answer: Answer, _recording: Recording) -> Findings:
    """Tokens in and out are whole numbers from 0 up, there from a stream's start, and only grow.

    Bills are made of them, and the last count is the sum: who adds them up charges twice.
    """
    if isinstance(answer.document, dict):
        lacking = _lacking(answer.document.get("usage"), _BOTH)
        if lacking:
            yield answer.violation(f"The usage has no count of {' and '.join(lacking)}.")
    before = 0
    for event, names in _holders(answer):
        lacking = _lacking(event.usage, names)
        if lacking:
            yield answer.violation(f"The usage of {event.kind} has no count of {' and '.join(lacking)}.", event)
            continue
        out = event.usage["output_tokens"]
        if out < before:
            yield answer.violation(f"{before} output tokens were used before, and now {out}.", event)
        before = out


_BOTH = ("input_tokens", "output_tokens")


def _holders(answer: Answer) -> Iterator[tuple[StreamEvent, tuple[str, ...]]]:
    """The events that must have usage, and the counts that each must have."""
    for event in answer.events:
        if event.kind is Kind.MESSAGE_START:
            yield event, _BOTH
        elif event.kind is Kind.MESSAGE_DELTA:
            yield event, ("output_tokens",)


def _lacking(usage: Json, names: tuple[str, ...]) -> list[str]:
    counts = usage if isinstance(usage, dict) else {}
    return [name.replace("_", " ") for name in names if not is_count(counts.get(name))]


@contract(
    "anthropic.id-form",
    select=answers(CLAUDE),
    source="Anthropic API reference: the ids of its examples; every recorded answer",
    subject=Subject.PROVIDER,
    level=Level.SHOULD,
    breakers=("foreign-message-id", "bedrock-claude-foreign-id"),
)
def id_form(answer: Answer, _recording: Recording) -> Findings:
    """Anthropic's ids are `msg_` and letters and digits; Vertex AI's say `vrtx` in between, Bedrock's `bdrk`.

    Nothing should depend on it, and support desks ask for it all the same.
    """
    form = _ID[answer.promiser]
    for message, event in _messages(answer):
        sent = message.get("id")
        if isinstance(sent, str) and sent and not form.fullmatch(sent):
            yield answer.violation(f"The id {sent!r} is not one of {answer.promiser}'s.", event)


_ID = {
    "anthropic": re.compile(r"msg_[A-Za-z0-9]+"),
    "vertex": re.compile(r"msg_vrtx_[A-Za-z0-9]+"),
    "bedrock": re.compile(r"msg_bdrk_[A-Za-z0-9]+"),
}


def _messages(answer: Answer) -> Iterator[tuple[dict[str, Json], StreamEvent | None]]:
    """The message objects of an answer: the one document, or what a stream starts with."""
    if isinstance(answer.document, dict):
        yield answer.document, None
    for event in answer.of(Kind.MESSAGE_START):
        message = event.data.get("message")
        if isinstance(message, dict):
            yield message, event


@contract(
    "anthropic.error-body",
    select=failures(ANTHROPIC),
    source=f"{ERRORS}: error shapes; streaming, error events",
    subject=Subject.PROVIDER,
    breakers=("refusal-text", "refusal-without-envelope", "refusal-without-type", "in-band-without-message"),
)
def error_body(answer: Answer, _recording: Recording) -> Findings:
    """A refusal's body and an error in band are `{"type":"error","error":{...}}` with the error's type and message.

    It is all that the caller has to go by, and in band nothing else tells an overload from a bug.
    """
    if answer.status >= 400:
        wrong = _error_fault(answer.document)
        if wrong:
            yield answer.violation(f"The body of status {answer.status} {wrong}.")
    for event in answer.stream.errors if answer.stream else ():
        wrong = _error_fault(event.data)
        if wrong:
            yield answer.violation(f"The error in band {wrong}.", event)


def _error_fault(data: Json) -> str | None:
    error = read_error(data)
    if error is None:
        return "is no error object"
    if data.get("type") != "error":
        return "does not call itself an error"
    lacking = [name for name, value in (("type", error.type), ("message", error.message)) if not value]
    return f"has no {' and no '.join(lacking)}" if lacking else None


@contract(
    "anthropic.error-type",
    select=refusals(ANTHROPIC),
    source=f"{ERRORS}: HTTP errors, a type for each status",
    subject=Subject.PROVIDER,
    breakers=("refusal-of-another-type",),
)
def error_type(answer: Answer, _recording: Recording) -> Findings:
    """An error's type is the one that is documented for its status.

    Clients choose by either, and must choose the same. (Statuses that the documentation does not list are free.)
    """
    error = read_error(answer.document)
    expected = ERROR_TYPES.get(answer.status)
    if error is not None and error.type is not None and expected not in (None, error.type):
        yield answer.violation(f"An error of the type {error.type!r} came with status {answer.status}.")


ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@contract(
    "anthropic.error-status",
    select=documents(ANTHROPIC),
    source=f"{ERRORS}: HTTP errors; only a stream that has begun may fail under 200",
    subject=Subject.PROVIDER,
    breakers=("refusal-with-200",),
)
def error_status(answer: Answer, _recording: Recording) -> Findings:
    """An error object that is no event of a stream comes with an error status, never with 200.

    Clients look at the status first, and take a 200 for an answer.
    """
    if read_error(answer.document) is not None:
        yield answer.violation("An error object came with status 200.")
