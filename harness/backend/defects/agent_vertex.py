"""Defects in how the agent deals with Vertex AI, and in what it tells of itself."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from harness.backend.agent.breaker import Permit, State
from harness.backend.agent.errors import NO_TOKEN, AgentErrors
from harness.backend.agent.health import AgentHealth
from harness.backend.agent.models import VertexModels
from harness.backend.agent.tried import TriedUpstream
from harness.backend.gateway.errors import GatewayError
from harness.backend.google import GoogleTokens, Granted, NoCredentials
from harness.backend.upstream import Kind, UpstreamError

from .base import Defect, instead


class AgentTokenNotRenewed(Defect):
    """A refusal is a refusal."""

    id = "agent-token-not-renewed"
    summary = "an access token that is refused is used until its time is over"
    touches = ("agent",)

    class _Keeps(GoogleTokens):
        def refused(self, token: str) -> bool:
            return False

    shared = instead(google=_Keeps)


class AgentTokenRenewedForEver(Defect):
    """It must have been the token."""

    id = "agent-token-renewed-for-ever"
    summary = "a call whose new access token is refused too is made again with the next"

    class _Loops(TriedUpstream):
        async def wait_or_raise(self, permit: Permit, failure: UpstreamError) -> None:
            refused = failure.status == 401 and self._breaker.provider == "vertex"
            if not refused or self._call.tries >= 4:
                await super().wait_or_raise(permit, failure)

    agent = instead(tried=_Loops)


class AgentTokenForEach(Defect):
    """The cache is never asked."""

    id = "agent-token-for-each"
    summary = "every call fetches an access token of its own"
    touches = ("agent",)

    class _Wasteful(GoogleTokens):
        def good(self) -> bool:
            return False

    shared = instead(google=_Wasteful)


class AgentTokenAtOnce(Defect):
    """Checked first, and fetched later."""

    id = "agent-token-at-once"
    summary = "many calls that find no access token fetch one each"
    touches = ("agent",)

    class _Racy(GoogleTokens):
        async def token(self) -> str:
            if self._account is None or self.good():
                return await super().token()
            await self.renew(self._account)
            return self._token

    shared = instead(google=_Racy)


class AgentTokenRenewedByEach(Defect):
    """A refusal is about the token at hand."""

    id = "agent-token-renewed-by-each"
    summary = "a call whose old access token is refused throws away the new one that another call has fetched"
    touches = ("agent",)

    class _Forgets(GoogleTokens):
        def refused(self, token: str) -> bool:
            return super().refused(self._token)

    shared = instead(google=_Forgets)


class AgentTokenTurnsAway(Defect):
    """Waiting is for those who have time."""

    id = "agent-token-turns-away"
    summary = "a call that finds the access token ended, while another call fetches the next, is refused"
    touches = ("agent",)

    class _Busy(GoogleTokens):
        async def token(self) -> str:
            if self._fetching.locked() and self._token and not self.good():
                raise UpstreamError(Kind.UNAVAILABLE, "an access token is being fetched")
            return await super().token()

    shared = instead(google=_Busy)


class AgentTokenUsedToTheEnd(Defect):
    """It said that it is good for an hour."""

    id = "agent-token-used-to-the-end"
    summary = "an access token is renewed when it has ended, and not before"
    touches = ("agent",)

    class _Late(GoogleTokens):
        def lasts_s(self, granted: Granted) -> float:
            return granted.lifetime_s

    shared = instead(google=_Late)


class AgentNoTokenStackTrace(Defect):
    """The exception is the answer."""

    id = "agent-no-token-stack-trace"
    summary = "a list of models without credentials is a 500 with a stack trace"

    class _Talkative(AgentErrors):
        def no_credentials(self, error: NoCredentials) -> GatewayError:
            return GatewayError(500, "internal_error", "".join(traceback.format_exception(error)), type="server_error")

    agent = instead(errors=_Talkative)


class AgentNoTokenUnnamed(Defect):
    """Something is missing; what, is to be found out."""

    id = "agent-no-token-unnamed"
    summary = "a list of models without credentials does not say which settings are missing"

    class _Terse(AgentErrors):
        def no_credentials(self, error: NoCredentials) -> GatewayError:
            code = "no_access_token"
            return GatewayError(503, code, NO_TOKEN, type=code)

    agent = instead(errors=_Terse)


class AgentListWantsProject(Defect):
    """What every chat takes, the list takes too."""

    id = "agent-list-wants-project"
    summary = "with an access token and no project the list of models says that there is no access token"
    touches = ("agent",)

    class _Asks(GoogleTokens):
        def token_missing(self) -> tuple[str, ...]:
            return self.missing()

    shared = instead(google=_Asks)


class AgentModelsNotCached(Defect):
    """Nothing is kept."""

    id = "agent-models-not-cached"
    summary = "every list of models is read from Vertex anew"

    class _Eager(VertexModels):
        def fresh(self) -> bool:
            return False

    agent = instead(models=_Eager)


class AgentModelsCachedForEver(Defect):
    """What was learned once is true for good."""

    id = "agent-models-cached-for-ever"
    summary = "the list of models is read from Vertex once, and never again"

    class _Stale(VertexModels):
        def fresh(self) -> bool:
            return bool(self._listed)

    agent = instead(models=_Stale)


class AgentHealthAlwaysWell(Defect):
    """It answers, so it is well."""

    id = "agent-health-always-well"
    summary = "the health check says ok and 200, whatever is down or open"

    class _Cheerful(AgentHealth):
        def well(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> bool:
            return True

        def body(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> dict[str, Any]:
            return super().body(dict.fromkeys(services, True), breakers)

    agent = instead(health=_Cheerful)


class AgentHealthBreakersClosed(Defect):
    """The breakers of another instance, perhaps."""

    id = "agent-health-breakers-closed"
    summary = "the health check says that every breaker is closed"

    class _Unaware(AgentHealth):
        def body(self, services: Mapping[str, bool], breakers: Mapping[str, State]) -> dict[str, Any]:
            return super().body(services, dict.fromkeys(breakers, State.CLOSED)) | {
                "status": "ok" if self.well(services, breakers) else "degraded"
            }

    agent = instead(health=_Unaware)


class AgentHealthNeedsToken(Defect):
    """The door is locked for those who look after the house."""

    id = "agent-health-needs-token"
    summary = "the health check wants a token"

    class _Locked(AgentHealth):
        async def handle(self, request: web.Request) -> web.Response:
            error = {"message": "A bearer token is required.", "type": "authentication_error"}
            body = {"error": {**error, "param": None, "code": "invalid_token"}}
            return web.json_response(body, status=401, headers={"WWW-Authenticate": "Bearer"})

    agent = instead(health=_Locked)
