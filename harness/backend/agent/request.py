"""Requests of the agent: the gateway's chat completions with a session, and sessions themselves."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from harness.backend.bodies import storable
from harness.backend.gateway.errors import invalid
from harness.backend.gateway.request import Ask, Validator

from .call import AgentAsk
from .ids import SessionIds

USER_ID_CHARACTERS = 256


class AgentValidator(Validator):
    """Reads request bodies. Every refusal is a GatewayError of 400 whose ``param`` names the field."""

    def __init__(self, ids: SessionIds) -> None:
        self.ids = ids

    def ask(self, body: dict[str, Any]) -> AgentAsk:
        """A chat, and the session that it names."""
        ask = super().ask(body)
        given = body.get("session_id")
        last = body["messages"][-1]
        return AgentAsk(
            **{one.name: getattr(ask, one.name) for one in fields(Ask)},
            session_id=self.session_id(given),
            may_create=given is None or self.ids.old_style(given),
            said=(last["role"], self.message_text(last, "messages")),
        )

    def check_texts(self, body: dict[str, Any]) -> None:
        """As at the gateway; an id with such a text in it is none, and that is what is said of it."""
        self.session_id(body.get("session_id"))
        super().check_texts(body)

    def session_id(self, given: object) -> UUID | None:
        """The session that a chat names; None where it names none."""
        return None if given is None else self.ids.read(given)

    def user_id(self, raw: bytes) -> str | None:
        """Who a new session is for, by the body of the request for it; no body is as good as an empty object."""
        body = self.decode(raw) if raw else {}
        if not isinstance(body, dict):
            raise invalid("body", "The body must be a JSON object.")
        given = body.get("user_id")
        if given is None:
            return None
        if not isinstance(given, str) or not 1 <= len(given) <= USER_ID_CHARACTERS or not storable(given):
            raise invalid("user_id", f"user_id must be a text of 1 to {USER_ID_CHARACTERS} characters, without NUL.")
        return given
