"""What can go wrong with a call of a provider, in one vocabulary, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What went wrong at a provider."""

    AUTH = "auth"  # it refused our key
    NOT_FOUND = "not-found"  # it has no such model
    REFUSED = "refused"  # it refused the request itself, and said why
    RATE_LIMITED = "rate-limited"
    UNAVAILABLE = "unavailable"  # it failed by its own account
    UNREACHABLE = "unreachable"  # no connection, or none that gave an answer
    TIMEOUT = "timeout"
    INVALID = "invalid"  # it answered what its protocol does not allow
    INCOMPLETE = "incomplete"  # its stream ended without an end


class UpstreamError(Exception):
    """A provider failed. ``words`` are the provider's own (they may hold a key) and empty where it said nothing.

    ``said`` is whether the provider told us so itself, rather than falling silent or breaking off. ``asked`` is whether
    it was asked at all, rather than somebody who is asked before it. ``type`` and ``code`` are those of the provider's
    error object.
    """

    def __init__(
        self,
        kind: Kind,
        why: str,
        *,
        words: str = "",
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        said: bool = False,
        asked: bool = True,
    ) -> None:
        self.kind = kind
        self.words = words
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.said = said
        self.asked = asked
        super().__init__(why)


def kind_of_status(status: int) -> Kind:
    """What a status code of 300 or above means."""
    known = {401: Kind.AUTH, 403: Kind.AUTH, 404: Kind.NOT_FOUND, 408: Kind.TIMEOUT, 429: Kind.RATE_LIMITED}
    if status in known:
        return known[status]
    if status in (400, 413, 422):
        return Kind.REFUSED
    return Kind.INVALID if status < 400 else Kind.UNAVAILABLE


def object_of(answer: object) -> dict[str, Any]:
    """An answer that must be a JSON object. Raises UpstreamError."""
    if not isinstance(answer, dict):
        raise UpstreamError(Kind.INVALID, "the provider's answer is not a JSON object")
    return answer


def told(status: int, error: Mapping[str, Any], *, retry_after: str | None = None) -> UpstreamError:
    """A provider's error with its status; ``error`` is its error object, empty where there was none."""
    return UpstreamError(
        kind_of_status(status),
        f"the provider answered {status}",
        words=text_of(error.get("message")) or "",
        status=status,
        type=text_of(error.get("type")),
        code=text_of(error.get("code")),
        param=text_of(error.get("param")),
        retry_after=retry_after,
        said=True,
    )


def told_in_band(kind: Kind, error: Mapping[str, Any]) -> UpstreamError:
    """A provider's error inside a stream."""
    return UpstreamError(
        kind,
        "the provider said inside its stream that it failed",
        words=text_of(error.get("message")) or "",
        type=text_of(error.get("type")),
        code=text_of(error.get("code")),
        param=text_of(error.get("param")),
        said=True,
    )


def broken_off(*, answered: bool, streaming: bool) -> UpstreamError:
    """A connection that failed: before there was an answer, or in the middle of one."""
    if not answered:
        return UpstreamError(Kind.UNREACHABLE, "the provider cannot be reached")
    if streaming:
        return UpstreamError(Kind.INCOMPLETE, "the provider broke off its stream")
    return UpstreamError(Kind.INVALID, "the provider broke off its answer")


def too_late() -> UpstreamError:
    """A provider that did not answer, or not go on, in time."""
    return UpstreamError(Kind.TIMEOUT, "the provider took too long")


def unreadable(error: BaseException) -> UpstreamError:
    """An answer that the library, or we, cannot read."""
    return UpstreamError(Kind.INVALID, f"the provider's answer cannot be read: {type(error).__name__}")


def text_of(value: object) -> str | None:
    """A value that is a text, else None."""
    return value if isinstance(value, str) else None
