"""A chat of the agent while it happens: the gateway's call, and the session that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from harness.backend.gateway.call import Call
from harness.backend.gateway.catalogue import Model
from harness.backend.gateway.request import Ask

from .breaker import Permit


@dataclass(frozen=True, slots=True)
class AgentAsk(Ask):
    """A request that can be sent. ``session_id`` is the one that it names; ``said`` is its last message: role, text.

    ``may_create``: the session comes to be with this chat where there is none.
    """

    session_id: UUID | None = None
    may_create: bool = True
    said: tuple[str, str] = ("user", "")


@dataclass(frozen=True, slots=True)
class AgentModel(Model):
    """A model that can be called. ``upstream`` is its provider's name for it."""

    upstream: str = ""


@dataclass(slots=True)
class AgentCall(Call):
    """``session_id`` is where its messages are stored, ``new_session`` whether that is still to be made.

    ``words`` are what the client was given, piece by piece; ``complete`` is whether they are all. ``tries`` counts the
    provider's requests, without those that were made again with a new token, ``waited_s`` are the waits between them;
    ``pending`` is leave for a try whose end the breaker has not been told of.
    """

    session_id: UUID | None = None
    new_session: bool = False
    words: list[str] = field(default_factory=list)
    complete: bool = False
    tries: int = 0
    waited_s: list[float] = field(default_factory=list)
    pending: Permit | None = None

    @property
    def asked(self) -> AgentAsk:
        """What the client asked for."""
        if not isinstance(self.ask, AgentAsk):
            raise TypeError("a chat of the agent is asked for in the agent's words")
        return self.ask


def agent_call(call: Call) -> AgentCall:
    """A call of the gateway's code that is the agent's. Raises TypeError for any other."""
    if not isinstance(call, AgentCall):
        raise TypeError("this is no chat of the agent's")
    return call
