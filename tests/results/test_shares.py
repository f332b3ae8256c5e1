import pytest

from harness.core.recording import Ending, Side
from harness.results.latency import call_times, ttft_ms
from harness.results.shares import shares, upstreams


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
