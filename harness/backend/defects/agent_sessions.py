"""Defects in the agent's sessions and their ids."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4, uuid5

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import Settled, User
from harness.backend.agent.billing import AgentBilling
from harness.backend.agent.call import AgentAsk, agent_call
from harness.backend.agent.errors import no_session
from harness.backend.agent.front import AgentFront
from harness.backend.agent.ids import SessionIds
from harness.backend.agent.request import AgentValidator
from harness.backend.agent.service import SessionService
from harness.backend.agent.sessions import Session, Sessions
from harness.backend.bodies import read_body
from harness.backend.gateway.call import Call
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.tokens import Tokens

from .base import Defect, instead


class AgentGetSessionUndefinedName(Defect):
    """A variable that was renamed in one place."""

    id = "agent-get-session-undefined-name"
    summary = "finding a session fails with an undefined name: every call in a session is a 500"

    class _Renamed(Sessions):
        async def find(self, session_id: UUID) -> Session | None:
            raise NameError("name 'session_uuid' is not defined")

    agent = instead(sessions=_Renamed)


class AgentUnknownSessionEmpty(Defect):
    """What is not there is shown as if it were."""

    id = "agent-unknown-session-empty"
    summary = "a session that was never made is shown as an empty one"

    class _Generous(SessionService):
        async def find(self, given: str, user: User) -> Session:
            try:
                return await super().find(given, user)
            except GatewayError as refused:
                found = await self.sessions.find(self.ids.read(given)) if refused.status == 404 else None
                if refused.status != 404 or found is not None or self.ids.old_style(given):
                    raise
            return await self.sessions.create(self.ids.read(given), user.id, None)

    agent = instead(service=_Generous)


class AgentForeignSessionShown(Defect):
    """Whoever has the id has the session."""

    id = "agent-foreign-session-shown"
    summary = "a session is shown to whoever asks for it"

    class _Open(SessionService):
        def owns(self, session: Session, user: User) -> bool:
            return True

    agent = instead(service=_Open)


class AgentOldStyleNotFound(Defect):
    """Old ids are read, and then expected to be there."""

    id = "agent-old-style-not-found"
    summary = "a chat under an old-style id that is new is refused"

    class _Strict(AgentValidator):
        def ask(self, body: dict[str, Any]) -> AgentAsk:
            ask = super().ask(body)
            if ask.may_create and ask.session_id is not None:
                raise no_session()
            return ask

    agent = instead(validator=_Strict)


class AgentOldStyleNarrow(Defect):
    """All ids that were looked at looked like that."""

    id = "agent-old-style-narrow"
    summary = "an old-style id is none unless it has thirteen digits, then letters and digits"

    class _Sees(SessionIds):
        def old_style(self, text: str) -> bool:
            return re.fullmatch(r"session-[0-9]{13}-[A-Za-z0-9]+", text) is not None

    agent = instead(ids=_Sees)


class AgentUserIdNull(Defect):
    """Nobody was named, so there is nobody."""

    id = "agent-user-id-null"
    summary = "a session that was made without a user id has none"

    class _Nobody(SessionService):
        def created_body(self, session: Session) -> dict[str, Any]:
            body = super().created_body(session)
            return {**body, "user_id": None} if session.user_id == str(session.id) else body

    agent = instead(service=_Nobody)


class AgentAnswerNotStored(Defect):
    """Only the question is kept."""

    id = "agent-answer-not-stored"
    summary = "a session keeps what the user said, and not what was answered"

    class _Forgets(Sessions):
        async def append(self, tx: AsyncConnection, session_id: UUID, said: Iterable[tuple[str, str]]) -> None:
            await super().append(tx, session_id, [line for line in said if line[0] != "assistant"])

    agent = instead(sessions=_Forgets)


class AgentStreamsNotStored(Defect):
    """The words went by, and nobody wrote them down."""

    id = "agent-streams-not-stored"
    summary = "of a streamed chat nothing is stored"

    class _Plain(AgentBilling):
        async def complete(self, call: Call) -> Tokens:
            if call.ask.stream:
                return await super(AgentBilling, self).complete(call)
            return await super().complete(call)

    agent = instead(billing=_Plain)


class AgentHalfAnswerStored(Defect):
    """What was delivered is stored, whole or not."""

    id = "agent-half-answer-stored"
    summary = "a chat that broke off leaves its question and half an answer in the session"

    class _Hoards(AgentBilling):
        async def write_use(self, tx: AsyncConnection, call: Call, tokens: Tokens, settled: Settled) -> None:
            agent_call(call).complete = True
            await super().write_use(tx, call, tokens, settled)

    agent = instead(billing=_Hoards)


class AgentSessionHeaderMissing(Defect):
    """The session is kept to ourselves."""

    id = "agent-session-header-missing"
    summary = "the answer to a chat does not say which session it is stored in"

    class _Silent(AgentFront):
        def session_headers(self, session: UUID) -> dict[str, str]:
            return {}

    agent = instead(front=_Silent)


class AgentSessionIdOldStyle(Defect):
    """New sessions get old ids."""

    id = "agent-session-id-old-style"
    summary = "a new session's id is no UUID but session-<milliseconds>-<random>"

    class _Nostalgic(SessionService):
        async def _create(self, request: web.Request, user: User) -> web.Response:
            user_id = self.validator.user_id(await read_body(request))
            name = f"session-{int(time.time() * 1000)}-{secrets.token_hex(4)}"
            await self.sessions.create(self.ids.mapped(name), user.id, user_id)
            return web.json_response({"session_id": name, "user_id": user_id or name}, status=201)

    agent = instead(service=_Nostalgic)


class AgentSessionIdsCollide(Defect):
    """An id is made of who and when, and when has seconds."""

    id = "agent-session-ids-collide"
    summary = "two sessions that a user makes in the same second are one"

    class _Clockwork(SessionService):
        async def _create(self, request: web.Request, user: User) -> web.Response:
            user_id = self.validator.user_id(await read_body(request))
            made = await self.sessions.create(uuid5(user.id, str(int(time.time()))), user.id, user_id)
            body = {"session_id": str(made.id), "user_id": user_id or str(made.id)}
            return web.json_response(body, status=201)

    agent = instead(service=_Clockwork)


class AgentJunkIdReachesStore(Defect):
    """Ids are not looked at."""

    id = "agent-junk-id-reaches-store"
    summary = "a text that is no id is handed to the database, which refuses it: 500"

    class _Trusting(SessionIds):
        def read(self, text: object) -> UUID:
            try:
                return super().read(text)
            except GatewayError:
                unchecked: Any = text
                return unchecked  # type: ignore[no-any-return]  # the very mistake

    agent = instead(ids=_Trusting)


class AgentJunkIdNotFound(Defect):
    """What is no id is treated like one that nothing has."""

    id = "agent-junk-id-not-found"
    summary = "a text that is no id is answered by 404"

    class _Vague(SessionIds):
        def refusal(self) -> GatewayError:
            return no_session()

    agent = instead(ids=_Vague)


class AgentSessionIdOtherForm(Defect):
    """Two ways to write one id."""

    id = "agent-session-id-other-form"
    summary = "a session that is read has its id without hyphens"

    class _Bare(SessionService):
        def body(self, session: Session) -> dict[str, Any]:
            return {**super().body(session), "session_id": session.id.hex}

        def created_body(self, session: Session) -> dict[str, Any]:
            return super().body(session)

    agent = instead(service=_Bare)


class AgentOldStyleMd5(Defect):
    """Sixteen bytes are sixteen bytes."""

    id = "agent-old-style-md5"
    summary = "an old-style id is mapped to its MD5 laid out as a UUID, which has no version"

    class _Digest(SessionIds):
        def mapped(self, text: str) -> UUID:
            return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())

    agent = instead(ids=_Digest)


class AgentOldStyleRandom(Defect):
    """An id that is not a UUID is replaced by one that is."""

    id = "agent-old-style-random"
    summary = "an old-style id is another session every time"

    class _Dice(SessionIds):
        def mapped(self, text: str) -> UUID:
            drawn = uuid4()
            return UUID(int=drawn.int & ~(0xF << 76) | (5 << 76))

    agent = instead(ids=_Dice)


class AgentOldStylePerProcess(Defect):
    """The namespace is as good as any other, and made when the service starts."""

    id = "agent-old-style-per-process"
    summary = "an old-style id is another session once the service was started again"

    class _Own(SessionIds):
        def __init__(self) -> None:
            self._namespace = uuid4()

        def mapped(self, text: str) -> UUID:
            return uuid5(self._namespace, text)

    agent = instead(ids=_Own)
