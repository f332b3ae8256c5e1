"""Times as systems write them: RFC 3339, a profile of ISO 8601."""

from __future__ import annotations

from datetime import datetime

from harness.core.recording import Json


def moment(text: Json) -> datetime | None:
    """The moment that a text names; None where it names none, or does not say of which zone."""
    if not isinstance(text, str) or "T" not in text.upper():
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo is not None else None


def utc_offset_s(text: Json) -> float | None:
    """How far the zone of a time is from UTC, in seconds; None where the text is no time with a zone."""
    value = moment(text)
    offset = value.utcoffset() if value else None
    return None if offset is None else offset.total_seconds()
