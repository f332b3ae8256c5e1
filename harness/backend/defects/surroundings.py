"""Defects in meeting what comes from outside: strange input, a provider that was away, an answer that is long."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from harness.backend.accounting.request import AccountingValidator
from harness.backend.agent.request import AgentValidator
from harness.backend.clients import ProviderClients
from harness.backend.gateway.errors import invalid as invalid_chat
from harness.backend.gateway.request import PASSED_ON, Validator
from harness.backend.google import GoogleTokens
from harness.backend.providers import Provider
from harness.backend.runs.errors import invalid as invalid_run
from harness.backend.runs.generation import Generator
from harness.backend.runs.journal import RunJournal
from harness.backend.runs.request import RunValidator
from harness.backend.runs.run import Run
from harness.backend.upstream import Kind, Upstream, UpstreamError

from .base import Defect, instead

_RUN_FIELDS = frozenset({"input", "model"})
_CHAT_FIELDS = PASSED_ON | {"stream", "stream_options", "n"}


class UnknownFieldsRefused(Defect):
    """Clients may only send what this version knows."""

    id = "unknown-fields-refused"
    summary = "a request with a field that nobody knows is refused"

    class _Strict(Validator):
        known = _CHAT_FIELDS

        def check_texts(self, body: dict[str, Any]) -> None:
            super().check_texts(body)
            for name in body.keys() - self.known:
                raise invalid_chat("body", f"There is no field {name}.")

    class _StrictAgent(_Strict, AgentValidator):
        known = _CHAT_FIELDS | {"session_id"}

    class _StrictRuns(RunValidator):
        def model(self, body: dict[str, Any]) -> str | None:
            for name in body.keys() - _RUN_FIELDS:
                raise invalid_run(f"There is no field {name}.")
            return super().model(body)

    gateway = instead(validator=_Strict)
    agent = instead(validator=_StrictAgent)
    runs = instead(validator=_StrictRuns)


class LoneSurrogate500(Defect):
    """Half of a character is read without complaint, and cannot be written."""

    id = "lone-surrogate-500"
    summary = "a text with half of a surrogate pair is answered by 500"

    class _Trusts(Validator):
        def check_texts(self, body: dict[str, Any]) -> None:
            json.dumps(body, ensure_ascii=False).encode()

    class _TrustsRuns(RunValidator):
        def input(self, body: dict[str, Any]) -> str:
            json.dumps(body, ensure_ascii=False).encode()
            return super().input(body)

    gateway = instead(validator=_Trusts)
    runs = instead(validator=_TrustsRuns)


class OutageRemembered(Defect):
    """What could not be reached once is not asked again."""

    id = "outage-remembered"
    summary = "a provider that could not be reached once is never asked again"

    class _Remembers(Upstream):
        def __init__(self, clients: ProviderClients, google: GoogleTokens) -> None:
            super().__init__(clients, google)
            self._gone: set[str] = set()

        async def complete(self, provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
            if provider.name in self._gone:
                raise UpstreamError(Kind.UNREACHABLE, "the provider cannot be reached")
            try:
                return await super().complete(provider, body)
            except UpstreamError as failure:
                if failure.kind is Kind.UNREACHABLE:
                    self._gone.add(provider.name)
                raise

    shared = instead(upstream=_Remembers)


class RunsOutputCut(Defect):
    """The column was made for short answers."""

    id = "runs-output-cut"
    summary = "a run's output is cut after 100 characters"

    class _Cuts(Generator):
        def words(self, answer: Mapping[str, Any]) -> str:
            return super().words(answer)[:100]

    runs = instead(generator=_Cuts)


class RunsLogWithoutMapping(Defect):
    """The line says what was asked for, and not what answered."""

    id = "runs-log-without-mapping"
    summary = "a run's line in the log does not say which model answered"

    class _Forgets(RunJournal):
        def run(self, run: Run) -> None:
            fields = {"model": run.model.asked, "inputLength": len(run.input), "outputLength": len(run.output)}
            self._log.write(run.user_id, {"event": "run", **self.whose(run), **fields})

    runs = instead(journal=_Forgets)


def _fits(value: object) -> None:
    """Write a number down as a column of 32 bits would have it. Raises struct.error where it does not fit."""
    if isinstance(value, int):
        struct.pack(">i", value)


class TokensOverflow500(Defect):
    """Nobody has so many tokens, somebody thought."""

    id = "tokens-overflow-500"
    summary = "a number of tokens that 32 bits have no room for is answered by 500"

    class _Chats(Validator):
        def limit(self, value: Any, name: str) -> int:
            _fits(value)
            return super().limit(value, name)

    class _Accounts(AccountingValidator):
        def tokens(self, body: dict[str, Any], name: str, least: int = 0) -> int:
            _fits(body.get(name))
            return super().tokens(body, name, least)

    gateway = instead(validator=_Chats)
    chat = instead(accounting_validator=_Accounts)
