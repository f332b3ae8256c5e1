"""A recording laid out on one clock."""

import io

import pytest
from rich.console import Console

from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Segment, Side, Source
from harness.report.timeline import ALIKE, events, timeline


def polls(bodies):
    """A poll a millisecond, each of which found one of these."""
    found = []
    for number, body in enumerate(bodies, 1):
        at_ns = number * 1_000_000
        response = Response(200, "OK", (), at_ns, body, (Segment(len(body), at_ns),))
        request = Request("GET", "http://h/messages", (), b"", at_ns)
        known = {"operation": "list", "request": request, "response": response, "ending": Ending.EOF}
        found.append(Exchange(id=f"p{number}", side=Side.PROVIDER, ended_ns=at_ns, **known))
    return Recording(header=Header(source=Source.SIMULATOR), exchanges=tuple(found))


def told(recording):
    out = io.StringIO()
    Console(file=out, width=160).print(*timeline(recording))
    return out.getvalue()


def test_polls_that_found_the_same_are_one_line_between_the_first_and_the_last():
    recording = polls([b"no"] * 60 + [b"yes"])
    text = told(recording)
    assert "58 exchanges as p1, until 59.00 ms" in text
    assert "p2 to p59" in text
    assert text.count("GET /messages") == 3
    assert len(events(recording)) == 61 * 4


@pytest.mark.parametrize("bodies", [[b"no"] * ALIKE, [b"a", b"b"] * 10])
def test_few_and_different_exchanges_are_whole(bodies):
    text = told(polls(bodies))
    assert "exchanges as" not in text
    assert text.count("GET /messages") == len(bodies)
