"""Whether a streamed answer came to its end, by the words with which each protocol ends one.

For telling a recording that holds only the beginning of a stream. Nothing here says that the stream was right.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson")
_STARTS = (b"data:", b"event:", b":")


def _in_base64(word: bytes) -> Iterator[bytes]:
    """What a word inside of something base64-coded looks like, at each of the three places it can begin."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + word)
        yield coded[-(-shift * 8 // 6) : -4]  # the last group depends on what follows


_ANTHROPIC = re.compile(rb'"type":\s*"(?:message_stop|error)"')
_RESPONSES = re.compile(rb'"type":\s*"(?:response\.(?:completed|incomplete|failed)|error)"')
_METRICS = b"|".join(re.escape(form) for form in _in_base64(b"amazon-bedrock-invocationMetrics"))
_GEMINI = re.compile(rb'"(?:finishReason|blockReason|error)"')

TERMINALS: Mapping[str, re.Pattern[bytes]] = MappingProxyType(
    {
        "chat.completions": re.compile(rb'data: ?\[DONE\]|"finish_reason":\s*"|"error":\s*[{"]'),
        "completions": re.compile(rb'data: ?\[DONE\]|"finish_reason":\s*"|"done":\s*true|"error":\s*["{]'),
        "chat": re.compile(rb'"type":\s*"message-end"|"done":\s*true|"error":\s*["{]'),
        "responses": _RESPONSES,
        "responses.other": _RESPONSES,
        "messages": _ANTHROPIC,
        "streamRawPredict": _ANTHROPIC,
        "streamGenerateContent": _GEMINI,
        "converse-stream": re.compile(rb"messageStop|:exception-type"),
        "invoke-with-response-stream": re.compile(_METRICS + rb"|:exception-type"),
        "threads": re.compile(rb"event: ?(?:done|error)"),
        "audio": re.compile(rb'data: ?\[DONE\]|"type":\s*"(?:[a-z.]+\.done|error)"'),
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
