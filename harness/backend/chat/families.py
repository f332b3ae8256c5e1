"""Bodies by model family: what Bedrock is asked, and what the chunks of its streams say.

Source: the Amazon Bedrock user guide, inference request parameters and response fields of Amazon Nova, Amazon Titan
Text and Meta Llama. Nova's chunks are the events of a Converse stream; the last chunk of any family carries the
metrics of the invocation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.backend.upstream import Kind, UpstreamError

from .request import Ask

OUTPUT_TOKENS = 2000
TEMPERATURE = 0.7
TOP_P = 0.9
METRICS = "amazon-bedrock-invocationMetrics"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk says. ``stopped``: the model has finished; ``last``: nothing comes after this."""

    text: str = ""
    stopped: bool = False
    last: bool = False
    usage: tuple[Any, Any] | None = None


class Family:
    """One family's way of asking and answering."""

    def body(self, ask: Ask) -> dict[str, Any]:
        """What a model is asked."""
        raise NotImplementedError

    def says(self, chunk: Mapping[str, Any]) -> tuple[str, bool, tuple[Any, Any] | None]:
        """Text, whether it is the model's end, and input and output tokens where they are given."""
        raise NotImplementedError

    def piece(self, chunk: Mapping[str, Any]) -> Piece:
        """What a chunk says. Raises UpstreamError where it is none."""
        text, stopped, usage = self.says(chunk)
        if not isinstance(text, str):
            raise UpstreamError(Kind.INVALID, "a chunk of the provider's has a text that is none")
        metrics = chunk.get(METRICS)
        if isinstance(metrics, dict):
            usage = (metrics.get("inputTokenCount"), metrics.get("outputTokenCount"))
        return Piece(text, stopped, METRICS in chunk, usage)


class Nova(Family):
    """Amazon Nova."""

    def body(self, ask: Ask) -> dict[str, Any]:
        """Messages of blocks, and the inference configuration."""
        messages = [{"role": one.role, "content": [{"text": one.text}]} for one in ask.messages]
        config = {"max_new_tokens": OUTPUT_TOKENS, "temperature": TEMPERATURE, "top_p": TOP_P}
        return {"inferenceConfig": config, "messages": messages}

    def says(self, chunk: Mapping[str, Any]) -> tuple[str, bool, tuple[Any, Any] | None]:
        """A Converse event, by its name."""
        delta = _object(_object(chunk.get("contentBlockDelta")).get("delta"))
        usage = _object(_object(chunk.get("metadata")).get("usage"))
        stopped = "stopReason" in _object(chunk.get("messageStop"))
        return delta.get("text", ""), stopped, (usage.get("inputTokens"), usage.get("outputTokens")) if usage else None


class Titan(Family):
    """Amazon Titan text, which reads one text: a dialogue with the speakers' names."""

    def body(self, ask: Ask) -> dict[str, Any]:
        """The dialogue, and the configuration."""
        config = {"maxTokenCount": OUTPUT_TOKENS, "temperature": TEMPERATURE, "topP": TOP_P}
        return {"inputText": self.dialogue(ask), "textGenerationConfig": config}

    def dialogue(self, ask: Ask) -> str:
        """One line for each message, and the bot's turn."""
        names = {"user": "User", "assistant": "Bot"}
        return "".join(f"{names[one.role]}: {one.text}\n" for one in ask.messages) + "Bot:"

    def says(self, chunk: Mapping[str, Any]) -> tuple[str, bool, tuple[Any, Any] | None]:
        """``outputText`` and ``completionReason``."""
        usage = (chunk.get("inputTextTokenCount"), chunk.get("totalOutputTextTokenCount"))
        return chunk.get("outputText") or "", chunk.get("completionReason") is not None, usage if all(usage) else None


class Llama(Family):
    """Meta Llama 3, whose chat template is the caller's to write."""

    def body(self, ask: Ask) -> dict[str, Any]:
        """The prompt, and the parameters beside it."""
        return {
            "prompt": self.prompt(ask),
            "max_gen_len": OUTPUT_TOKENS,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
        }

    def prompt(self, ask: Ask) -> str:
        """The template of Llama 3, with the assistant's turn open."""
        turns = "".join(f"{self.header(one.role)}{one.text}<|eot_id|>" for one in ask.messages)
        return f"<|begin_of_text|>{turns}{self.header('assistant')}"

    def header(self, role: str) -> str:
        """What stands before a turn."""
        return f"<|start_header_id|>{role}<|end_header_id|>\n\n"

    def says(self, chunk: Mapping[str, Any]) -> tuple[str, bool, tuple[Any, Any] | None]:
        """``generation`` and ``stop_reason``."""
        usage = (chunk.get("prompt_token_count"), chunk.get("generation_token_count"))
        return chunk.get("generation") or "", chunk.get("stop_reason") is not None, usage if all(usage) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
