"""Ways to break a healthy answer of ChatKit's, one at a time: the proof that its contracts can fail.

A mutation takes the body of a healthy answer to its call and gives it back with one thing wrong. Pure: the same body,
the same result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.core.recording import Json

from .chatkit import CREATE, LIST, SEND

REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to be wrong. ``call`` is whose healthy answer it breaks, ``refusal`` for an error's."""

    id: str
    call: str
    change: Callable[[bytes], bytes]

    def __call__(self, body: bytes) -> bytes:
        """The body with one thing wrong."""
        return self.change(body)


_REGISTRY: dict[str, Mutation] = {}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType(_REGISTRY)
"""Every mutation by its id."""


def _add(id_: str, call: str, change: Callable[[bytes], bytes]) -> None:
    _REGISTRY[f"chatkit-{id_}"] = Mutation(f"chatkit-{id_}", call, change)


def _edit(id_: str, call: str, edit: Callable[[Json], object]) -> None:
    """Register a change to a JSON document, made in place."""

    def change(body: bytes) -> bytes:
        document = json.loads(body)
        edit(document)
        return json.dumps(document).encode()

    _add(id_, call, change)


def _set(*path: str | int, to: Json) -> Callable[[Json], object]:
    def edit(document: Json) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return edit


def _text(_body: bytes) -> bytes:
    return b"upstream says hello"


_add("session-text", CREATE, _text)
_edit("no-id", CREATE, lambda session: session.pop("id"))
_edit("other-object", CREATE, _set("object", to="session"))
_edit("unknown-status", CREATE, _set("status", to="fine"))
_edit("other-user", CREATE, _set("user", to="somebody-else"))
_edit("other-workflow", CREATE, _set("workflow", "id", to="wf_another"))
_edit("no-secret", CREATE, lambda session: session.pop("client_secret"))
_edit("expiry-text", CREATE, _set("expires_at", to="in ten minutes"))

_add("post-text", SEND, _text)
_edit("post-of-assistant", SEND, _set("role", to="assistant"))
_edit("post-other-text", SEND, _set("content", 0, "text", to="something else"))

_add("list-text", LIST, _text)
_edit("data-object", LIST, _set("data", to={}))
_edit("message-without-role", LIST, lambda listed: listed["data"][0].pop("role"))
_edit("content-text", LIST, _set("data", 0, "content", to="a text"))
_edit("answer-empty", LIST, _set("data", 0, "content", 0, "text", to=""))
_edit("page-too-long", LIST, lambda listed: listed["data"].__setitem__(slice(1, 1), _copies(listed["data"][0], 60)))
_edit("first-id-wrong", LIST, _set("first_id", to="msg_another"))
_edit("message-twice", LIST, lambda listed: listed["data"].append(listed["data"][-1]))


def _copies(message: Json, times: int) -> list[Json]:
    """Messages like this one, with ids of their own."""
    return [{**message, "id": f"msg_copy_{number}"} for number in range(times)]


def _reverse(listed: Json) -> None:
    """The other order, with the ids of the page as they then are."""
    listed["data"].reverse()
    listed["first_id"], listed["last_id"] = listed["last_id"], listed["first_id"]


_edit("order-reversed", LIST, _reverse)

_add("error-text", REFUSAL, _text)
_edit("error-without-message", REFUSAL, lambda refusal: refusal["error"].pop("message"))
