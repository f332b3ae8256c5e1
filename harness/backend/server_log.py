"""What the HTTP server itself has to say, in lines of the backend's log: it knows of no user, and of no JSON."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

from .log import CallLog, stack_of

NAME = "harness.backend.http"
ERROR_CHARACTERS = 500


class ServerLines(logging.Handler):
    """Writes each record as a line ``{"event": "http_server", "level", "message", "error"?, "stack"?}``.

    A request that is not HTTP is its sender's mistake: it is told without a stack, and not with all of its bytes.
    """

    def __init__(self, log: CallLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        fields = {"event": "http_server", "level": record.levelname.lower(), "message": record.getMessage()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["error"] = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]
            if not isinstance(error.__cause__ or error, HttpProcessingError):
                fields["stack"] = stack_of(error)
        try:
            self._log.write(None, fields)
        except (OSError, ValueError):  # raised into the server it would leave the connection open and unanswered
            self.handleError(record)


def server_logger(log: CallLog) -> logging.Logger:
    """A logger for aiohttp's servers. Of this backend alone: a registered one would be shared by all of a process."""
    logger = logging.Logger(NAME, logging.WARNING)  # noqa: LOG001 - see above
    logger.addHandler(ServerLines(log))
    return logger
