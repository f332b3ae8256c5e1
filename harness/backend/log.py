"""The log: one JSON object a line, to a stream and to a bounded ring for each user. No secret ever gets in."""

from __future__ import annotations

import json
import re
import traceback
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

LINES_PER_USER = 1_000
USERS = 10_000
STACK_CHARACTERS = 8_000
_SECRET_LENGTH_MIN = 6  # a shorter one would be found in ordinary words
_KEY = re.compile(
    r"\b(?:sk|gsk)[-_][A-Za-z0-9_*-]{6,}|\bya29\.[A-Za-z0-9._-]{6,}|\b(?:AKIA|ASIA)[0-9A-Z]{12,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=*-]{6,}"
)
_FOLDERS = re.compile(r'(?<=File ")[^"\n]*/(?=(?:site-packages|harness|python\d[.\d]*)/)')
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
REDACTED = "[redacted]"


class Scrubber:
    """Takes secrets out of text: the known ones, and whatever looks like a provider's key."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted((secret for secret in secrets if len(secret) >= _SECRET_LENGTH_MIN), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known)) or r"(?!)")

    def clean(self, text: str) -> str:
        """The text with each secret replaced by ``[redacted]`` and credentials cut out of URLs."""
        return _USERINFO.sub("", _KEY.sub(REDACTED, self._known.sub(REDACTED, text)))


class CallLog:
    """Writes lines and keeps the last ones of each user, ``LINES_PER_USER`` at most, for ``USERS`` users at most."""

    def __init__(self, scrubber: Scrubber, stream: TextIO | None = None) -> None:
        self._scrubber = scrubber
        self._stream = stream
        self._rings: OrderedDict[UUID, deque[str]] = OrderedDict()

    def write(self, user_id: UUID | None, fields: Mapping[str, Any]) -> None:
        """One line with these fields and the time in UTC. Texts are scrubbed."""
        row = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        row.update({name: self.safe(value) for name, value in fields.items()})
        line = json.dumps(row)
        if self._stream is not None:
            print(line, file=self._stream, flush=True)
        if user_id is not None:
            self._ring(user_id).append(line)

    def safe(self, value: Any) -> Any:
        """A value fit to be logged."""
        return self._scrubber.clean(value) if isinstance(value, str) else value

    def lines(self, user_id: UUID) -> list[str]:
        """The last lines about a user's calls, oldest first."""
        return list(self._rings.get(user_id, ()))

    def _ring(self, user_id: UUID) -> deque[str]:
        ring = self._rings.setdefault(user_id, deque(maxlen=LINES_PER_USER))
        self._rings.move_to_end(user_id)
        if len(self._rings) > USERS:
            self._rings.popitem(last=False)
        return ring


def without_credentials(url: str) -> str:
    """The URL without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def stack_of(error: BaseException) -> str:
    """The error's stack with those of its causes; of a long one the end, which has the error itself.

    Files are named from their package on: where a server keeps its code is nobody's business who reads its log.
    """
    return _FOLDERS.sub("", "".join(traceback.format_exception(error)))[-STACK_CHARACTERS:]
