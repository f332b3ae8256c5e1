"""The lines that the log gets for each run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.backend.log import CallLog, stack_of
from harness.backend.upstream import UpstreamError

from .errors import RunError
from .run import Run


class RunJournal:
    """Writes lines. Lengths are characters; no line holds the input, the output or a key.

    ``run``: once for each run, when it is over. ``runId``, ``userId``, ``projectId``, ``model`` (as asked for),
    ``mappedModel``, ``inputLength``, ``outputLength`` (0 where there is no output), ``status`` (``completed``,
    ``failed`` or ``client-left``), ``httpStatus`` (None where the client had left).
    ``run_failed``: in addition for one that failed. ``runId``, ``userId``, ``projectId``, ``message``, ``stack``,
    ``model``, ``inputLength``; ``status``, ``type`` and ``code`` of the provider's error, None where it gave none.
    ``refund``: ``runId``, ``userId``, ``projectId``, ``amount``. ``refund_failed``: the same with ``message`` and
    ``stack`` in place of the amount; somebody has to see to it.
    ``run_refused``: a request that no run came of, for lack of credit too. ``userId`` (None where unknown),
    ``httpStatus``, ``message``.
    """

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def run(self, run: Run) -> None:
        """A run is over."""
        fields = {
            **self.whose(run),
            "model": run.model.asked,
            "mappedModel": run.model.mapped,
            "inputLength": len(run.input),
            "outputLength": len(run.output),
            "status": run.outcome.value,
            "httpStatus": run.http_status,
        }
        self._log.write(run.user_id, {"event": "run", **fields})

    def failed(self, run: Run, error: BaseException) -> None:
        """A run failed."""
        fields = {
            **self.whose(run),
            "message": self.message(error),
            "stack": stack_of(error),
            "model": run.model.asked,
            "inputLength": len(run.input),
            "status": error.status if isinstance(error, UpstreamError) else None,
            "type": error.type if isinstance(error, UpstreamError) else None,
            "code": error.code if isinstance(error, UpstreamError) else None,
        }
        self._log.write(run.user_id, {"event": "run_failed", **fields})

    def refunded(self, run: Run, amount: int) -> None:
        """The charge of a run was given back."""
        self._log.write(run.user_id, {"event": "refund", **self.whose(run), "amount": amount})

    def refund_failed(self, run: Run, error: BaseException) -> None:
        """The charge of a run should have been given back, and was not."""
        fields = {**self.whose(run), "message": self.message(error), "stack": stack_of(error)}
        self._log.write(run.user_id, {"event": "refund_failed", **fields})

    def refused(self, user_id: UUID | None, told: RunError, error: BaseException) -> None:
        """A request was refused; one that failed by our own fault has its stack."""
        fields: dict[str, Any] = {
            "userId": str(user_id) if user_id else None,
            "httpStatus": told.status,
            "message": told.message,
        }
        if told.status >= 500:
            fields |= {"error": self.message(error), "stack": stack_of(error)}
        self._log.write(user_id, {"event": "run_refused", **fields})

    def whose(self, run: Run) -> dict[str, Any]:
        """What ties a line to its run."""
        return {"runId": str(run.id), "userId": str(run.user_id), "projectId": str(run.project_id)}

    def message(self, error: BaseException) -> str:
        """What went wrong, with the provider's words where there are any; the log takes keys out of them."""
        words = error.words if isinstance(error, UpstreamError) else ""
        return f"{error}: {words}" if words else f"{type(error).__name__}: {error}"
