"""Defects in what whoever operates runs relies on: settings, banner, health and log."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from harness.backend.banner import MASK, PREFIX, Banner
from harness.backend.configuration import Configuration
from harness.backend.dotenv import DotEnv
from harness.backend.log import CallLog
from harness.backend.runs.errors import RunError
from harness.backend.runs.health import Health
from harness.backend.runs.journal import RunJournal
from harness.backend.runs.run import Run
from harness.backend.settings import SETTINGS

from .base import Defect, instead


class RunsEnvRunTogetherAccepted(Defect):
    """Whatever follows the first ``=`` is the value."""

    id = "runs-env-run-together-accepted"
    summary = "two settings that have run together on one line are taken for one"

    class _Trusts(Configuration):
        def dotenv(self) -> DotEnv:
            return DotEnv(())

    shared = instead(configuration=_Trusts)


class RunsEnvOnePairKnown(Defect):
    """The incident had a model and a port."""

    id = "runs-env-one-pair-known"
    summary = "two settings that have run together are told from one only where the second is the port"

    class _Remembers(Configuration):
        def dotenv(self) -> DotEnv:
            return DotEnv(("PORT",))

    shared = instead(configuration=_Remembers)
    touches = ("runs",)


class RunsEnvQuotesTrusted(Defect):
    """What has quotes around it ends where they do."""

    id = "runs-env-quotes-trusted"
    summary = "a setting that has run together with a quoted one is not looked for, and lost"

    class _Lines(DotEnv):
        def value(self, name: str, rest: str, where: str) -> str:
            quote = rest[:1]
            return rest[1:].partition(quote)[0] if quote in ("'", '"') else super().value(name, rest, where)

    class _Reads(Configuration):
        def dotenv(self) -> DotEnv:
            return RunsEnvQuotesTrusted._Lines(SETTINGS)

    shared = instead(configuration=_Reads)
    touches = ("runs",)


class RunsEnvCommentsRead(Defect):
    """Two names and two signs are two settings, wherever they stand."""

    id = "runs-env-comments-read"
    summary = "a comment that names a setting stops the start"

    class _Lines(DotEnv):
        def value(self, name: str, rest: str, where: str) -> str:
            self.check(name, rest, where)
            return super().value(name, rest, where)

    class _Reads(Configuration):
        def dotenv(self) -> DotEnv:
            return RunsEnvCommentsRead._Lines(SETTINGS)

    shared = instead(configuration=_Reads)
    touches = ("runs",)


class RunsBannerHalfMasked(Defect):
    """Half of a key opens no door."""

    id = "runs-banner-half-masked"
    summary = "the start-up banner shows half of each key"

    class _Shows(Banner):
        def masked(self, secret: str) -> str:
            return secret[: len(secret) // 2] + MASK

    shared = instead(banner=_Shows)
    touches = ("runs",)


class RunsBannerEndsShown(Defect):
    """Both ends, as on a receipt."""

    id = "runs-banner-ends-shown"
    summary = "the start-up banner shows the first and the last characters of each key"

    class _Shows(Banner):
        def masked(self, secret: str) -> str:
            return f"{secret[:PREFIX]}{MASK}{secret[-PREFIX:]}"

    shared = instead(banner=_Shows)
    touches = ("runs",)


class RunsBannerUnmasked(Defect):
    """The banner helps to find out which key is set."""

    id = "runs-banner-unmasked"
    summary = "the start-up banner shows the keys"

    class _Shows(Banner):
        def masked(self, secret: str) -> str:
            return secret

    shared = instead(banner=_Shows)


class RunsHealthAlwaysOk(Defect):
    """The process answers, so it is well."""

    id = "runs-health-always-ok"
    summary = "the health check says ok whatever is down"

    class _Hopes(Health):
        async def ask_provider(self) -> bool:
            return True

        async def store_up(self) -> bool:
            return True

    runs = instead(health=_Hopes)


class RunsHealthShowsSecret(Defect):
    """The answer says which key is in use."""

    id = "runs-health-shows-secret"
    summary = "the health check shows the provider's key"

    class _Shows(Health):
        def body(self, store: bool, provider: bool) -> dict[str, Any]:
            return {**super().body(store, provider), "apiKey": self._provider.api_key}

    runs = instead(health=_Shows)


class RunsHealthNeedsToken(Defect):
    """Who watches the service has no account there."""

    id = "runs-health-needs-token"
    summary = "the health check asks for a token"

    class _Asks(Health):
        async def handle(self, request: web.Request) -> web.Response:
            if "Authorization" in request.headers:
                return await super().handle(request)
            told = RunError(401, "A bearer token is required.", headers={"WWW-Authenticate": "Bearer"})
            return web.json_response(told.body(), status=told.status, headers=dict(told.headers))

    runs = instead(health=_Asks)


class RunsKeyInLog(Defect):
    """Texts are logged as they come; a provider's 401 quotes the key."""

    id = "runs-key-in-log"
    summary = "the line of a failed run holds the provider's key"

    class _Trusts(CallLog):
        def safe(self, value: Any) -> Any:
            return value

    shared = instead(log=_Trusts)


class RunsLogMissingFailure(Defect):
    """The client was told; nobody else was."""

    id = "runs-log-missing-failure"
    summary = "a run that failed has no line that says why"

    class _Forgets(RunJournal):
        def failed(self, run: Run, error: BaseException) -> None:
            return

    runs = instead(journal=_Forgets)


class RunsLogMissingRefund(Defect):
    """Credits come back, and the log does not know."""

    id = "runs-log-missing-refund"
    summary = "a refund is not in the log"

    class _Forgets(RunJournal):
        def refunded(self, run: Run, amount: int) -> None:
            return

    runs = instead(journal=_Forgets)
