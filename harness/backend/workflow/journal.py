"""The lines that the log gets for each plan."""

from __future__ import annotations

from typing import Any

from harness.backend.journal import WorkJournal
from harness.backend.log import stack_of

from .plan import Plan


class PlanJournal(WorkJournal[Plan]):
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

    REFUSED = "plan_refused"

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
        fields = {
            **self.whose(plan),
            "message": self.message(error),
            "stack": stack_of(error),
            "polls": plan.polls,
            **self.upstream(error),
        }
        self._log.write(plan.user_id, {"event": "plan_failed", **fields})

    def whose(self, plan: Plan) -> dict[str, Any]:
        """What ties a line to its plan."""
        return {"planId": str(plan.id), "userId": str(plan.user_id)}

    def polled(self, plan: Plan) -> dict[str, Any]:
        """How far the polls have come."""
        return {"polls": plan.polls, "waitedSeconds": plan.waited_s}
