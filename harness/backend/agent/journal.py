"""The line that the log gets for each chat with the agent."""

from __future__ import annotations

from typing import Any

from harness.backend.gateway.call import Call
from harness.backend.gateway.journal import Journal

from .call import agent_call


class AgentJournal(Journal):
    """The gateway's line with ``sessionId``, ``tries`` and ``waited_s`` (between them).

    A try is a request to the provider; one that Vertex refuses for its token, and that is made again with a new one, is
    a single try.
    """

    def call_fields(self, call: Call) -> dict[str, Any]:
        """What is known once a model was found."""
        chat = agent_call(call)
        return {
            **super().call_fields(call),
            "sessionId": str(chat.session_id) if chat.session_id else None,
            "tries": chat.tries,
            "waited_s": chat.waited_s,
        }
