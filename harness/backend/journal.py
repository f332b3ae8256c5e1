"""Lines that the log gets for whatever is charged once: how it was refused, and what became of its charge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from .log import CallLog, stack_of
from .upstream import UpstreamError


class Owned(Protocol):
    """Somebody's."""

    user_id: UUID


class Told(Protocol):
    """What a client read of a failure."""

    status: int
    message: str


Work = TypeVar("Work", bound=Owned)


class WorkJournal(ABC, Generic[Work]):
    """Writes lines. ``REFUSED`` is the event of a request that nothing came of."""

    REFUSED: str

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def refunded(self, work: Work, amount: int) -> None:
        """The charge was given back."""
        self._log.write(work.user_id, {"event": "refund", **self.whose(work), "amount": amount})

    def refund_failed(self, work: Work, error: BaseException) -> None:
        """The charge should have been given back, and was not."""
        fields = {**self.whose(work), "message": self.message(error), "stack": stack_of(error)}
        self._log.write(work.user_id, {"event": "refund_failed", **fields})

    def refused(self, user_id: UUID | None, told: Told, error: BaseException) -> None:
        """A request was refused; one that failed by our own fault has its stack."""
        fields: dict[str, Any] = {
            "userId": str(user_id) if user_id else None,
            "httpStatus": told.status,
            "message": told.message,
        }
        if told.status >= 500:
            fields |= {"error": self.message(error), "stack": stack_of(error)}
        self._log.write(user_id, {"event": self.REFUSED, **fields})

    @abstractmethod
    def whose(self, work: Work) -> dict[str, Any]:
        """What ties a line to its run, or whatever it is about."""

    def upstream(self, error: BaseException) -> dict[str, Any]:
        """``status``, ``type`` and ``code`` of the provider's error, None where it gave none."""
        theirs = error if isinstance(error, UpstreamError) else None
        return {name: getattr(theirs, name, None) for name in ("status", "type", "code")}

    def message(self, error: BaseException) -> str:
        """What went wrong, with the provider's words where there are any; the log takes keys out of them."""
        words = error.words if isinstance(error, UpstreamError) else ""
        return f"{error}: {words}" if words else f"{type(error).__name__}: {error}"
