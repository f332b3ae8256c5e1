"""The lines that the log gets for each run."""

from __future__ import annotations

from typing import Any

from harness.backend.journal import WorkJournal
from harness.backend.log import stack_of

from .run import Run


class RunJournal(WorkJournal[Run]):
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

    REFUSED = "run_refused"

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
            **self.upstream(error),
        }
        self._log.write(run.user_id, {"event": "run_failed", **fields})

    def whose(self, run: Run) -> dict[str, Any]:
        """What ties a line to its run."""
        return {"runId": str(run.id), "userId": str(run.user_id), "projectId": str(run.project_id)}
