"""The line that the log gets for each call."""

from __future__ import annotations

from typing import Any

from harness.backend.log import CallLog, stack_of, without_credentials
from harness.backend.outcome import Outcome

from .call import Call, Record
from .tokens import TokenCounter


class Journal:
    """Writes one line for each call, when it is over.

    Fields: ``event`` (``chat.completions``), ``callId``, ``userId``, ``status`` (``completed``, ``failed`` or
    ``client-left``), ``httpStatus`` (None where no header section went out), and once it is known what is called:
    ``model``, ``provider``, ``baseURL`` (no credentials in it), ``stream``, ``chunkCount`` (chunks passed on, the
    usage chunk not counted), ``completionLength`` (characters given to the client), ``estimatedTokens`` (the estimate
    over the whole call) and ``estimated`` (whether the call was charged by it). On failure ``error``, ``stack`` and
    ``phase`` (``lookup``, ``provider``, ``cost``, ``settle``, ``usage``).
    """

    def __init__(self, log: CallLog, counter: TokenCounter) -> None:
        self._log = log
        self._counter = counter

    def write(self, record: Record, call: Call | None) -> None:
        """The line of a call that is over."""
        fields = self.record_fields(record)
        if call is not None:
            fields |= self.call_fields(call)
        if record.error is not None:
            fields |= self.failure_fields(record, record.error)
        self._log.write(record.user_id, fields)

    def record_fields(self, record: Record) -> dict[str, Any]:
        """What every line has."""
        return {
            "event": "chat.completions",
            "callId": str(record.id),
            "userId": str(record.user_id) if record.user_id else None,
            "status": record.outcome.value,
            "httpStatus": record.http_status,
        }

    def call_fields(self, call: Call) -> dict[str, Any]:
        """What is known once a model was found."""
        estimate = self._counter.estimate(len(call.ask.prompt), call.characters)
        return {
            "model": call.model.name,
            "provider": call.model.provider.name,
            "baseURL": self.base_url(call),
            "stream": call.ask.stream,
            "chunkCount": call.chunks,
            "completionLength": self.completion_length(call),
            "estimatedTokens": estimate.total,
            "estimated": self.estimated(call),
        }

    def base_url(self, call: Call) -> str:
        """Where the provider is."""
        return without_credentials(call.model.provider.base_url)

    def completion_length(self, call: Call) -> int:
        """Characters of the words that the client was given."""
        return call.characters

    def estimated(self, call: Call) -> bool:
        """Whether the tokens charged are an estimate."""
        if call.record.outcome is not Outcome.COMPLETED:
            return True
        return self._counter.sane(call.usage, call.characters) is None

    def failure_fields(self, record: Record, error: BaseException) -> dict[str, Any]:
        """What whoever has to find out needs to know."""
        return {
            "error": f"{type(error).__name__}: {error}",
            "stack": stack_of(error),
            "phase": (record.failed_in or record.phase).value,
        }
