"""Defects in telling who calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import jwt
from jwt.types import Options

from harness.backend.agent.errors import AgentErrors
from harness.backend.auth import Authenticator, Denied
from harness.backend.chat.errors import ChatError, ChatErrors
from harness.backend.gateway.errors import ErrorMapper
from harness.backend.runs.errors import ErrorTable as RunErrors
from harness.backend.workflow.errors import ErrorTable as PlanErrors
from harness.backend.workflow.errors import PlanError

from .base import Defect, instead, over


class _Lax(Authenticator):
    """Reads tokens with some of the checks off."""

    off: ClassVar[Options]

    def claims(self, token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(token, self._secret, algorithms=list(self.algorithms), options=self.off)
        return claims


class ExpiredTokenAccepted(Defect):
    """``exp`` is not looked at."""

    id = "expired-token-accepted"
    summary = "a token that has expired is accepted"

    class _Reader(_Lax):
        off: ClassVar[Options] = {"verify_exp": False}

    shared = instead(authenticator=_Reader)


class EarlyTokenAccepted(Defect):
    """``nbf`` is not looked at."""

    id = "early-token-accepted"
    summary = "a token is accepted before its time has come"

    class _Reader(_Lax):
        off: ClassVar[Options] = {"verify_nbf": False}

    shared = instead(authenticator=_Reader)


class UnsignedTokenAccepted(Defect):
    """``alg: none`` is taken for a signature."""

    id = "unsigned-token-accepted"
    summary = "a token without a signature is accepted"

    class _Reader(Authenticator):
        def claims(self, token: str) -> Mapping[str, Any]:
            if jwt.get_unverified_header(token).get("alg") != "none":
                return super().claims(token)
            claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
            return claims

    shared = instead(authenticator=_Reader)


class ForeignTokenAccepted(Defect):
    """The signature has the right form, and nobody compares it."""

    id = "foreign-token-accepted"
    summary = "a token that another key signed is accepted"

    class _Reader(Authenticator):
        def claims(self, token: str) -> Mapping[str, Any]:
            if jwt.get_unverified_header(token).get("alg") not in self.algorithms:
                return super().claims(token)
            checks: Options = {"verify_signature": False, "verify_exp": True, "verify_nbf": True}
            claims: Mapping[str, Any] = jwt.decode(token, options=checks)
            return claims

    shared = instead(authenticator=_Reader)


class NoWwwAuthenticate(Defect):
    """The 401 is bare."""

    id = "no-www-authenticate"
    summary = "a 401 does not say how to authenticate"

    class _Mapper(ErrorMapper):
        def challenge(self, error: Denied) -> dict[str, str]:
            return {}

    class _Chat(ChatErrors):
        def told(self, error: Exception, model: str = "") -> ChatError:
            return replace(super().told(error, model), headers={})

    class _Runs(RunErrors):
        def challenge(self, error: Denied) -> dict[str, str]:
            return {}

    class _Plans(PlanErrors):
        def told(self, error: Exception, *, begun: bool = True) -> PlanError:
            told = super().told(error, begun=begun)
            return replace(told, headers={}) if isinstance(error, Denied) else told

    gateway = instead(errors=_Mapper)
    agent = instead(errors=over(_Mapper, AgentErrors))
    chat = instead(errors=_Chat)
    runs = instead(errors=_Runs)
    workflow = instead(errors=_Plans)
