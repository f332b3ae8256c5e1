"""Session ids: UUIDs, and the old-style ids that clients still send."""

from __future__ import annotations

import re
from uuid import UUID, uuid4, uuid5

from harness.backend.gateway.errors import GatewayError
from harness.backend.ids import parse_id

NAMESPACE = UUID("2e3fa67b-2b55-5e76-bfac-1d0fb160dde5")
"""UUID v5 of ``urn:llm-contract-harness:agent:old-style-session-ids`` in the namespace of URLs. Never to be changed:
every session that was found by an old-style id is found through it."""

_OLD_STYLE = re.compile(r"session-[0-9]{1,20}-[A-Za-z0-9._~-]{1,128}")


class SessionIds:
    """Makes and reads ids of sessions."""

    def new(self) -> UUID:
        """The id of a new session."""
        return uuid4()

    def read(self, text: object) -> UUID:
        """The session that an id means. Raises GatewayError (400) for what is neither a UUID nor an old-style id.

        An old-style id is ``session-<ms>-<random>``: up to 20 digits, whatever time they tell, and up to 128 characters
        that a URL takes as they are (RFC 3986 section 2.3), for there is no knowing what each client drew from.
        """
        if isinstance(text, str) and self.old_style(text):
            return self.mapped(text)
        found = parse_id(text)
        if found is None:
            raise self.refusal()
        return found

    def old_style(self, text: str) -> bool:
        """Whether a text is an old-style id."""
        return _OLD_STYLE.fullmatch(text) is not None

    def mapped(self, text: str) -> UUID:
        """The UUID of an old-style id: name-based, version 5 (RFC 9562 section 5.5), the whole text as UTF-8 the name.

        The same text always gives the same UUID, whoever sends it and in whichever process.
        """
        return uuid5(NAMESPACE, text)

    def refusal(self) -> GatewayError:
        """The refusal of what is no id."""
        message = "session_id must be a UUID, or an old-style id: session-<milliseconds>-<random>."
        return GatewayError(400, "invalid_session_id", message, param="session_id")
