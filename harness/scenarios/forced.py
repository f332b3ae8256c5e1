"""The mark of requests whose order gates make sure of: see ``core.race``."""

from __future__ import annotations

from typing import Any

from harness.core.race import FORCED

from .stage import Prompt, Stage


def forced(stage: Stage, kind: str, *prompts: Prompt, moment: str, offset: int | None = None, **facts: Any) -> None:
    """These requests are let go at this moment: in words, and after so many content events of the provider's."""
    ties = [prompt.tie for prompt in prompts]
    stage.mark(FORCED, {"kind": kind, "moment": moment, "offset": offset, "requests": ties, **facts})
