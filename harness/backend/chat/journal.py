"""The lines that the log gets for each stream, and for each request that none came of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harness.backend.log import CallLog, stack_of

from .errors import ChatError
from .turn import Turn


class ChatJournal:
    """Writes lines. Lengths are characters; no line holds words of a message or of an answer.

    ``chat.stream``: once for each stream, when it is over. ``sessionId``, ``userId``, ``model``, ``provider``,
    ``status`` (``completed``, ``failed`` or ``client-left``), ``httpStatus``, ``chunkCount``, ``completionLength``,
    ``estimatedTokens``, ``creditsUsed`` (what was charged, whichever way it ended); where the provider did its part
    ``inputTokens``, ``outputTokens`` and ``estimated`` (whether nobody counted them); on failure ``error``, ``stack``
    and ``phase`` (``hold``, ``provider``, ``settle``). ``chat.abort_failed``: accounting could not be told; somebody
    has to see to it. ``chat.refused``: ``userId`` (None where unknown), ``httpStatus``, ``errorCode``, ``message``.
    """

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def stream(self, turn: Turn) -> None:
        """A stream is over."""
        fields: dict[str, Any] = {
            **self.whose(turn),
            "model": turn.ask.model,
            "provider": "bedrock",
            "status": turn.outcome.value,
            "httpStatus": turn.http_status,
            "chunkCount": turn.chunks,
            "completionLength": turn.characters,
            "estimatedTokens": turn.estimated_tokens,
            "creditsUsed": turn.credits,
        }
        if turn.tokens is not None:
            used = turn.tokens
            fields |= {"inputTokens": used.input, "outputTokens": used.output, "estimated": used.estimated}
        if turn.error is not None:
            fields |= {
                "error": f"{type(turn.error).__name__}: {turn.error}",
                "stack": stack_of(turn.error),
                "phase": (turn.failed_in or turn.phase).value,
            }
        self._log.write(turn.user_id, {"event": "chat.stream", **fields})

    def abort_failed(self, turn: Turn, error: BaseException) -> None:
        """Credits may be held for a stream that is over."""
        fields = {**self.whose(turn), "message": str(error), "stack": stack_of(error)}
        self._log.write(turn.user_id, {"event": "chat.abort_failed", **fields})

    def refused(self, user_id: UUID | None, told: ChatError, error: BaseException) -> None:
        """A request was refused; one that failed by our own fault has its stack."""
        fields: dict[str, Any] = {
            "userId": str(user_id) if user_id else None,
            "httpStatus": told.status,
            "errorCode": told.code,
            "message": told.why or told.message,
        }
        if told.status >= 500:
            fields |= {"error": f"{type(error).__name__}: {error}", "stack": stack_of(error)}
        self._log.write(user_id, {"event": "chat.refused", **fields})

    def whose(self, turn: Turn) -> dict[str, str]:
        """What ties a line to its stream."""
        return {"sessionId": str(turn.session_id), "userId": str(turn.user_id)}
