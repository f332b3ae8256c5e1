"""One chat with the agent, from request to answer: the gateway's, in a session, with patience."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from aiohttp import web

from harness.backend.accounts import User
from harness.backend.clock import Clock
from harness.backend.flights import Flight
from harness.backend.gateway.call import Call, Record
from harness.backend.gateway.calls import Calls
from harness.backend.upstream import Upstream, UpstreamError

from .breaker import Breakers
from .call import AgentCall, AgentModel, agent_call
from .catalogue import AgentCatalogue
from .errors import no_session
from .ids import SessionIds
from .patience import Patience
from .request import AgentValidator
from .sessions import Sessions
from .tried import TriedUpstream

CHAT = web.RequestKey("chat", AgentCall)
"""Key in a request: the chat that it is."""


class AgentCalls(Calls):
    """Serves chats.

    A chat that names no session begins one, and so does one that names an old-style id for the first time: clients
    made such ids themselves. A session comes to be once the chat's hold is placed; a UUID that is no session of the
    caller's is not found.
    """

    def __init__(
        self,
        *,
        validator: AgentValidator,
        catalogue: AgentCatalogue,
        ids: SessionIds,
        sessions: Sessions,
        breakers: Breakers,
        patience: Patience,
        tried: type[TriedUpstream],
        clock: Clock,
        **gateway: Any,
    ) -> None:
        super().__init__(validator=validator, catalogue=catalogue, **gateway)
        self.models = catalogue
        self.ids = ids
        self.sessions = sessions
        self.breakers = breakers
        self.patience = patience
        self.tried = tried
        self.clock = clock

    def admit(self, record: Record, user: User, raw: bytes) -> AgentCall:
        """The chat that a request asks for, if it may be made. Raises GatewayError."""
        ask = self.validator.read(raw)
        model = self.models.find(ask.model, user.tier)
        return AgentCall(record, replace(ask, body=self.named(ask.body, model)), model, int(time.time()))

    def named(self, body: dict[str, Any], model: AgentModel) -> dict[str, Any]:
        """What the provider gets, under its own name for the model."""
        return {**body, "model": model.upstream}

    async def billed(self, request: web.Request, call: Call, flight: Flight) -> web.StreamResponse:
        """Find the session, then hold, call, settle. However the chat ends, its breaker knows."""
        chat = request[CHAT] = agent_call(call)
        await self.find_session(chat)
        try:
            return await super().billed(request, call, flight)
        finally:
            self.tell_breaker(chat)

    def tell_breaker(self, chat: AgentCall) -> None:
        """End a try that was broken off: by the chat's time limit, which is a failure, by its client, or by a stop."""
        if chat.pending is None:
            return
        breaker, failure = self.breakers.of(chat.model.provider.name), chat.record.error
        if isinstance(failure, UpstreamError) and self.cut_short(failure) is None:
            breaker.failed(chat.pending, failure)
        else:
            breaker.abandoned(chat.pending)
        chat.pending = None

    async def find_session(self, chat: AgentCall) -> None:
        """Where the chat's messages belong. Raises GatewayError (404)."""
        named = chat.asked.session_id
        found = await self.sessions.find(named) if named is not None else None
        if found is None and not chat.asked.may_create:
            raise no_session()
        if found is not None and found.owner_id != chat.user_id:
            raise no_session()
        chat.session_id = named or self.ids.new()
        chat.new_session = found is None

    async def hold(self, call: Call) -> None:
        """Place the hold, then make the session that is to be made."""
        await super().hold(call)
        chat = agent_call(call)
        if chat.new_session and chat.session_id is not None:
            made = await self.sessions.create(chat.session_id, chat.user_id, None)
            if made.owner_id != chat.user_id:
                raise no_session()
            chat.new_session = False

    def upstream_of(self, call: Call) -> Upstream:
        """How this chat asks its provider."""
        breaker = self.breakers.of(call.model.provider.name)
        return self.tried(agent_call(call), self.upstream, breaker, self.patience, self.clock)
