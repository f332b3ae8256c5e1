"""Defects in what the agent makes of a list of models that Vertex AI refuses."""

from __future__ import annotations

from typing import Any

from harness.backend.agent.models import VertexModels
from harness.backend.upstream import UpstreamError

from .base import Defect, instead


class AgentModelsFailureFlattened(Defect):
    """A failure is a failure."""

    id = "agent-models-failure-flattened"
    summary = "a list of models that Vertex refuses is a 500, whatever Vertex said"

    class _Flat(VertexModels):
        async def listed(self) -> list[tuple[str, str]]:
            try:
                return await super().listed()
            except UpstreamError as failure:
                raise RuntimeError("the list cannot be read") from failure

    agent = instead(models=_Flat)


class AgentModelsFailureKept(Defect):
    """What Vertex said is kept for a while, whatever it was."""

    id = "agent-models-failure-kept"
    summary = "a list of models that Vertex refused is refused until a list would be old, without asking again"

    class _Keeps(VertexModels):
        def __init__(self, *parts: Any, **more: Any) -> None:
            super().__init__(*parts, **more)
            self._failed: UpstreamError | None = None
            self._failed_until_s = 0.0

        async def ask(self, page: str) -> Any:
            if self._failed is not None and self._clock.now_s() < self._failed_until_s:
                raise self._failed
            try:
                return await super().ask(page)
            except UpstreamError as failure:
                self._failed, self._failed_until_s = failure, self._clock.now_s() + self._fresh_s
                raise

    agent = instead(models=_Keeps)
