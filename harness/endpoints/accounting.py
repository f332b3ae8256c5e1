"""The client of chat's accounting: what chat itself asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.systems import accounting

from .http import Answer, Caller


class AccountingClient(Caller):
    """Typed calls of accounting's routes."""

    async def check(self, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST the question whether a stream may begin."""
        return await self.call(accounting.CHECK, json=body, tie=tie)

    async def initialize(self, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST the hold of a stream."""
        return await self.call(accounting.INITIALIZE, json=body, tie=tie)

    async def finalize(self, session_id: str, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST the end of a stream that went well."""
        return await self.call(accounting.FINALIZE, json=body, tie=tie, path=_path(session_id))

    async def abort(self, session_id: str, body: Mapping[str, Any], *, tie: str | None = None) -> Answer:
        """POST the end of a stream that was broken off."""
        return await self.call(accounting.ABORT, json=body, tie=tie, path=_path(session_id))


def _path(session_id: str) -> Mapping[str, str]:
    """The id as one segment of the address, whatever is in it."""
    return {"session_id": quote(session_id, safe="")}
