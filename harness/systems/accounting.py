"""The service beside chat that keeps its credits: routes and answers, as data."""

from __future__ import annotations

from .route import Outcome, Route

NAME = "accounting"
URL_SETTING = "ACCOUNTING_URL"
"""The setting that tells chat where accounting is."""

CHECK = Route("accounting.check", "POST", "/credits/check")
INITIALIZE = Route("accounting.initialize", "POST", "/streaming-sessions/initialize")
FINALIZE = Route("accounting.finalize", "POST", "/streaming-sessions/{session_id}/finalize")
ABORT = Route("accounting.abort", "POST", "/streaming-sessions/{session_id}/abort")
ROUTES = (CHECK, INITIALIZE, FINALIZE, ABORT)
ENDS = (FINALIZE.name, ABORT.name)
"""The calls that end a hold."""

OPERATION = "streaming"
INITIALIZE_FIELDS = ("sessionId", "userId", "modelId", "estimatedTokens")
INITIALIZED_STATUS = 201

INVALID = Outcome(400, "INVALID_REQUEST")
INSUFFICIENT = Outcome(402, "INSUFFICIENT_CREDITS")
FORBIDDEN = Outcome(403, "FORBIDDEN")
NOT_FOUND = Outcome(404, "SESSION_NOT_FOUND")
OPEN_ALREADY = Outcome(409, "SESSION_ALREADY_OPEN")
