"""What Amazon Bedrock's runtime promises of the plain answers of ``invoke``, which have the form of the model's family.

Claude's are messages, with Anthropic's own promises; of a family that is not known, and of embeddings, only what holds
for all is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.core.recording import Json, Recording
from harness.core.verdict import Subject
from harness.providers.bedrock import Family

from .provider_bedrock import STOP_REASONS
from .provider_invocations import INPUT_COUNT, OUTPUT_COUNT, Invocation, invoked
from .registry import Findings, contract

GUIDE = "Amazon Bedrock user guide, inference request parameters and response fields"
TITAN_REASONS = frozenset(
    {"FINISH", "FINISHED", "LENGTH", "STOP_CRITERIA_MET", "RAG_QUERY_WHEN_RAG_DISABLED", "CONTENT_FILTERED"}
)
"""``FINISH`` is what its endpoint says for the documented ``FINISHED``."""
LLAMA_REASONS = frozenset({"stop", "length", "max_tokens"})
"""The last is what endpoints of Llama 3.3 say for the documented ``length``."""
REASONS: Mapping[Family, frozenset[str]] = MappingProxyType(
    {Family.NOVA: STOP_REASONS, Family.TITAN: TITAN_REASONS, Family.LLAMA: LLAMA_REASONS}
)


@contract(
    "bedrock.invoke-object",
    select=invoked(),
    source="Amazon Bedrock API reference, InvokeModel: the body in the format of the model's response",
    subject=Subject.PROVIDER,
    breakers=("bedrock-invoke-text",),
)
def invoke_object(answer: Invocation, _recording: Recording) -> Findings:
    """A plain answer to `invoke` is one JSON object, whatever the model makes: words or embeddings."""
    if not isinstance(answer.document, dict):
        yield answer.violation("The answer is no JSON object.")


@contract(
    "bedrock.invoke-answer",
    select=invoked(Family.NOVA, Family.TITAN, Family.LLAMA),
    source=f"{GUIDE}: Nova, Titan text, Llama",
    subject=Subject.PROVIDER,
    breakers=("bedrock-invoke-nova-no-message", "bedrock-invoke-titan-no-words", "bedrock-invoke-llama-no-words"),
)
def invoke_answer(answer: Invocation, _recording: Recording) -> Findings:
    """An answer has its words where its family has them.

    Nova's are in `output.message.content`, Titan's in `results[].outputText`, Llama's in `generation`: every client of
    the family reads them there.
    """
    document = answer.document
    if isinstance(document, dict) and answer.family is not None and not _answers(answer.family, document):
        yield answer.violation(f"The answer has no words in the form of {answer.family.capitalize()}.")


def _answers(family: Family, document: dict[str, Json]) -> bool:
    if family is Family.LLAMA:
        return isinstance(document.get("generation"), str)
    if family is Family.TITAN:
        results = _list(document.get("results"))
        return bool(results) and all(isinstance(_dict(one).get("outputText"), str) for one in results)
    message = _dict(_dict(document.get("output")).get("message"))
    return message.get("role") == "assistant" and isinstance(message.get("content"), list)


@contract(
    "bedrock.invoke-stop-reason",
    select=invoked(*REASONS),
    source=f"{GUIDE}: stopReason, completionReason, stop_reason",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-invoke-nova-unknown-stop",
        "bedrock-invoke-titan-unknown-stop",
        "bedrock-invoke-llama-no-stop",
    ),
)
def invoke_stop_reason(answer: Invocation, _recording: Recording) -> Findings:
    """An answer says why it stopped, in the words of its family: clients tell by it whether it is whole."""
    if not isinstance(answer.document, dict) or answer.family is None:
        return
    for reason in _reasons(answer.family, answer.document):
        if reason not in REASONS[answer.family]:
            yield answer.violation(f"The answer stops for the reason {reason!r}.")


def _reasons(family: Family, document: dict[str, Json]) -> list[Json]:
    if family is Family.TITAN:
        return [_dict(one).get("completionReason") for one in _list(document.get("results"))]
    return [document.get("stopReason" if family is Family.NOVA else "stop_reason")]


@contract(
    "bedrock.invoke-usage",
    select=invoked(*REASONS),
    source=f"{GUIDE}: token counts in the body; InvokeModel, response headers {INPUT_COUNT} and {OUTPUT_COUNT}",
    subject=Subject.PROVIDER,
    breakers=(
        "bedrock-invoke-nova-usage-negative",
        "bedrock-invoke-nova-usage-off-by-one",
        "bedrock-invoke-titan-no-count",
        "bedrock-invoke-llama-count-text",
        "bedrock-invoke-llama-count-differs",
    ),
)
def invoke_usage(answer: Invocation, _recording: Recording) -> Findings:
    """The tokens in and out are whole numbers from 0 up, and the same in the answer's head and in its body.

    Bills are made of either. Nova's total is the sum of its parts.
    """
    if not isinstance(answer.document, dict) or answer.family is None:
        return
    for name, count in zip((INPUT_COUNT, OUTPUT_COUNT), _counts(answer.family, answer.document), strict=True):
        headed = answer.header(name)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            yield answer.violation(f"The answer's count is {count!r} where {name} is meant, no whole number from 0 up.")
        elif headed is not None and headed != str(count):
            yield answer.violation(f"{name} is {headed}, and the body counts {count}.")
    if answer.family is Family.NOVA and not _adds_up(_dict(answer.document.get("usage"))):
        yield answer.violation("The total is not the sum of its parts.")


def _counts(family: Family, document: dict[str, Json]) -> tuple[Json, Json]:
    """Tokens in and out, as the body has them."""
    if family is Family.TITAN:
        made = [_dict(one).get("tokenCount") for one in _list(document.get("results"))]
        return document.get("inputTextTokenCount"), made[0] if len(made) == 1 else None
    if family is Family.LLAMA:
        return document.get("prompt_token_count"), document.get("generation_token_count")
    usage = _dict(document.get("usage"))
    return usage.get("inputTokens"), usage.get("outputTokens")


def _adds_up(usage: dict[str, Json]) -> bool:
    """Whether Nova's total is that of its parts, what was read from a cache or written to one among them or not."""
    total, given, made = (usage.get(name) for name in ("totalTokens", "inputTokens", "outputTokens"))
    if total is None or not isinstance(given, int) or not isinstance(made, int):
        return True
    cached = sum(usage.get(name) or 0 for name in ("cacheReadInputTokenCount", "cacheWriteInputTokenCount"))
    return total in (given + made, given + made + cached)


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
