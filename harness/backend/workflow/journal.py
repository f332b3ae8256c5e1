"""The lines that the log gets for each plan."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.backend.log import CallLog, stack_of
from harness.backend.upstream import UpstreamError

from .errors import PlanError
from .plan import Plan


class PlanJournal:
    """Writes lines. No line holds what was asked for, what came of it, or a key.

    ``plan``: once for each plan, when it is over. ``planId``, ``userId``, ``sessionId`` (empty where none was made),
    ``polls``, ``waitedSeconds`` (between the polls), ``status`` (``completed``, ``failed`` or ``client-left``),
    ``httpStatus`` (None where the client had left).
    ``plan_progress``: every ten polls without an answer. ``planId``, ``userId``, ``polls``, ``waitedSeconds``.
    ``plan_failed``: in addition for one that failed. ``planId``, ``userId``, ``message``, ``stack``, ``polls``;
    ``status``, ``type`` and ``code`` of the provider's error, None where it gave none.
    ``refund``: ``planId``, ``userId``, ``amount``. ``refund_failed``: with ``message`` and ``stack`` in place of the
    amount; somebody has to see to it.
    ``plan_refused``: a request that no plan came of. ``userId`` (None where unknown), ``httpStatus``, ``message``.
    """

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def plan(self, plan: Plan) -> None:
        """A plan is over."""
        fields = {
            **self.whose(plan),
            "sessionId": plan.session_id,
            **self.polled(plan),
            "status": plan.outcome.value,
            "httpStatus": plan.http_status,
        }
        self._log.write(plan.user_id, {"event": "plan", **fields})

    def progress(self, plan: Plan) -> None:
        """There is still no answer."""
        self._log.write(plan.user_id, {"event": "plan_progress", **self.whose(plan), **self.polled(plan)})

    def failed(self, plan: Plan, error: BaseException) -> None:
        """A plan failed."""
        upstream = error if isinstance(error, UpstreamError) else None
        fields = {
            **self.whose(plan),
            "message": self.message(error),
            "stack": stack_of(error),
            "polls": plan.polls,
            "status": upstream.status if upstream else None,
            "type": upstream.type if upstream else None,
            "code": upstream.code if upstream else None,
        }
        self._log.write(plan.user_id, {"event": "plan_failed", **fields})

    def refunded(self, plan: Plan, amount: int) -> None:
        """The charge of a plan was given back."""
        self._log.write(plan.user_id, {"event": "refund", **self.whose(plan), "amount": amount})

    def refund_failed(self, plan: Plan, error: BaseException) -> None:
        """The charge of a plan should have been given back, and was not."""
        fields = {**self.whose(plan), "message": self.message(error), "stack": stack_of(error)}
        self._log.write(plan.user_id, {"event": "refund_failed", **fields})

    def refused(self, user_id: UUID | None, told: PlanError, error: BaseException) -> None:
        """A request was refused; one that failed by our own fault has its stack."""
        fields: dict[str, Any] = {
            "userId": str(user_id) if user_id else None,
            "httpStatus": told.status,
            "message": told.message,
        }
        if told.status >= 500:
            fields |= {"error": self.message(error), "stack": stack_of(error)}
        self._log.write(user_id, {"event": "plan_refused", **fields})

    def whose(self, plan: Plan) -> dict[str, Any]:
        """What ties a line to its plan."""
        return {"planId": str(plan.id), "userId": str(plan.user_id)}

    def polled(self, plan: Plan) -> dict[str, Any]:
        """How far the polls have come."""
        return {"polls": plan.polls, "waitedSeconds": plan.waited_s}

    def message(self, error: BaseException) -> str:
        """What went wrong, with the provider's words where there are any; the log takes keys out of them."""
        words = error.words if isinstance(error, UpstreamError) else ""
        return f"{error}: {words}" if words else f"{type(error).__name__}: {error}"
