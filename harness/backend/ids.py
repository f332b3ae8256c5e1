"""Ids are UUIDs (RFC 9562) in their canonical form of 36 characters; nothing else is accepted for one."""

from __future__ import annotations

import re
from uuid import UUID

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def parse_id(text: object) -> UUID | None:
    """The UUID that a text is, or None: what is no UUID is not found, and never reaches the database."""
    return UUID(text) if isinstance(text, str) and _CANONICAL.fullmatch(text) else None
