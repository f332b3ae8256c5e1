"""What Google promises of Gemini's answers and refusals, whole or streamed."""

from __future__ import annotations

import re

from harness.core.recording import Json, Recording
from harness.core.verdict import Level, Subject
from harness.providers.gemini import is_count, read_error

from .provider_generations import Generation, answers, plain, refusals
from .registry import Findings, contract

RESPONSE = "Gemini API and Vertex AI reference, GenerateContentResponse"
CODES = "google.rpc.Code, the canonical codes and their HTTP statuses"
ERRORS = "Google API design guide (AIP-193), errors over HTTP; google.rpc.Status"

STATUSES = {
    400: {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"},
    401: {"UNAUTHENTICATED"},
    403: {"PERMISSION_DENIED"},
    404: {"NOT_FOUND"},
    409: {"ALREADY_EXISTS", "ABORTED"},
    429: {"RESOURCE_EXHAUSTED"},
    499: {"CANCELLED"},
    500: {"UNKNOWN", "INTERNAL", "DATA_LOSS"},
    501: {"UNIMPLEMENTED"},
    503: {"UNAVAILABLE"},
    504: {"DEADLINE_EXCEEDED"},
}
"""HTTP status and the canonical names that go with it."""

_WORD = re.compile(r"[A-Z][A-Z0-9_]*")
_PARTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
_ALWAYS = ("promptTokenCount", "totalTokenCount")


@contract(
    "gemini.answer-object",
    select=plain(),
    source=f"{RESPONSE}: candidates, promptFeedback",
    subject=Subject.PROVIDER,
    breakers=("gemini-answer-text", "gemini-no-candidates"),
)
def answer_object(answer: Generation, _recording: Recording) -> Findings:
    """A plain answer is a JSON object with candidates, or says why the prompt was refused.

    Every client reads `candidates[0]`; an answer with neither has nothing to be shown, and no reason.
    """
    document = answer.document
    if not isinstance(document, dict):
        yield answer.violation("The answer is no JSON object.")
        return
    feedback = document.get("promptFeedback")
    blocked = isinstance(feedback, dict) and feedback.get("blockReason")
    if not blocked and not _candidates(document):
        yield answer.violation("The answer has no candidates, and the prompt was not refused.")


@contract(
    "gemini.content-of-model",
    select=answers(),
    source=f"{RESPONSE}; Content: role, parts",
    subject=Subject.PROVIDER,
    breakers=("gemini-role-assistant", "gemini-parts-text", "gemini-stream-parts-text"),
)
def content_of_model(answer: Generation, _recording: Recording) -> Findings:
    """A candidate's content is the model's, and its parts are a list of objects.

    Clients put it into the next request as it is, where any other role is refused. A candidate that was stopped may
    have no content, and a content no parts.
    """
    for holder, event in answer.parts():
        for candidate in _candidates(holder):
            content = candidate.get("content", {})
            if not isinstance(content, dict):
                yield answer.violation("A candidate's content is no object.", event)
                continue
            if content.get("role", "model") != "model":
                yield answer.violation(f"A candidate's content is of the role {content['role']!r}.", event)
            parts = content.get("parts", [])
            if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
                yield answer.violation("The parts of a candidate's content are no list of objects.", event)


@contract(
    "gemini.finish-reason",
    select=answers(),
    source=f"{RESPONSE}; Candidate.finishReason",
    subject=Subject.PROVIDER,
    breakers=("gemini-finish-lower-case", "gemini-no-finish", "gemini-stream-finish-lower-case"),
)
def finish_reason(answer: Generation, _recording: Recording) -> Findings:
    """A candidate of a plain answer says why it ended, and any reason is a name of the enumeration.

    Clients branch on it: a limit hit, a safety stop. Names are upper case; who asks for numbers gets its number.
    """
    for holder, event in answer.parts():
        for candidate in _candidates(holder):
            reason = candidate.get("finishReason")
            if reason is None and event is None:
                yield answer.violation("A candidate does not say why it ended.")
            elif reason is not None and not _is_reason(reason):
                yield answer.violation(f"A candidate ended for the reason {reason!r}.", event)


@contract(
    "gemini.usage",
    select=answers(whole=True),
    source=f"{RESPONSE}: usageMetadata",
    level=Level.SHOULD,
    subject=Subject.PROVIDER,
    breakers=("gemini-no-usage", "gemini-stream-no-usage"),
)
def usage(answer: Generation, _recording: Recording) -> Findings:
    """A whole answer says how many tokens the prompt had, and how many there were in all.

    Who bills by tokens has only an estimate otherwise. The reference has the field without calling it required.
    """
    sent = answer.usage if isinstance(answer.usage, dict) else {}
    lacking = [name for name in _ALWAYS if name not in sent]
    if lacking and any(answer.parts()):
        yield answer.violation(f"The answer has no {' and no '.join(lacking)}.")


@contract(
    "gemini.usage-adds-up",
    select=answers(whole=True),
    source=f"{RESPONSE}; UsageMetadata: totalTokenCount",
    subject=Subject.PROVIDER,
    breakers=("gemini-usage-off-by-one", "gemini-usage-negative", "gemini-stream-usage-off-by-one"),
)
def usage_adds_up(answer: Generation, _recording: Recording) -> Findings:
    """Token counts are whole numbers from 0 up, and the total is the sum of prompt, tools, thoughts and text.

    Bills are made of them. Where thoughts are counted, Vertex AI was seen to count one token of theirs and of the
    text together, so the total may be one less.
    """
    sent = answer.usage
    if not isinstance(sent, dict) or "totalTokenCount" not in sent:
        return
    counts = {name: sent[name] for name in (*_PARTS, "totalTokenCount") if name in sent}
    wrong = [name for name, count in counts.items() if not is_count(count)]
    if wrong:
        yield answer.violation(f"{wrong[0]} is {counts[wrong[0]]!r}, no whole number from 0 up.")
        return
    total = counts.pop("totalTokenCount")
    least = sum(counts.values()) - ("thoughtsTokenCount" in counts)
    if not least <= total <= sum(counts.values()):
        yield answer.violation(f"The counts make {sum(counts.values())} tokens, and are said to make {total}.")


@contract(
    "gemini.error-object",
    select=refusals(),
    source=ERRORS,
    subject=Subject.PROVIDER,
    breakers=("gemini-error-text", "gemini-error-without-message", "gemini-error-other-code"),
)
def error_object(answer: Generation, _recording: Recording) -> Findings:
    """A refusal's body is plain JSON with a message and the HTTP status as its code, whatever it is labelled.

    On the streaming call it is labelled `text/event-stream` and is no event stream: who parses events sees nothing.
    """
    error = read_error(answer.document)
    if error is None or not error.message:
        yield answer.violation(f"The body of status {answer.status} has no error with a message.")
    elif error.code != answer.status:
        yield answer.violation(f"The body of status {answer.status} says {error.code}.")


@contract(
    "gemini.error-status",
    select=refusals(),
    source=CODES,
    subject=Subject.PROVIDER,
    breakers=("gemini-error-no-status", "gemini-error-other-status"),
)
def error_status(answer: Generation, _recording: Recording) -> Findings:
    """A refusal names its canonical code, one of those that go with its HTTP status.

    Clients tell an exhausted quota from a wrong request by it.
    """
    error = read_error(answer.document)
    known = STATUSES.get(answer.status)
    if error is not None and known is not None and error.status not in known:
        yield answer.violation(f"The body of status {answer.status} calls it {error.status!r}.")


def _candidates(holder: dict[str, Json]) -> list[dict[str, Json]]:
    """The candidates of an answer or a chunk that are objects."""
    found = holder.get("candidates")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_reason(reason: Json) -> bool:
    if isinstance(reason, str):
        return _WORD.fullmatch(reason) is not None
    return isinstance(reason, int) and not isinstance(reason, bool)
