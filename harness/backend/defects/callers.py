"""Defects in asking who calls: routes that were forgotten, and what is done before the answer is known."""

from __future__ import annotations

from uuid import UUID

import jwt
from aiohttp import web

from harness.backend.accounting.service import AccountingService, Work
from harness.backend.accounts import Accounts, InsufficientCredits, User
from harness.backend.agent.calls import AgentCalls
from harness.backend.agent.service import SessionService
from harness.backend.auth import Denied
from harness.backend.chat.errors import ChatError, not_active
from harness.backend.chat.service import ChatService
from harness.backend.gateway.calls import Calls
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.front import Front
from harness.backend.ids import parse_id
from harness.backend.runs.service import RunService
from harness.backend.workflow.service import PlanService

from .base import Defect, instead, over
from .spending import spend

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def nobody(request: web.Request) -> bool:
    """Whether a request says nothing of who sent it."""
    return not request.headers.get("Authorization")


def claimed(request: web.Request) -> UUID | None:
    """Whom a request's token names, signed or not."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        return parse_id(jwt.decode(token, options={"verify_signature": False, "verify_exp": False}).get("sub"))
    except jwt.InvalidTokenError:
        return None


async def charge_claimed(accounts: Accounts, request: web.Request) -> None:
    """Take a credit of whoever the token names."""
    user_id = claimed(request)
    if user_id is not None and await accounts.find(user_id):
        await spend(accounts, user_id, 1)


class ChargesBeforeToken(Defect):
    """The token is read, then charged, then checked."""

    id = "charges-before-token"
    summary = "a call takes a credit of whoever its token names before the token is checked"

    class _Charges(Calls):
        async def caller(self, request: web.Request) -> User:
            try:
                return await super().caller(request)
            except Denied:
                await charge_claimed(self.accounts, request)
                raise

    class _ChargesRuns(RunService):
        async def caller(self, request: web.Request) -> User:
            try:
                return await super().caller(request)
            except Denied:
                await charge_claimed(self.accounts, request)
                raise

    class _ChargesPlans(PlanService):
        async def handle(self, request: web.Request) -> web.Response:
            try:
                self.authenticator.authenticate(request.headers.get("Authorization"))
            except Denied:
                await charge_claimed(self.accounts, request)
            return await super().handle(request)

    gateway = instead(calls=_Charges)
    agent = instead(calls=over(_Charges, AgentCalls))
    runs = instead(service=_ChargesRuns)
    workflow = instead(service=_ChargesPlans)


class ChatAccountingHoldsBeforeToken(Defect):
    """The token is read, then charged, then checked."""

    id = "chat-accounting-holds-before-token"
    summary = "accounting takes a credit of whoever a token names before the token is checked"

    class _Charges(AccountingService):
        async def answer(self, request: web.Request, work: Work) -> web.Response:
            try:
                self.authenticator.authenticate(request.headers.get("Authorization"))
            except Denied:
                await charge_claimed(self.accounts, request)
            return await super().answer(request, work)

    chat = instead(accounting_service=_Charges)


class GatewayGuestsRefusedForCredit(Defect):
    """Who has no token is taken for a guest, who has no credits."""

    id = "gateway-guests-refused-for-credit"
    summary = "a chat completion without a token is answered by 402"

    class _Guests(Calls):
        async def caller(self, request: web.Request) -> User:
            if nobody(request):
                raise InsufficientCredits(1, 0)
            return await super().caller(request)

    gateway = instead(calls=_Guests)


class WorkflowGuestsRefusedForCredit(Defect):
    """Who has no token is taken for a guest, who has no credits."""

    id = "workflow-guests-refused-for-credit"
    summary = "a plan asked for without a token is answered by 402"

    class _Guests(PlanService):
        async def handle(self, request: web.Request) -> web.Response:
            return self.refused(None, InsufficientCredits(1, 0)) if nobody(request) else await super().handle(request)

    workflow = instead(service=_Guests)


class RunsProjectNamesCaller(Defect):
    """Who knows a project's id is taken for its owner."""

    id = "runs-project-names-caller"
    summary = "a run without a token is made for the project's owner, and charged to them"

    class _Guesses(RunService):
        async def caller(self, request: web.Request) -> User:
            project_id = parse_id(request.match_info["projectId"]) if nobody(request) else None
            owner = await self.projects.owner(project_id) if project_id else None
            found = await self.accounts.find(owner) if owner else None
            return found or await super().caller(request)

    runs = instead(service=_Guesses)


class ChatObserveOpen(Defect):
    """The route came later, and was forgotten."""

    id = "chat-observe-open"
    summary = "a stream can be asked for by an observer without a token"

    class _Open(ChatService):
        async def observe(self, request: web.Request) -> web.StreamResponse:
            if not nobody(request) or self.sessions.active(request.match_info["sessionId"]) is not None:
                return await super().observe(request)
            return self.response(not_active())

    chat = instead(service=_Open)


class ChatDeleteBeforeToken(Defect):
    """The session is looked up and deleted, and then it is asked who wants that."""

    id = "chat-delete-before-token"
    summary = "a session is deleted before the token is checked; the answer is 401 all the same"

    class _Deletes(ChatService):
        async def delete(self, request: web.Request) -> web.StreamResponse:
            try:
                self.authenticator.authenticate(request.headers.get("Authorization"))
            except Denied:
                owner = claimed(request)
                if owner is not None:
                    await self.sessions.delete(await self.sessions.owned(request.match_info["sessionId"], owner))
            return await super().delete(request)

    chat = instead(service=_Deletes)


class ChatAccountingEndOpen(Defect):
    """Who ends a hold, somebody thought, can only be chat: it is not asked again whose token that is."""

    id = "chat-accounting-end-open"
    summary = "accounting finalizes a stream for whoever its token names, signed or not"

    class _Open(AccountingService):
        async def finalize(self, request: web.Request) -> web.Response:
            try:
                self.authenticator.authenticate(request.headers.get("Authorization"))
            except Denied:
                user_id = claimed(request)
                user = await self.accounts.find(user_id) if user_id else None
            else:
                user = None
            if user is None:
                return await super().finalize(request)
            status, body = await self._finalize(request, user)
            return web.json_response(body, status=status)

    chat = instead(accounting_service=_Open)


class AgentMessagesOpen(Defect):
    """The id of a session is hard enough to guess, somebody thought."""

    id = "agent-messages-open"
    summary = "what was said in a session is shown without a token"

    class _Open(SessionService):
        async def messages(self, request: web.Request) -> web.Response:
            found = (
                await self.sessions.find(self.ids.read(request.match_info["session_id"])) if nobody(request) else None
            )
            user = await self.accounts.find(found.owner_id) if found else None
            return await self._messages(request, user) if user else await super().messages(request)

    agent = instead(service=_Open)


class ModelsNeedToken(Defect):
    """What there is to choose from is a secret."""

    id = "models-need-token"
    summary = "the list of models is refused without a token"

    class _Closed(Front):
        async def models(self, request: web.Request) -> web.Response:
            if nobody(request):
                return self._refusal(GatewayError(401, "invalid_token", "A token is missing."), _CHALLENGE)
            return await super().models(request)

    class _ClosedAgent(SessionService):
        async def model_list(self, request: web.Request) -> web.Response:
            if nobody(request):
                told = GatewayError(401, "invalid_token", "A token is missing.", headers=_CHALLENGE)
                return self.refused(request, None, told)
            return await super().model_list(request)

    class _ClosedChat(ChatService):
        async def list_models(self, request: web.Request) -> web.Response:
            if nobody(request):
                return self.response(ChatError(401, "UNAUTHORIZED", "A token is missing.", headers=_CHALLENGE))
            return await super().list_models(request)

    gateway = instead(front=_Closed)
    agent = instead(service=_ClosedAgent)
    chat = instead(service=_ClosedChat)
