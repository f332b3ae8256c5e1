"""In which forms each provider answers, and those that have something in common."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .names import Form, Provider

FORMS: Mapping[Provider, frozenset[Form]] = MappingProxyType(
    {
        **dict.fromkeys((Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE), frozenset({Form.CHUNKS})),
        Provider.ANTHROPIC: frozenset({Form.EVENTS}),
        Provider.BEDROCK: frozenset({Form.FRAMES}),
        Provider.VERTEX: frozenset({Form.EVENTS, Form.CANDIDATES}),
        Provider.CHATKIT: frozenset({Form.DOCUMENTS}),
    }
)
"""The forms of each provider's answers, where nothing says which one was asked for."""

LINES = frozenset({Form.CHUNKS, Form.EVENTS})
"""Event streams whose lines may end in either way, with comments between events."""

MODELS = frozenset(Form) - {Form.DOCUMENTS}
"""Answers of models, which count tokens and have choices, whatever they call them."""

CLAUDE = frozenset({Form.EVENTS, Form.FRAMED_EVENTS})
"""Anthropic's events, whatever carries them."""
