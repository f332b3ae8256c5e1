"""Defects in telling the client of a run what went wrong."""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

from harness.backend.runs.errors import ErrorTable, RunError
from harness.backend.runs.request import RunValidator
from harness.backend.runs.service import RunService
from harness.backend.upstream import Kind, UpstreamError

from .base import Defect, instead


class RunsFlattened500(Defect):
    """Whatever the provider did, one sentence says it."""

    id = "runs-flattened-500"
    summary = "every failure of the provider is told by the same generic message"

    class _Flat(ErrorTable):
        def message(self, error: UpstreamError, model: str) -> str:
            return "Failed to generate AI response: internal error"

    runs = instead(errors=_Flat)


class RunsErrorWithoutCode(Defect):
    """Words for people, nothing for programs."""

    id = "runs-error-without-code"
    summary = "a run that failed is answered without a code"

    class _Bare(ErrorTable):
        def answer_body(self, error: RunError) -> dict[str, Any]:
            body = super().answer_body(error)
            return body if error.details is None else {name: body[name] for name in body if name != "code"}

    runs = instead(errors=_Bare)


class RunsErrorWithoutDetails(Defect):
    """Which model, and when: left for the reader to find out."""

    id = "runs-error-without-details"
    summary = "a run that failed is answered without its details"

    class _Bare(ErrorTable):
        def details(self, model: str) -> dict[str, Any] | None:
            return None

    runs = instead(errors=_Bare)


class RunsLeaksKey(Defect):
    """The provider quotes the key that it refuses, and is quoted."""

    id = "runs-leaks-key"
    summary = "the provider's words about the service's key reach the client"

    class _Quotes(ErrorTable):
        def auth_message(self, error: UpstreamError) -> str:
            return error.words or super().auth_message(error)

    runs = instead(errors=_Quotes)


class RunsTimeoutMessageWrong(Defect):
    """Too slow is taken for broken."""

    id = "runs-timeout-message-wrong"
    summary = "a provider that takes too long is reported as one that failed"

    class _Mistakes(ErrorTable):
        def no_connection_message(self, error: UpstreamError) -> str:
            if error.kind is Kind.TIMEOUT:
                return "LLM service is temporarily unavailable. Please try again later."
            return super().no_connection_message(error)

    runs = instead(errors=_Mistakes)


class RunsForeignProject403(Defect):
    """What is forbidden exists."""

    id = "runs-foreign-project-403"
    summary = "another user's project is answered by 403, an absent one by 404"

    class _Tells(RunService):
        def foreign(self) -> RunError:
            return RunError(403, "This project belongs to somebody else")

    runs = instead(service=_Tells)


class RunsNonUuid500(Defect):
    """The database is asked for whatever the path says."""

    id = "runs-non-uuid-500"
    summary = "a project id that is no UUID reaches the database, which fails"

    class _Trusts(RunService):
        def project_id(self, text: str) -> UUID | None:
            return super().project_id(text) or cast("UUID", text)

    runs = instead(service=_Trusts)


class RunsBadJson500(Defect):
    """Nobody thought of a body that is not JSON."""

    id = "runs-bad-json-500"
    summary = "a body that is not JSON is answered by 500"

    class _Trusts(RunValidator):
        def decode(self, raw: bytes) -> Any:
            return json.loads(raw)

    runs = instead(validator=_Trusts)
