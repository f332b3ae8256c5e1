"""Defects in what chat and its accounting refuse, and in how they say so."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.backend.accounting.errors import AccountingError, AccountingErrors
from harness.backend.chat.errors import AccountingFailed, ChatError, ChatErrors, internal
from harness.backend.chat.families import Family, Nova
from harness.backend.chat.models import MODELS, ChatModels
from harness.backend.chat.request import ChatValidator
from harness.backend.upstream import UpstreamError

from .base import Defect, instead


class ChatRefusalBare(Defect):
    """The code says it all."""

    id = "chat-refusal-bare"
    summary = "a model that is not available is refused without a reason"

    class _Shortens(ChatErrors):
        def told(self, error: Exception, model: str = "") -> ChatError:
            told = super().told(error, model)
            if told.code == "MODEL_NOT_AVAILABLE":
                told.why = ""
            return told

    chat = instead(errors=_Shortens)


class ChatRetryAfterDropped(Defect):
    """How long to wait is not passed on."""

    id = "chat-retry-after-dropped"
    summary = "a stream that is refused with 429 loses the provider's retry-after"

    class _Forgets(ChatErrors):
        def headers(self, error: UpstreamError) -> dict[str, str]:
            return {}

    chat = instead(errors=_Forgets)


class Chat402WithoutCode(Defect):
    """The status says it all."""

    id = "chat-402-without-code"
    summary = "a 402 has no code"

    class _Forgets(ChatErrors):
        def told(self, error: Exception, model: str = "") -> ChatError:
            told = super().told(error, model)
            if told.status == 402:
                told.code = None
            return told

    chat = instead(errors=_Forgets)


class ChatUnknownModelPassedOn(Defect):
    """The provider will know."""

    id = "chat-unknown-model-passed-on"
    summary = "a model that is not offered is accepted"

    class _Accepts(ChatModels):
        def family(self, name: str) -> Family:
            return self.of(name)

        def of(self, name: str) -> Family:
            return MODELS.get(name, Nova)()

    chat = instead(models=_Accepts)


class ChatUserIdTrusted(Defect):
    """Whoever is named in the body is left alone."""

    id = "chat-user-id-trusted"
    summary = "a stream in another user's name is made"

    class _Trusts(ChatValidator):
        def check_user(self, body: dict[str, Any], user_id: UUID) -> None:
            if isinstance(body.get("userId"), str):
                return
            super().check_user(body, user_id)

    chat = instead(validator=_Trusts)


class ChatAccountingFailureHidden(Defect):
    """What goes on between services is nobody's business."""

    id = "chat-accounting-failure-hidden"
    summary = "where accounting refuses, the client reads of an internal error"

    class _Hides(ChatErrors):
        def accounting(self, error: AccountingFailed) -> ChatError:
            told = super().accounting(error)
            return told if told.status == 402 else internal()

    chat = instead(errors=_Hides)


class ChatAccountingFieldUnnamed(Defect):
    """The request is bad; which part of it is for the caller to find out."""

    id = "chat-accounting-field-unnamed"
    summary = "accounting refuses a bad field without naming it"

    class _Shortens(AccountingErrors):
        def refusal(self, error: Exception) -> AccountingError:
            told = super().refusal(error)
            if told.about is None:
                return told
            return AccountingError(told.status, told.code, "The request is invalid.")

    chat = instead(accounting_errors=_Shortens)
