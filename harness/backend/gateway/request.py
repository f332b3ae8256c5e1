"""Requests for a chat completion: what is accepted, and the refusal of what is not, naming the field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.backend.bodies import BadBody, decode_json, storable

from .errors import invalid

DEPTH_MAX = 64
OUTPUT_TOKENS_DEFAULT = 1_000
OUTPUT_TOKENS_MAX = 1_000_000
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})

PASSED_ON = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
"""Fields that the provider gets as they came. What would change the price or keep the words is not among them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that can be sent. ``prompt`` is the text of its messages joined by one space."""

    model: str
    stream: bool
    include_usage: bool
    output_limit: int
    prompt: str
    body: dict[str, Any]


class Validator:
    """Reads request bodies. Every refusal is a GatewayError of 400 whose ``param`` names the field."""

    def read(self, raw: bytes) -> Ask:
        """The request in a body. Fields that are not known are accepted and go no further."""
        body = self.decode(raw)
        if not isinstance(body, dict):
            raise invalid("body", "The body must be a JSON object.")
        self.check_texts(body)
        return self.ask(body)

    def ask(self, body: dict[str, Any]) -> Ask:
        """The request that a JSON object makes, whose texts can be sent."""
        model = self.model(body)
        texts = self.texts(body)
        stream = self.flag(body, "stream")
        self.one_choice(body)
        return Ask(
            model=model,
            stream=stream,
            include_usage=stream and self.include_usage(body),
            output_limit=self.output_limit(body),
            prompt=" ".join(texts),
            body={name: value for name, value in body.items() if name in PASSED_ON},
        )

    def decode(self, raw: bytes) -> Any:
        """The JSON value in a body."""
        try:
            return decode_json(raw)
        except BadBody as wrong:
            raise invalid("body", str(wrong)) from None

    def check_texts(self, body: dict[str, Any]) -> None:
        """Refuse what no provider can be sent: NUL, half a surrogate pair, nesting beyond reason."""
        for name, value in body.items():
            field = name if name in PASSED_ON else "body"
            for text in _texts_in(name, value, field):
                if not storable(text):
                    raise invalid(field, "A text holds a NUL character or half of a surrogate pair.")

    def model(self, body: dict[str, Any]) -> str:
        """The name of the model."""
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise invalid("model", "model must be the name of a model.")
        return model

    def texts(self, body: dict[str, Any]) -> list[str]:
        """The text of each message."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise invalid("messages", "messages must be a list of at least one message.")
        return [self.message_text(message, f"messages[{index}]") for index, message in enumerate(messages)]

    def message_text(self, message: Any, where: str) -> str:
        """The text of one message: its content, or the text parts of it, one after the other."""
        if not isinstance(message, dict):
            raise invalid(where, f"{where} must be an object.")
        if not isinstance(message.get("role"), str) or message["role"] not in ROLES:
            raise invalid(f"{where}.role", f"{where}.role must be one of {', '.join(sorted(ROLES))}.")
        content = message.get("content")
        if content is None and message["role"] == "assistant":
            return ""  # it called tools, or refused
        if isinstance(content, str):
            return content
        if not isinstance(content, list) or not content:
            raise invalid(f"{where}.content", f"{where}.content must be a text or a list of parts.")
        return "".join(self.part_text(part, f"{where}.content[{n}]") for n, part in enumerate(content))

    def part_text(self, part: Any, where: str) -> str:
        """The text of a content part; parts of other kinds have none."""
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise invalid(where, f"{where} must be an object with a type.")
        if part["type"] != "text":
            return ""
        if not isinstance(part.get("text"), str):
            raise invalid(f"{where}.text", f"{where}.text must be a text.")
        text: str = part["text"]
        return text

    def include_usage(self, body: dict[str, Any]) -> bool:
        """Whether the stream is to end with its usage."""
        options = body.get("stream_options")
        if options is None:
            return False
        if not isinstance(options, dict):
            raise invalid("stream_options", "stream_options must be an object.")
        return self.flag(options, "include_usage", "stream_options.include_usage")

    def flag(self, values: dict[str, Any], name: str, where: str | None = None) -> bool:
        """A field that is true or false; absent and null are false."""
        value = values.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(where or name, f"{where or name} must be true or false.")
        return bool(value)

    def one_choice(self, body: dict[str, Any]) -> None:
        """Only one answer is given to a request."""
        n = body.get("n")
        if n is not None and (isinstance(n, bool) or n != 1):
            raise invalid("n", "n must be 1.")

    def output_limit(self, body: dict[str, Any]) -> int:
        """max_tokens or max_completion_tokens, the larger where both are given; 1,000 where neither is."""
        limits = [self.limit(body[name], name) for name in _LIMITS if body.get(name) is not None]
        return max(limits, default=OUTPUT_TOKENS_DEFAULT)

    def limit(self, value: Any, name: str) -> int:
        """A limit in tokens."""
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= OUTPUT_TOKENS_MAX:
            raise invalid(name, f"{name} must be a whole number from 1 to {OUTPUT_TOKENS_MAX}.")
        return value


_LIMITS = ("max_tokens", "max_completion_tokens")


def _texts_in(name: str, value: Any, field: str) -> Iterator[str]:
    """Every text in a JSON value, keys included, without recursion."""
    yield name
    waiting = [(value, 1)]
    while waiting:
        inner, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise invalid(field, f"{field} is nested more than {DEPTH_MAX} levels deep.")
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, list):
            waiting.extend((item, depth + 1) for item in inner)
        elif isinstance(inner, dict):
            yield from inner
            waiting.extend((item, depth + 1) for item in inner.values())
