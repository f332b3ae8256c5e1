"""What Amazon Bedrock's runtime promises of the answers and refusals of its invoke and Converse calls."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.recording import Json, Recording
from harness.core.verdict import Subject
from harness.providers.bedrock import StreamEvent, decode_error, error_type

from .provider_invocations import Invocation, conversations, plain_conversations, refusals
from .registry import Findings, contract

CONVERSE = "Amazon Bedrock API reference, Converse"
ERRORS = "Amazon Bedrock API reference, common errors; AWS REST JSON protocol, operation error serialization"

STOP_REASONS = frozenset(
    {
        "end_turn",
        "tool_use",
        "max_tokens",
        "stop_sequence",
        "guardrail_intervened",
        "content_filtered",
        "malformed_model_output",
        "malformed_tool_use",
        "model_context_window_exceeded",
    }
)
_CACHED = ("cacheReadInputTokens", "cacheWriteInputTokens")


def _holders(answer: Invocation, event_name: str) -> Iterator[tuple[dict[str, Json], StreamEvent | None]]:
    """The objects that hold a field of Converse's answer: the answer itself, or the events of that name."""
    if answer.stream is None:
        if isinstance(answer.document, dict):
            yield answer.document, None
        return
    for event in answer.events:
        if event.name == event_name and isinstance(event.data, dict):
            yield event.data, event


@contract(
    "bedrock.converse-message",
    select=plain_conversations(),
    source=f"{CONVERSE}, response syntax: output.message",
    subject=Subject.PROVIDER,
    breakers=("bedrock-no-message", "bedrock-message-of-user", "bedrock-answer-text"),
)
def converse_message(answer: Invocation, _recording: Recording) -> Findings:
    """Converse's answer is a JSON object with a message of the assistant and a list of content blocks.

    Every client reads `output.message.content`.
    """
    output = answer.document.get("output") if isinstance(answer.document, dict) else None
    message = output.get("message") if isinstance(output, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        yield answer.violation("The answer has no message with content.")
    elif message.get("role") != "assistant":
        yield answer.violation(f"The answer is a message of {message.get('role')!r}.")


@contract(
    "bedrock.stop-reason",
    select=conversations(),
    source=f"{CONVERSE}, stopReason; ConverseStream, MessageStopEvent",
    subject=Subject.PROVIDER,
    breakers=("bedrock-unknown-stop", "bedrock-stream-null-stop", "bedrock-stream-no-stop"),
)
def stop_reason(answer: Invocation, _recording: Recording) -> Findings:
    """Converse's whole answer says why it stopped, by one of the documented reasons.

    Clients branch on it: tools to call, a limit hit, a guardrail. A stream says it in its `messageStop`.
    """
    found = False
    for holder, event in _holders(answer, "messageStop"):
        found = True
        if holder.get("stopReason") not in STOP_REASONS:
            yield answer.violation(f"The answer stops for the reason {holder.get('stopReason')!r}.", event)
    if not found and answer.stream is not None:
        yield answer.violation("The stream does not say why it stopped.")


@contract(
    "bedrock.usage-adds-up",
    select=conversations(),
    source=f"{CONVERSE}, TokenUsage",
    subject=Subject.PROVIDER,
    breakers=("bedrock-usage-off-by-one", "bedrock-usage-negative", "bedrock-stream-usage-off-by-one"),
)
def usage_adds_up(answer: Invocation, _recording: Recording) -> Findings:
    """Token counts are whole numbers from 0 up, and Converse's total is the sum of its parts.

    Bills are made of them. Tokens read from or written to a cache may be counted beside the input.
    """
    for holder, event in _holders(answer, "metadata"):
        usage = holder.get("usage")
        if usage is None:
            continue
        counts = [usage.get(name) for name in ("inputTokens", "outputTokens", "totalTokens")] if _is_dict(usage) else []
        if not counts or not all(_is_count(count) for count in counts):
            yield answer.violation("A token count is no whole number from 0 up.", event)
            continue
        given, made, total = counts
        cached = sum(usage[name] for name in _CACHED if _is_count(usage.get(name)))
        if total not in (given + made, given + made + cached):
            yield answer.violation(f"{given} input and {made} output tokens are said to be {total}.", event)


def _is_dict(value: Json) -> bool:
    return isinstance(value, dict)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@contract(
    "bedrock.error-type",
    select=refusals(headers=True),
    source=ERRORS,
    subject=Subject.PROVIDER,
    breakers=("bedrock-no-error-type",),
)
def error_type_header(answer: Invocation, _recording: Recording) -> Findings:
    """A refusal names its exception in `x-amzn-errortype`.

    The SDKs make their exceptions from it: without it throttling cannot be told from a wrong request.
    """
    if error_type(answer.header("x-amzn-errortype")) is None:
        yield answer.violation(f"The refusal with status {answer.status} names no exception in its header.")


@contract(
    "bedrock.error-body",
    select=refusals(),
    source=ERRORS,
    subject=Subject.PROVIDER,
    breakers=("bedrock-error-text", "bedrock-error-without-message"),
)
def error_body(answer: Invocation, _recording: Recording) -> Findings:
    """A refusal's body is a JSON object with a message.

    It is all that the caller has to go by.
    """
    if not decode_error(answer.exchange.body):
        yield answer.violation(f"The body of status {answer.status} has no message.")
