"""Which recorded exchange answers a request: by method, address and body, first come first served. Pure."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from harness.core.errors import PlaybackMiss
from harness.core.recording import Exchange, Whole, shortened

from .redact import MARKER, Redactor

_COMPARED_CHARS = 500
_HIDDEN = b"[REDACTED]"


class Matcher:
    """Recorded exchanges, handed out once each, those of one request in the order they were sent.

    Hosts are compared only ``with_host``: a simulator's port is another in every run. What the redactor finds in a
    request counts as equal to what was taken out of the recording.
    """

    def __init__(
        self, exchanges: Iterable[Exchange], *, with_host: bool = False, redactor: Redactor | None = None
    ) -> None:
        self._with_host = with_host
        self._redactor = redactor or Redactor()
        self._waiting: dict[str, Exchange] = {}
        self._by_body: defaultdict[str, deque[str]] = defaultdict(deque)
        self._by_address: defaultdict[str, deque[str]] = defaultdict(deque)
        for exchange in sorted(exchanges, key=lambda one: one.request.sent_ns):
            request = exchange.request
            self._waiting[exchange.id] = exchange
            body = self._key(request.method, request.url, request.body, request.whole)
            self._by_body[body].append(exchange.id)
            self._by_address[self._key(request.method, request.url, None)].append(exchange.id)

    @property
    def leftovers(self) -> tuple[Exchange, ...]:
        """What nobody has asked for yet, by the time it was sent."""
        return tuple(self._waiting.values())

    def take(self, method: str, url: str, body: bytes | None) -> Exchange:
        """The next exchange of this request; a body of None (one that cannot be known yet) matches any.

        Raises:
            PlaybackMiss: there is none, or none any more; names the nearest.
        """
        queues = self._by_address if body is None else self._by_body
        queue = queues.get(self._key(method, url, body), deque())
        if not queue and body and (whole := shortened(body)[1]):
            queue = queues.get(self._key(method, url, body, whole), queue)
        while queue:
            exchange = self._waiting.pop(queue.popleft(), None)
            if exchange is not None:
                return exchange
        raise self._miss(method, url, body)

    def _key(self, method: str, url: str, body: bytes | None, whole: Whole | None = None) -> str:
        address = self._address(method, url).encode("utf-8", "surrogatepass")
        if whole is not None:  # all that is known of a long body is what the whole was
            content = f"#{whole.size} {whole.sha256}".encode()
        else:
            content = b"*" if body is None else b"=" + self._content(body)
        return hashlib.sha256(address + b"\n" + content).hexdigest()

    def _address(self, method: str, url: str) -> str:
        """Method and address in one spelling: percent signs resolved, parameters sorted, no fragment."""
        try:
            parts = urlsplit(url)
        except ValueError:  # recorded from a test of addresses
            return f"{method} {url}"
        query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
        host = f"{parts.scheme}://{parts.netloc}" if self._with_host else ""
        path = self._hide(unquote(parts.path or "/").encode("utf-8", "surrogatepass"))
        clean = path + (b"?" + self._hide(unquote(query).encode("utf-8", "surrogatepass")) if query else b"")
        return f"{method.upper()} {host}{clean.decode('utf-8', 'surrogatepass')}"

    def _content(self, body: bytes) -> bytes:
        """A body in one spelling: JSON with sorted keys and no spaces, anything else as it is."""
        try:
            value = json.loads(body)
            body = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            pass
        return self._hide(body)

    def _hide(self, data: bytes) -> bytes:
        return MARKER.sub(_HIDDEN, self._redactor.data(data))

    def _miss(self, method: str, url: str, body: bytes | None) -> PlaybackMiss:
        asked = self._shown(method, url, body or b"")
        shown = {
            one.id: self._shown(one.request.method, one.request.url, one.request.body) for one in self._waiting.values()
        }
        nearest = difflib.get_close_matches(asked, shown.values(), n=1, cutoff=0.0)
        if not nearest:
            return PlaybackMiss(f"{self._address(method, url)} is not in the recording, or was played already")
        identity = next(identity for identity, text in shown.items() if text == nearest[0])
        near = self._waiting[identity].request
        same = self._address(near.method, near.url) == self._address(method, url)
        differs = f"; its body differs: {self._difference(asked, nearest[0])}" if same else ""
        return PlaybackMiss(
            f"{self._address(method, url)} is not in the recording, or was played already",
            fix=f"The nearest is {identity}, {self._address(near.method, near.url)}{differs}.",
        )

    def _shown(self, method: str, url: str, body: bytes) -> str:
        return f"{self._address(method, url)} {self._content(body).decode('utf-8', 'replace')}"[:_COMPARED_CHARS]

    @staticmethod
    def _difference(asked: str, recorded: str) -> str:
        at = next((at for at, (one, two) in enumerate(zip(asked, recorded, strict=False)) if one != two), None)
        at = min(len(asked), len(recorded)) if at is None else at
        start = max(0, at - 20)
        return f"asked ...{asked[start : at + 20]!r}, recorded ...{recorded[start : at + 20]!r}"
