"""The client of training plans: what an application's developer would write against system 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.systems import workflow

from .http import Answer, Caller


class WorkflowClient(Caller):
    """Typed calls of the workflow's route."""

    async def create(self, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST a request for a plan, ``{"user_profile", "questionnaires", "context"}``, and read its answer."""
        return await self.call(workflow.PLAN, json=body, tie=tie)

    async def raw_create(self, raw: bytes, *, tie: str | None = None) -> Answer:
        """POST these bytes in the place of a request, right or wrong."""
        return await self.call(workflow.PLAN, raw=raw, tie=tie)
