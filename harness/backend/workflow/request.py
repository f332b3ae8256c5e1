"""Requests for a plan: what is accepted, and the refusal of what is not, naming the field."""

from __future__ import annotations

from typing import Any

from harness.backend.bodies import BadBody, decode_json

from .errors import invalid
from .plan import Ask


class PlanValidator:
    """Reads request bodies. Every refusal is a PlanError of 400 whose message names the field, or the body.

    A profile has fields, questionnaires are a list of objects; a context is whatever the client has to say beside them,
    a text as well as an object. Fields that are not known are left alone, and go no further.
    """

    def read(self, raw: bytes) -> Ask:
        """The request in a body."""
        body = self.decode(raw)
        if not isinstance(body, dict):
            raise invalid("The body must be a JSON object with user_profile, questionnaires and context.")
        return Ask(self.an_object(body, "user_profile"), self.questionnaires(body), self.anything(body, "context"))

    def decode(self, raw: bytes) -> Any:
        """The JSON value in a body."""
        try:
            return decode_json(raw)
        except BadBody as wrong:
            raise invalid(str(wrong)) from None

    def an_object(self, body: dict[str, Any], field: str) -> dict[str, Any]:
        """A field that must be an object."""
        value = body.get(field)
        if not isinstance(value, dict):
            raise invalid(f"{field} is required and must be an object.", field)
        return value

    def anything(self, body: dict[str, Any], field: str) -> Any:
        """A field that must be there, and not null."""
        value = body.get(field)
        if value is None:
            raise invalid(f"{field} is required.", field)
        return value

    def questionnaires(self, body: dict[str, Any]) -> list[Any]:
        """The questionnaires, none or more, each an object."""
        found = body.get("questionnaires")
        if not isinstance(found, list):
            raise invalid("questionnaires is required and must be a list.", "questionnaires")
        if not all(isinstance(one, dict) for one in found):
            raise invalid("questionnaires must be a list of objects.", "questionnaires")
        return found
