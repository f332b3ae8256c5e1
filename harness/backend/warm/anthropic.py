"""Anthropic's library."""

from __future__ import annotations

from . import late

late(("harness.backend.dialects.anthropic", "anthropic.resources.messages"))
