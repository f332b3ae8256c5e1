"""What is read from a race's mark and the exchanges it speaks of."""

import pytest

from harness.core.race import races
from harness.core.recording import Ending, Exchange, Header, Mark, Recording, Request, Response, Side, Source

MS = 1_000_000


def exchange(id, tie, sent_ms, *, answered_ms=None, status=200, side=Side.CLIENT):
    response = None if answered_ms is None else Response(status, "", (), answered_ms * MS, b"", ())
    return Exchange(
        id=id,
        side=side,
        operation="any",
        request=Request("POST", "http://x/", sent_ns=sent_ms * MS),
        response=response,
        ending=Ending.EOF if response else Ending.TIMEOUT,
        ended_ns=(answered_ms or sent_ms) * MS,
        tie=tie,
    )


def recording(*exchanges, released_ms, early=(), **facts):
    requests = [
        {"exchange": f"c{n}", "tie": f"t.{n}", "offset_ns": 0, "released_ns": at * MS, "early": f"c{n}" in early}
        for n, at in enumerate(released_ms, 1)
    ]
    mark = Mark("race", 99 * MS, {"kind": "any", "requests": requests, **facts})
    return Recording(header=Header(source=Source.SIMULATOR), exchanges=exchanges, marks=(mark,))


def only(found):
    (one,) = races(found)
    return one


def test_requests_that_were_let_go_before_any_was_dealt_with_have_met():
    race = only(
        recording(
            exchange("c1", "t.1", 10, answered_ms=30),
            exchange("c2", "t.2", 12, answered_ms=20, status=402),
            released_ms=(10, 12),
        )
    )
    assert (race.skew_ns, race.window_ns, race.met) == (2 * MS, 10 * MS, True)
    assert [one.outcome for one in race.runners] == ["served", "refused"]
    assert race.origin_ns == 10 * MS


def test_a_provider_that_was_asked_is_the_first_sign_of_having_been_dealt_with():
    race = only(
        recording(
            exchange("c1", "t.1", 10, answered_ms=30),
            exchange("c2", "t.2", 16, answered_ms=31),
            exchange("p1", "t.1", 15, answered_ms=29, side=Side.PROVIDER),
            exchange("p2", "t.1", 18, answered_ms=29, side=Side.PROVIDER),
            released_ms=(10, 16),
        )
    )
    assert (race.window_ns, race.met) == (5 * MS, False)
    assert "let go within 6.00 ms" in race.doubt()
    assert "dealt with the first after 5.00 ms" in race.doubt()


@pytest.mark.parametrize("early", [(), ("c1",)])
def test_an_answer_that_was_there_before_the_last_was_let_go_says_that_they_did_not_meet(early):
    exchanges = [exchange("c1", "t.1", 10, answered_ms=30), exchange("c2", "t.2", 10, answered_ms=30)]
    race = only(recording(*exchanges, released_ms=(10, 10), early=early))
    assert race.met is not bool(early)
    assert ("1 had an answer" in race.doubt()) is bool(early)


def test_where_nothing_was_answered_nothing_is_known():
    race = only(recording(exchange("c1", "t.1", 10), exchange("c2", "t.2", 10), released_ms=(10, 10)))
    assert (race.window_ns, race.met) == (None, False)
    assert [one.outcome for one in race.runners] == ["failed", "failed"]
    assert "No request of the race was answered" in race.doubt()


def test_requests_come_in_the_order_in_which_they_were_let_go_and_strays_are_left_out():
    exchanges = [exchange("c1", "t.1", 12, answered_ms=30), exchange("c2", "t.2", 11, answered_ms=30)]
    race = only(recording(*exchanges, released_ms=(12, 11, 10), origin_ns=5 * MS))
    assert [one.exchange.id for one in race.runners] == ["c2", "c1"]
    assert race.origin_ns == 5 * MS
    assert list(races(recording(released_ms=()), "sweep")) == []
