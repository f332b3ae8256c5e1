"""Requests for a stream: what is accepted, and the refusal of what is not, naming the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from harness.backend.bodies import BadBody, decode_json, storable
from harness.backend.gateway.tokens import TOKENS_MAX

from .errors import forbidden, invalid

ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Message:
    """Who said what."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for: what was said so far, the last of it by the user, and the model.

    ``estimated_tokens`` is the client's own estimate, where it has one.
    """

    messages: tuple[Message, ...]
    model: str
    estimated_tokens: int | None

    @property
    def characters(self) -> int:
        """The characters of all messages, joined by one space."""
        return sum(len(message.text) for message in self.messages) + len(self.messages) - 1


class ChatValidator:
    """Reads request bodies. Every refusal is a ChatError of 400 whose reason names the field, or the body.

    Fields that are not known are left alone. Of a field that comes twice the last one counts.
    """

    def read(self, raw: bytes, user_id: UUID) -> Ask:
        """The request in a body, sent by this user."""
        body = self.decode(raw)
        self.check_user(body, user_id)
        asked = self.listed(body, "messageHistory") if "messageHistory" in body else ()
        return Ask((*asked, *self.messages(body)), self.model(body), self.estimated_tokens(body))

    def decode(self, raw: bytes) -> dict[str, Any]:
        """The JSON object in a body."""
        try:
            body = decode_json(raw)
        except BadBody as wrong:
            raise invalid(str(wrong)) from None
        if not isinstance(body, dict):
            raise invalid("The body must be a JSON object.")
        return body

    def check_user(self, body: dict[str, Any], user_id: UUID) -> None:
        """A user that is named must be the token's."""
        named = body.get("userId")
        if named is not None and not isinstance(named, str):
            raise invalid("userId must be a text.")
        if named is not None and named.lower() != str(user_id):
            raise forbidden("userId is not the token's.")

    def messages(self, body: dict[str, Any]) -> tuple[Message, ...]:
        """``message``, or the list ``messages``: one of the two."""
        if ("message" in body) == ("messages" in body):
            raise invalid("Either message or messages is required, not both.")
        if "message" in body:
            return (Message("user", self.text(body["message"], "message")),)
        found = self.listed(body, "messages")
        if not found:
            raise invalid("messages must not be empty.")
        if found[-1].role != "user":
            raise invalid("messages must end with one of the user's.")
        return found

    def listed(self, body: dict[str, Any], name: str) -> tuple[Message, ...]:
        """A list of messages."""
        value = body[name]
        if not isinstance(value, list):
            raise invalid(f"{name} must be a list of messages.")
        return tuple(self.message(one, f"{name}[{index}]") for index, one in enumerate(value))

    def message(self, value: Any, where: str) -> Message:
        """``{"role", "content": text or [{"text"}]}``."""
        if not isinstance(value, dict):
            raise invalid(f"{where} must be an object.")
        role, content = value.get("role"), value.get("content")
        if role not in ROLES:
            raise invalid(f"{where}.role must be one of {', '.join(ROLES)}.")
        if not isinstance(content, list):
            return Message(role, self.text(content, f"{where}.content"))
        blocks = [one.get("text") if isinstance(one, dict) else None for one in content]
        texts = [self.text(text, f"{where}.content[{index}].text") for index, text in enumerate(blocks)]
        if not texts:
            raise invalid(f"{where}.content must not be empty.")
        return Message(role, "".join(texts))

    def text(self, value: Any, where: str) -> str:
        """A text that says something, and that every wire takes."""
        if not isinstance(value, str):
            raise invalid(f"{where} is required and must be a text.")
        if not value.strip():
            raise invalid(f"{where} must not be empty.")
        if not storable(value):
            raise invalid(f"{where} holds a NUL character or half of a surrogate pair.")
        return value

    def model(self, body: dict[str, Any]) -> str:
        """The name of the model."""
        name = body.get("modelId")
        if not isinstance(name, str) or not name:
            raise invalid("modelId is required and must be the name of a model.")
        return name

    def estimated_tokens(self, body: dict[str, Any]) -> int | None:
        """The client's estimate, where it has one."""
        if body.get("estimatedTokens") is None:
            return None
        found = body["estimatedTokens"]
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= TOKENS_MAX:
            raise invalid(f"estimatedTokens must be a whole number from 1 to {TOKENS_MAX}.")
        return found
