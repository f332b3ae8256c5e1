"""An exchange under construction: the tap and the simulators note what they see, with the time they saw it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .recording import STILL_OPEN, Ending, Exchange, Fidelity, Headers, Request, Response, Segment, Side


@dataclass(kw_only=True, slots=True)
class Draft:
    """One exchange while it happens. Times are the recording's, in nanoseconds; the draft reads no clock.

    After ``end`` the draft is closed and further notes are ignored: a connection may be lost after its message
    was complete, and that is not an ending of the exchange.
    """

    id: str
    side: Side
    operation: str
    request: Request
    tie: str | None = None
    provider: str | None = None
    ending: Ending | None = None
    ended_ns: int = 0
    error: str | None = None
    _status: int | None = None
    _reason: str = ""
    _headers: Headers = ()
    _headers_ns: int = 0
    _body: bytearray = field(default_factory=bytearray)
    _segments: list[Segment] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether the exchange has not ended yet."""
        return self.ending is None

    @property
    def received(self) -> int:
        """Body bytes so far."""
        return len(self._body)

    def head(self, at_ns: int, status: int, reason: str = "", headers: Headers = ()) -> None:
        """The response's header section is complete."""
        if self.open:
            self._status, self._reason, self._headers, self._headers_ns = status, reason, headers, at_ns

    def segment(self, at_ns: int, data: bytes) -> None:
        """Body bytes arrived (or were sent, on the provider's side) in one piece."""
        if self.open and data:
            self._body += data
            self._segments.append(Segment(len(self._body), at_ns))

    def end(self, at_ns: int, ending: Ending, error: str | None = None) -> None:
        """The exchange is over. The first ending counts."""
        if self.open:
            self.ending, self.ended_ns, self.error = ending, at_ns, error

    def freeze(self) -> Exchange:
        """The exchange as it stands; one still open says so in ``error``."""
        response = None
        if self._status is not None:
            response = Response(
                status=self._status,
                reason=self._reason,
                headers=self._headers,
                at_ns=self._headers_ns,
                body=bytes(self._body),
                segments=tuple(self._segments),
            )
        last_ns = self._segments[-1].at_ns if self._segments else max(self._headers_ns, self.request.sent_ns)
        return Exchange(
            id=self.id,
            side=self.side,
            operation=self.operation,
            request=self.request,
            response=response,
            ending=self.ending or Ending.CLIENT_CLOSE,
            ended_ns=self.ended_ns if self.ending else last_ns,
            tie=self.tie,
            provider=self.provider,
            error=self.error if self.ending else STILL_OPEN,
            fidelity=Fidelity.WIRE,
        )
