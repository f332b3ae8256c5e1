"""The client of project runs: what an application's developer would write against system 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.systems import runs

from .http import Answer, Caller


class RunsClient(Caller):
    """Typed calls of the routes of project runs."""

    async def create(self, project_id: str, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST a run, ``{"input", "model"?}``, and read its answer."""
        return await self.call(runs.RUN, json=body, tie=tie, path=_path(project_id))

    async def raw_create(
        self, project_id: str, raw: bytes, *, tie: str | None = None, content_type: str = "application/json"
    ) -> Answer:
        """POST these bytes in the place of a run, right or wrong."""
        return await self.call(
            runs.RUN, raw=raw, tie=tie, headers={"Content-Type": content_type}, path=_path(project_id)
        )

    async def health(self) -> Answer:
        """GET the state of the service and of what it needs."""
        return await self.call(runs.HEALTH)


def _path(project_id: str) -> Mapping[str, str]:
    """The id as one segment of the address, whatever is in it."""
    return {"project_id": quote(project_id, safe="")}
