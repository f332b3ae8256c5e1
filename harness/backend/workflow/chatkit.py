"""The calls of ChatKit that a plan takes, by OpenAI's own client library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import NoneType
from typing import Any
from urllib.parse import quote

from openai import AsyncOpenAI

from harness.backend.clients import ProviderClients
from harness.backend.dialects.openai import translated
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, UpstreamError

BETA: Mapping[str, str] = {"OpenAI-Beta": "chatkit_beta=v1"}
LIST_OPTIONS: Mapping[str, object] = {"limit": 50, "order": "desc"}


class ChatKit:
    """Sessions and their messages. The library has the first call; the others are made with its client.

    Every method raises UpstreamError.
    """

    def __init__(self, clients: ProviderClients, provider: Provider, workflow_id: str) -> None:
        self._clients = clients
        self._provider = provider
        self._workflow_id = workflow_id

    async def create_session(self, user: str) -> str:
        """The id of a new session of the workflow, for a user."""
        with translated(streaming=False):
            answer = await self.client().beta.chatkit.sessions.with_raw_response.create(
                user=user, workflow={"id": self._workflow_id}, extra_headers=self.headers(), extra_body=self.extra()
            )
            session = _json(answer.headers.get("content-type", ""), answer.content)
        name = session.get("id")
        if not isinstance(name, str) or not name:
            raise UpstreamError(Kind.INVALID, "the provider's session has no id")
        return name

    async def send(self, session_id: str, text: str) -> None:
        """Post a message of the user's. That it was taken is all that the answer says, whatever is in it."""
        body = {"role": "user", "content": [{"type": "input_text", "text": text}]}
        with translated(streaming=False):
            await self.client().post(
                self.path(session_id), cast_to=NoneType, body=body, options={"headers": self.headers()}
            )

    async def messages(self, session_id: str) -> list[Mapping[str, Any]]:
        """The session's messages, the newest first."""
        with translated(streaming=False):
            answer = await self.client().get(
                self.path(session_id),
                cast_to=object,
                options={"headers": self.headers(), "params": self.list_options()},
            )
        found = _object(answer).get("data")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise UpstreamError(Kind.INVALID, "the provider's messages are not a list of objects")
        return found

    def client(self) -> AsyncOpenAI:
        """The library's client."""
        return self._clients.client(self._provider)

    def headers(self) -> Mapping[str, str]:
        """What every call says beside its key."""
        return BETA

    def extra(self) -> dict[str, object] | None:
        """What a request for a session holds that the library does not know: nothing."""
        return None

    def list_options(self) -> Mapping[str, object]:
        """Which messages a poll asks for."""
        return LIST_OPTIONS

    def path(self, session_id: str) -> str:
        """Where a session's messages are."""
        return f"/chatkit/sessions/{quote(session_id, safe='')}/messages"


def _json(label: str, content: bytes) -> dict[str, Any]:
    """The object in an answer that is labelled JSON. Raises UpstreamError and ValueError."""
    if not label.partition(";")[0].strip().lower().endswith("json"):
        raise UpstreamError(Kind.INVALID, "the provider's answer is not labelled JSON")
    return _object(json.loads(content))


def _object(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise UpstreamError(Kind.INVALID, "the provider's answer is not a JSON object")
    return answer
