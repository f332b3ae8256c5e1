from harness.core.draft import Draft
from harness.core.recording import STILL_OPEN, Ending, Request, Segment, Side


def draft():
    return Draft(id="c1", side=Side.CLIENT, operation="op", request=Request("GET", "http://x/", sent_ns=5))


def test_a_draft_becomes_the_exchange_that_was_noted():
    one = draft()
    one.head(10, 200, "OK", (("A", "b"),))
    one.segment(20, b"ab")
    one.segment(30, b"c")
    one.end(40, Ending.EOF)
    exchange = one.freeze()
    assert exchange.body == b"abc"
    assert exchange.response is not None
    assert exchange.response.segments == (Segment(2, 20), Segment(3, 30))
    assert (exchange.ending, exchange.ended_ns, exchange.error) == (Ending.EOF, 40, None)


def test_nothing_counts_after_the_end():
    one = draft()
    one.head(10, 200)
    one.end(20, Ending.EOF)
    one.segment(30, b"late")
    one.end(40, Ending.RESET, "late")
    exchange = one.freeze()
    assert (exchange.body, exchange.ending, exchange.ended_ns, exchange.error) == (b"", Ending.EOF, 20, None)


def test_a_draft_that_is_still_open_says_so():
    one = draft()
    one.head(10, 200)
    one.segment(20, b"x")
    exchange = one.freeze()
    assert exchange.error == STILL_OPEN
    assert exchange.ended_ns == 20


def test_without_a_head_there_is_no_response():
    one = draft()
    one.end(9, Ending.CONNECT_ERROR, "refused")
    exchange = one.freeze()
    assert exchange.response is None
    assert exchange.status is None
    assert exchange.body == b""
