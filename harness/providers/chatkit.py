"""The ChatKit beta's way to one answer: make a session, post a message, list the messages until an answer is there.

Source: OpenAI API reference (ChatKit sessions, beta); the message calls are a service's own account of them, as the
published clients do not have them. Readers take what comes; whether it was right is for the contracts to judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.core.case import find_tie
from harness.core.errors import DecodeError
from harness.core.recording import Json
from harness.framing import json

BETA_HEADER, BETA = "OpenAI-Beta", "chatkit_beta=v1"
CREATE, SEND, LIST = "chatkit.sessions.create", "chatkit.messages.create", "chatkit.messages.list"
CALLS = (CREATE, SEND, LIST)
"""The three calls, in the order in which they are made; the last is made again and again."""

ANSWER_BLOCKS = frozenset({"output_text", "text"})
"""The types of a block that holds an answer."""

SESSION_FIELDS = frozenset({"workflow", "user", "chatkit_configuration", "expires_after", "rate_limits"})
"""What a request for a session may hold."""

_SESSIONS = re.compile(r"/chatkit/sessions$")
_MESSAGES = re.compile(r"/chatkit/sessions/([^/]+)/messages$")


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A request for a session. ``unknown`` are fields that it must not have, in the order they came."""

    workflow: str
    user: str
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a message's content; ``text`` is empty where it has none."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a session."""

    id: str
    role: str
    content: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The texts of its blocks, joined by one space."""
        return " ".join(block.text for block in self.content)

    @property
    def answers(self) -> tuple[str, ...]:
        """The texts of its blocks that hold answers; none unless it is the assistant's."""
        if self.role != "assistant":
            return ()
        return tuple(block.text for block in self.content if block.type in ANSWER_BLOCKS)


def target(method: str, path: str) -> tuple[str, str | None] | None:
    """The call's name and the session that it is about; None where it is none of this protocol.

    ``path`` may have a query, a host, and whatever prefix the base URL has.
    """
    plain = urlsplit(path).path
    if _SESSIONS.search(plain):
        return (CREATE, None) if method == "POST" else None
    found = _MESSAGES.search(plain)
    if found is None or method not in ("POST", "GET"):
        return None
    return (SEND if method == "POST" else LIST), unquote(found[1])


def list_options(path: str) -> dict[str, str]:
    """The query of a list call: ``limit`` and ``order`` where they are given."""
    return dict(parse_qsl(urlsplit(path).query))


def decode_session_request(body: bytes) -> SessionRequest:
    """A request for a session.

    Raises:
        DecodeError: not a JSON object, or ``workflow.id`` or ``user`` is no text. ``where`` names the field.
    """
    data = _object(body)
    workflow = data.get("workflow")
    name = workflow.get("id") if isinstance(workflow, dict) else None
    if not isinstance(name, str) or not name:
        raise DecodeError("Missing required parameter: 'workflow.id'.", where="workflow.id")
    user = data.get("user")
    if not isinstance(user, str) or not user:
        raise DecodeError("Missing required parameter: 'user'.", where="user")
    return SessionRequest(name, user, tuple(field for field in data if field not in SESSION_FIELDS))


def decode_message(body: bytes) -> Message:
    """A message to post: the user's, with text in it.

    Raises:
        DecodeError: it is none. ``where`` names the field.
    """
    message = read_message(_object(body))
    if message is None or message.role != "user":
        raise DecodeError("Invalid value for 'role': a message to post is the user's.", where="role")
    if not any(block.type == "input_text" and block.text for block in message.content):
        raise DecodeError("Invalid value for 'content': a block of type input_text is needed.", where="content")
    return message


def decode_session(body: bytes) -> str:
    """The id of the session that was made.

    Raises:
        DecodeError: the answer has none.
    """
    name = _object(body).get("id")
    if not isinstance(name, str) or not name:
        raise DecodeError("the session has no id")
    return name


def decode_messages(body: bytes) -> tuple[Message, ...]:
    """The messages of a list, in its order; what is no message is left out.

    Raises:
        DecodeError: the answer is no list of messages.
    """
    data = _object(body).get("data")
    if not isinstance(data, list):
        raise DecodeError("the answer's 'data' is no list")
    return tuple(message for one in data if (message := read_message(one)) is not None)


def read_message(data: Json) -> Message | None:
    """One message in decoded JSON, or None."""
    if not isinstance(data, dict) or not isinstance(data.get("role"), str):
        return None
    content = data.get("content")
    blocks = content if isinstance(content, list) else []
    return Message(_text(data.get("id")), data["role"], tuple(_block(one) for one in blocks if isinstance(one, dict)))


def find_answer(messages: tuple[Message, ...]) -> str | None:
    """The text of the first answer in a list of messages: of the newest one where the list is in descending order."""
    return next((text for message in messages for text in message.answers), None)


def message_tie(body: bytes) -> str | None:
    """The tag in a message to post, whatever else is wrong with it."""
    return find_tie(body.decode("utf-8", "replace"))


def _block(data: dict[str, Json]) -> Block:
    return Block(_text(data.get("type")), _text(data.get("text")))


def _object(body: bytes) -> dict[str, Json]:
    data = json.lenient(body)
    if not isinstance(data, dict):
        raise DecodeError("not a JSON object")
    return data


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
