"""Whether a streamed answer came to its end, by the words with which each protocol ends one.

For telling a recording that holds only the beginning of a stream. Nothing here says that the stream was right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")
_STARTS = (b"data:", b"event:", b":")

_ANTHROPIC = re.compile(rb'"type":\s*"(?:message_stop|error)"')
_GEMINI = re.compile(rb'"(?:finishReason|blockReason|error)"')

TERMINALS: Mapping[str, re.Pattern[bytes]] = MappingProxyType(
    {
        "chat.completions": re.compile(rb'data: ?\[DONE\]|"finish_reason":\s*"|"error":\s*[{"]'),
        "responses": re.compile(rb'"type":\s*"(?:response\.(?:completed|incomplete|failed)|error)"'),
        "messages": _ANTHROPIC,
        "streamRawPredict": _ANTHROPIC,
        "streamGenerateContent": _GEMINI,
        "converse-stream": re.compile(rb"messageStop|:exception-type"),
    }
)
"""By endpoint: what every stream that ended by itself, well or not, has in it."""


def unfinished(endpoint: str, content_type: str | None, body: bytes) -> bool:
    """Whether a body is a stream of this endpoint, and its end is not in it; False where that cannot be told."""
    terminal = TERMINALS.get(endpoint)
    label = (content_type or "").partition(";")[0].strip().lower()
    if terminal is None or not (label in _STREAMS or body.lstrip()[:6].startswith(_STARTS)):
        return False
    return terminal.search(body) is None
