"""Defects in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from harness.backend.agent.journal import AgentJournal
from harness.backend.gateway.call import Call, Record
from harness.backend.gateway.journal import Journal
from harness.backend.log import CallLog

from .base import Defect, instead, over


class KeyInLog(Defect):
    """Texts are logged as they come; a provider's 401 quotes the key."""

    id = "key-in-log"
    summary = "the log holds a provider's key"

    class _Trusts(CallLog):
        def safe(self, value: Any) -> Any:
            return value

    shared = instead(log=_Trusts)


class LogPlainText(Defect):
    """Somebody's print statement ended up among the lines."""

    id = "log-plain-text"
    summary = "the log has lines that are not JSON"

    class _Prints(CallLog):
        def write(self, user_id: UUID | None, fields: Mapping[str, Any]) -> None:
            super().write(user_id, fields)
            if user_id is not None:
                self._ring(user_id).append(f"call finished: {fields.get('status')}")

    shared = instead(log=_Prints)


class LogMissingCall(Defect):
    """Only what went well is written down."""

    id = "log-missing-call"
    summary = "a call that failed is not in the log"

    class _Forgets(Journal):
        def write(self, record: Record, call: Call | None) -> None:
            if record.error is None:
                super().write(record, call)

    gateway = instead(journal=_Forgets)
    agent = instead(journal=over(_Forgets, AgentJournal))


class LogWithoutPhase(Defect):
    """It failed; where is anybody's guess."""

    id = "log-without-phase"
    summary = "a failed call's line does not say in which phase it failed"

    class _Forgets(Journal):
        def failure_fields(self, record: Record, error: BaseException) -> dict[str, Any]:
            fields = super().failure_fields(record, error)
            del fields["phase"]
            return fields

    gateway = instead(journal=_Forgets)
    agent = instead(journal=over(_Forgets, AgentJournal))


class LogCountsWrong(Defect):
    """Chunks are counted for characters."""

    id = "log-counts-wrong"
    summary = "completionLength is not the length of the completion"

    class _Counts(Journal):
        def completion_length(self, call: Call) -> int:
            return super().completion_length(call) + call.chunks + 1

    gateway = instead(journal=_Counts)
    agent = instead(journal=over(_Counts, AgentJournal))


class BaseUrlCredentialsInLog(Defect):
    """The address is logged as it was configured, user and password in it."""

    id = "base-url-credentials-in-log"
    summary = "the log says where the provider is, with a user and a password"

    class _Shows(CallLog):
        def write(self, user_id: UUID | None, fields: Mapping[str, Any]) -> None:
            where = {} if user_id is None else {"askedAt": "https://backend:pass-word@provider.example/v1"}
            super().write(user_id, {**fields, **where})

        def safe(self, value: Any) -> Any:
            is_address = isinstance(value, str) and value.startswith("http")
            return value if is_address else super().safe(value)

    shared = instead(log=_Shows)
