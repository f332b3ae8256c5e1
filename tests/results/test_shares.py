import pytest

from harness.core.recording import Ending, Side
from harness.results.latency import call_times, ttft_ms
from harness.results.shares import others, shares, upstreams


def both(make, client, provider, **more):
    client = make.exchange(client, sent=10, tie="t.1", **more)
    provider = make.exchange(provider, id="p1", side=Side.PROVIDER, sent=40, tie="t.1")
    return client, provider


def test_the_parts_add_up_to_the_clients_time_to_first_token(make):
    client, provider = both(
        make,
        [(60, make.event("", role=True)), (145, make.event("a"))],
        [(50, make.event("", role=True)), (140, make.event("a"))],
    )
    found = shares(client, call_times(client), provider, call_times(provider))
    assert (found.before_ms, found.provider_ms, found.after_ms) == (30, 100, 5)
    assert found.before_ms + found.provider_ms + found.after_ms == ttft_ms(call_times(client))
    assert found.target_share == pytest.approx(35 / 135)


def test_where_no_content_reached_the_client_the_providers_part_is_still_known(make):
    client, provider = both(make, [(60, make.event("", role=True))], [(140, make.event("a"))], ending=Ending.RESET)
    found = shares(client, call_times(client), provider, call_times(provider))
    assert (found.before_ms, found.provider_ms, found.after_ms) == (30, 100, None)
    assert found.target_share is None


def test_where_the_provider_sent_none_only_the_way_there_is_known(make):
    client, provider = both(make, [], [])
    found = shares(client, call_times(client), provider, call_times(provider))
    assert (found.before_ms, found.provider_ms, found.after_ms) == (30, None, None)


def test_provider_exchanges_belong_to_the_call_with_their_tag(make):
    recording = make.recording(
        make.exchange(id="c1", sent=0, tie="t.1"),
        make.exchange(id="c2", sent=1, tie="t.2"),
        make.exchange(id="c3", sent=2),
        make.exchange(id="p1", side=Side.PROVIDER, sent=5, tie="t.2"),
        make.exchange(id="p2", side=Side.PROVIDER, sent=6, tie="t.1"),
        make.exchange(id="p3", side=Side.PROVIDER, sent=7),
    )
    found = {client: [one.id for one in ours] for client, ours in upstreams(recording).items()}
    assert found == {"c1": ["p2"], "c2": ["p1"]}


def test_one_prompt_sent_twice_is_told_apart_by_time(make):
    recording = make.recording(
        make.exchange(id="c1", sent=0, tie="t.1"),
        make.exchange(id="c2", sent=10, tie="t.1"),
        make.exchange(id="p1", side=Side.PROVIDER, sent=5, tie="t.1"),
        make.exchange(id="p2", side=Side.PROVIDER, sent=10, tie="t.1"),
        make.exchange(id="p3", side=Side.PROVIDER, sent=15, tie="t.1"),
    )
    found = {client: [one.id for one in ours] for client, ours in upstreams(recording).items()}
    assert found == {"c1": ["p1"], "c2": ["p2", "p3"]}


def timed(make, id, side, begin, end, tie=None):
    """An exchange that went on from one time to another, in ms."""
    return make.exchange([(end, b"{}")], id=id, side=side, sent=begin, ended=end, tie=tie, kind="application/json")


def test_steps_polls_and_services_are_not_the_targets_own_time(make):
    client = timed(make, "c1", Side.CLIENT, 10, 100, "t.1")
    asked = [timed(make, f"p{n}", Side.PROVIDER, 30 + 10 * n, 35 + 10 * n, "t.1") for n in range(4)]
    untied = timed(make, "p9", Side.PROVIDER, 22, 30)
    services = [timed(make, "s1", Side.SERVICE, 20, 28), timed(make, "s2", Side.SERVICE, 70, 80)]
    recording = make.recording(client, *asked, untied, *services)
    besides = others(recording, client, asked)
    assert {one.id for one in besides} == {"p0", "p1", "p2", "p9", "s1", "s2"}
    found = shares(client, call_times(client), asked[-1], call_times(asked[-1]), besides)
    assert (found.before_ms, found.others_ms, found.provider_ms, found.after_ms) == (25, 35, 5, 25)
    assert found.before_ms + found.others_ms + found.provider_ms + found.after_ms == 90
    assert found.target_share == pytest.approx(50 / 90)


def test_what_may_be_of_either_of_two_calls_is_of_neither(make):
    first = timed(make, "c1", Side.CLIENT, 10, 100, "t.1")
    second = timed(make, "c2", Side.CLIENT, 20, 100, "t.2")
    later = timed(make, "c3", Side.CLIENT, 110, 200, "t.3")
    caused = {one.id: [timed(make, f"p{one.id}", Side.PROVIDER, 120, 130, one.tie)] for one in (first, second, later)}
    service = timed(make, "s1", Side.SERVICE, 30, 40)
    recording = make.recording(first, second, later, *(one for some in caused.values() for one in some), service)
    assert others(recording, first, caused["c1"]) is None
    assert others(recording, second, caused["c2"]) is None
    assert others(recording, later, caused["c3"]) == ()
