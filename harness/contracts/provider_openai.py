"""What providers of the OpenAI dialect promise of every chat completion, streamed or not, and of their refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.openai import StreamEvent, read_error

from .provider_chats import KNOWN, OURS, Answer, answers, choices_of, completions, documents, refusals
from .registry import Findings, contract

COMPLETION = "OpenAI API reference, chat completion object"
ERRORS = "OpenAI API reference, error codes: the error object"

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_2015_S, _2100_S = 1_420_070_400, 4_102_444_800


def _documents(answer: Answer) -> Iterator[tuple[dict[str, Json], StreamEvent | None]]:
    """The objects of an answer: each chunk, or the one document."""
    if answer.stream is not None:
        yield from ((event.data, event) for event in answer.chunks)
    elif isinstance(answer.document, dict):
        yield answer.document, None


@contract(
    "openai.completion-object",
    select=completions(KNOWN),
    source=COMPLETION,
    subject=Subject.PROVIDER,
    breakers=("completion-wrong-object", "completion-without-model", "completion-not-json"),
)
def completion_object(answer: Answer, _recording: Recording) -> Findings:
    """A plain answer is one JSON object: a `chat.completion` with an id and a model.

    Typed clients build their answer from it.
    """
    document = answer.document
    if not isinstance(document, dict):
        yield answer.violation("The answer is no JSON object.")
        return
    if document.get("object") != "chat.completion":
        yield answer.violation(f"The answer calls itself {document.get('object')!r}.")
    for name in ("id", "model"):
        if not isinstance(document.get(name), str):
            yield answer.violation(f"The answer has no {name}.")


@contract(
    "openai.completion-choices",
    select=completions(KNOWN),
    source=f"{COMPLETION}, choices",
    subject=Subject.PROVIDER,
    breakers=("no-choices", "choice-without-message"),
)
def completion_choices(answer: Answer, _recording: Recording) -> Findings:
    """A plain answer has at least one choice, each with a message of the assistant.

    Every client reads `choices[0].message`.
    """
    if not isinstance(answer.document, dict):
        return
    found = choices_of(answer.document)
    if not found:
        yield answer.violation("The answer has no choices.")
    for number, choice in enumerate(found):
        message = choice.get("message")
        if not isinstance(message, dict):
            yield answer.violation(f"Choice {number} has no message.")
        elif message.get("role") != "assistant":
            yield answer.violation(f"Choice {number} is a message of {message.get('role')!r}.")


@contract(
    "openai.finish-reason",
    select=answers(KNOWN - {"openrouter"}),  # OpenRouter adds its own: error
    source=f"{COMPLETION}, choices.finish_reason",
    subject=Subject.PROVIDER,
    breakers=("unknown-finish", "completion-unknown-finish", "completion-without-finish"),
)
def finish_reason(answer: Answer, _recording: Recording) -> Findings:
    """A choice ends for one of the documented reasons, and a plain answer's choice always has one.

    Clients branch on it: calls to make, a limit hit, a filter. (DeepSeek documents one more.)
    """
    known = FINISH_REASONS | _MORE_REASONS.get(answer.promiser, frozenset())
    for document, event in _documents(answer):
        for choice in choices_of(document):
            given = choice.get("finish_reason")
            if (given is None and event is None) or (given is not None and given not in known):
                yield answer.violation(f"Choice {choice.get('index', 0)} ends for the reason {given!r}.", event)


_MORE_REASONS = {
    "deepseek": frozenset({"insufficient_system_resource"}),
    "mistral": frozenset({"model_length", "error"}),
    "together": frozenset({"eos"}),
    "zai": frozenset({"sensitive", "network_error", "model_context_window_exceeded"}),
}


@contract(
    "openai.usage-adds-up",
    select=answers(KNOWN),
    source=f"{COMPLETION}, usage: total_tokens is prompt plus completion",
    subject=Subject.PROVIDER,
    breakers=("usage-off-by-one", "completion-usage-off-by-one", "usage-negative"),
)
def usage_adds_up(answer: Answer, _recording: Recording) -> Findings:
    """Token counts are whole numbers from 0 up, and the total is the sum of its parts.

    Bills are made of them. (xAI counts reasoning beside the completion, Mistral audio beside the prompt.)
    """
    for document, event in _documents(answer):
        usage = event.usage if event is not None else document.get("usage")
        if usage is None:
            continue
        counts = _counts(usage)
        if counts is None:
            yield answer.violation("A token count is no whole number from 0 up.", event)
            continue
        prompt, completion, total = counts
        extra = _extra(answer.promiser, usage)
        if total not in (prompt + completion, prompt + completion + extra):
            yield answer.violation(f"{prompt} prompt and {completion} completion tokens are said to be {total}.", event)


_EXTRA = {
    "xai": ("completion_tokens_details", "reasoning_tokens"),
    "mistral": ("prompt_tokens_details", "audio_tokens"),
}
"""Tokens that a provider counts in the total and not in the two parts."""


def _extra(promiser: str, usage: Json) -> int:
    group, name = _EXTRA.get(promiser, ("", ""))
    details = usage.get(group)
    count = details.get(name) if isinstance(details, dict) else None
    return count if isinstance(count, int) else 0


def _counts(usage: Json) -> tuple[int, int, int] | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion, total = (_count(usage.get(f"{part}_tokens")) for part in ("prompt", "completion", "total"))
    return None if prompt is None or completion is None or total is None else (prompt, completion, total)


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@contract(
    "openai.created-unix",
    select=answers(KNOWN - {"azure"}),  # Azure's first chunk, of its content filter, says 0
    source=f"{COMPLETION}, created: Unix timestamp in seconds",
    subject=Subject.PROVIDER,
    breakers=("created-in-ms", "completion-created-text"),
)
def created_unix(answer: Answer, _recording: Recording) -> Findings:
    """`created` is a Unix time in seconds.

    Milliseconds, or a text, put the answer into the year 50000 or break the client.
    """
    for document, event in _documents(answer):
        created = document.get("created")
        if isinstance(created, bool) or not isinstance(created, int) or not _2015_S <= created < _2100_S:
            yield answer.violation(f"created is {created!r}.", event)
            return


@contract(
    "openai.id-form",
    select=answers(frozenset({"openai", "groq"})),
    source="OpenAI and Groq API references: the ids of their examples; every recorded answer of theirs",
    subject=Subject.PROVIDER,
    level=Level.SHOULD,
    breakers=("foreign-id",),
)
def id_form(answer: Answer, _recording: Recording) -> Findings:
    """OpenAI's ids are `chatcmpl-` and letters, digits or a UUID; Groq's are `chatcmpl-` and a UUID.

    Nothing should depend on it, and support desks ask for it all the same.
    """
    for document, event in _documents(answer):
        sent = document.get("id")
        if isinstance(sent, str) and not _ID[answer.promiser].fullmatch(sent):
            yield answer.violation(f"The id {sent!r} is not one of {answer.promiser}'s.", event)
            return


_ID = {
    "openai": re.compile(r"chatcmpl-[A-Za-z0-9-]+"),
    "groq": re.compile(r"chatcmpl-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
}


@contract(
    "openai.error-body",
    select=refusals(KNOWN - {"mistral"}),  # Mistral answers {"detail": ...} or an object without the envelope
    source=ERRORS,
    subject=Subject.PROVIDER,
    breakers=("error-text", "error-without-message"),
)
def error_body(answer: Answer, _recording: Recording) -> Findings:
    """A refusal's body is `{"error": {...}}` with a message in it.

    It is all that the caller has to go by.
    """
    error = read_error(answer.document)
    if error is None:
        yield answer.violation(f"The body of status {answer.status} is no error object.")
    elif not error.message:
        yield answer.violation(f"The error object of status {answer.status} has no message.")


@contract(
    "openai.error-fields",
    select=refusals(frozenset({"openai", "groq", "deepseek"})),
    source=f"{ERRORS}; Groq API reference, errors",
    subject=Subject.PROVIDER,
    breakers=("error-without-type",),
)
def error_fields(answer: Answer, _recording: Recording) -> Findings:
    """An error object has all its fields: message, type, param and code. Groq's have no param.

    Clients tell a quota from a rate limit by `type` and `code`, under one status. (Azure and others have less.)
    """
    error = answer.document.get("error") if isinstance(answer.document, dict) else None
    if not isinstance(error, dict):
        return
    lacking = [name for name in _FIELDS[answer.promiser] if name not in error]
    if lacking:
        yield answer.violation(f"The error object of status {answer.status} lacks {', '.join(lacking)}.")


_FIELDS = {
    "openai": ("type", "param", "code"),
    "deepseek": ("type", "param", "code"),
    "groq": ("type",),
}
"""Beside the message, which `openai.error-body` looks at."""


@contract(
    "openai.error-status",
    select=documents(OURS),  # OpenRouter documents errors under 200, once the model has begun
    source=ERRORS,
    subject=Subject.PROVIDER,
    breakers=("error-with-200",),
)
def error_status(answer: Answer, _recording: Recording) -> Findings:
    """An error object comes with an error status, never with 200.

    Clients look at the status first, and take a 200 for an answer.
    """
    if read_error(answer.document) is not None:
        yield answer.violation("An error object came with status 200.")
