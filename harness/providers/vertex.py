"""Vertex AI and the Gemini API as they go over the wire: which call a request is, and what an error says.

Source: the Vertex AI REST reference (publishers' models: rawPredict, streamRawPredict, generateContent,
streamGenerateContent, list) and the Gemini API's, which has the same calls without project and publisher. Claude's
bodies are Anthropic's (``providers.anthropic``), with the model and the wish for a stream in the path and
``anthropic_version`` in the body; Gemini's are ``providers.gemini``. Errors are Google's for both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from harness.core.names import Form

CLAUDE_CALLS = ("rawPredict", "streamRawPredict")
GEMINI_CALLS = ("generateContent", "streamGenerateContent")
TOKEN, MODELS = "token", "models.list"

_CALLS = "|".join((*CLAUDE_CALLS, *GEMINI_CALLS))
_CALL = re.compile(rf"/(?:publishers/(?P<publisher>[^/]+)/)?models/(?P<model>[^/]+?):(?P<call>{_CALLS})$")
_LIST = re.compile(r"/(?:publishers/(?P<publisher>[^/]+)/)?models$")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for. ``publisher`` is None where the path has none: the Gemini API. ``model`` is empty for
    calls that have none; ``events``: a stream is asked for as events (``alt=sse``)."""

    call: str
    publisher: str | None = None
    model: str = ""
    events: bool = False

    @property
    def stream(self) -> bool:
        """Whether the answer is to be a stream."""
        return self.call.startswith("stream")


def target(method: str, path: str) -> Target | None:
    """What a request is for, whatever prefix the base URL has; None where it is none of these calls."""
    plain, _, query = path.partition("?")
    if method == "POST" and (found := _CALL.search(plain)):
        publisher = found["publisher"]
        events = found["call"] in CLAUDE_CALLS or parse_qs(query).get("alt") == ["sse"]
        return Target(found["call"], publisher and unquote(publisher), unquote(found["model"]), events)
    if method == "POST" and plain.endswith("/token"):
        return Target(TOKEN)
    if method == "GET" and (found := _LIST.search(plain)):
        return Target(MODELS, found["publisher"] and unquote(found["publisher"]))
    return None


def form_of(model: str) -> Form:
    """The form of a model's answers, by its name."""
    return Form.EVENTS if model.startswith("claude") else Form.CANDIDATES


def base_model(model: str) -> str:
    """A model's name without its version (``claude-sonnet-4@20250514``)."""
    return model.partition("@")[0]
