"""Requests for a run: what is accepted, and the refusal of what is not, naming the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.backend.bodies import BadBody, decode_json, storable

from .errors import invalid


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for: the input, trimmed, and the model's name where one was given."""

    input: str
    model: str | None


class RunValidator:
    """Reads request bodies. Every refusal is a RunError of 400 whose message names the field, or the body.

    Fields that are not known are left alone. Of a field that comes twice the last one counts. Trimmed is what Unicode
    calls white space.
    """

    def read(self, raw: bytes) -> Ask:
        """The request in a body."""
        body = self.decode(raw)
        if not isinstance(body, dict):
            raise invalid("The body must be a JSON object with the field input.")
        return Ask(self.input(body), self.model(body))

    def decode(self, raw: bytes) -> Any:
        """The JSON value in a body."""
        try:
            return decode_json(raw)
        except BadBody as wrong:
            raise invalid(str(wrong)) from None

    def input(self, body: dict[str, Any]) -> str:
        """The text to answer."""
        text = body.get("input")
        if not isinstance(text, str):
            raise invalid("input is required and must be a text.")
        if not text.strip():
            raise invalid("input must not be empty.")
        if not storable(text):
            raise invalid("input holds a NUL character or half of a surrogate pair.")
        return self.trimmed(text)

    def trimmed(self, text: str) -> str:
        """The text without the white space around it."""
        return text.strip()

    def model(self, body: dict[str, Any]) -> str | None:
        """The name of the model, where there is one."""
        if "model" not in body:
            return None
        name = body["model"]
        if not isinstance(name, str):
            raise invalid("model must be a text, the name of a model.")
        return name
