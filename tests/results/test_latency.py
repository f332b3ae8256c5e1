"""Every definition on a stream whose times are known: see ``Maker.bursty``."""

import dataclasses

import pytest

from harness.core.recording import Ending, Fidelity, Side
from harness.results import latency
from harness.results.latency import FirstToken, call_times


@pytest.fixture
def call(make):
    return call_times(make.bursty())


def test_time_to_headers(call):
    assert latency.headers_ms(call) == 90


def test_the_first_token_is_the_first_content_not_the_role_chunk(call):
    assert latency.ttft_ms(call) == 200
    assert latency.first_token(call) is FirstToken.MEASURED
    assert latency.ttft_censored_ms(call) is None


def test_times_count_from_the_request_not_from_the_recordings_start(make):
    pieces = [(1100, make.event("", role=True)), (1200, make.event("a"))]
    call = call_times(make.exchange(pieces, sent=1000, headers=1050, ended=1300))
    assert (latency.headers_ms(call), latency.ttft_ms(call), latency.total_ms(call)) == (50, 200, 300)


def test_event_gaps_are_0_within_a_read(call):
    assert latency.event_gaps_ms(call) == (100, 0, 0, 0, 0, 150)


def test_read_gaps_leave_those_out(call):
    assert latency.read_gaps_ms(call) == (100, 150)


def test_itl_is_first_to_last_content_over_the_tokens_after_the_first(call):
    assert latency.itl_ms(call) == pytest.approx(250 / 7)


def test_output_per_second_counts_from_the_request_to_the_last_content(call):
    assert latency.chars_per_s(call) == pytest.approx(8 / 0.450)
    assert latency.tokens_per_s(call) == pytest.approx(8 / 0.450)


def test_the_total_runs_to_the_end_of_the_exchange(call):
    assert latency.total_ms(call) == 480


def test_coalesced_reads(call):
    assert latency.reads(call) == latency.Reads(3, 1)
    assert latency.reads(call).share == pytest.approx(1 / 3)


def test_an_event_is_there_when_its_last_byte_is(make):
    data = make.event("a")
    call = call_times(make.exchange([(10, data[:20]), (30, data[20:-1]), (70, data[-1:])]))
    assert latency.ttft_ms(call) == 70
    assert latency.reads(call).content_reads == 1


@pytest.mark.parametrize(("tokens", "itl_ms"), [(None, None), (1, None), (2, 100.0), (5, 25.0)])
def test_itl_needs_the_answers_own_count_and_two_tokens(make, tokens, itl_ms):
    end = () if tokens is None else ((210, make.event(usage=make.usage(tokens))),)
    call = call_times(make.exchange([(100, make.event("a")), (200, make.event("b")), *end]))
    assert latency.itl_ms(call) == itl_ms
    assert (latency.tokens_per_s(call) is None) == (tokens is None)


@pytest.mark.parametrize(
    ("more", "state", "censored_ms"),
    [
        ({"ending": Ending.RESET}, FirstToken.CENSORED, 700),
        ({"ending": Ending.TIMEOUT, "headers": None}, FirstToken.CENSORED, 700),
        ({"ending": Ending.CLIENT_CLOSE}, FirstToken.CENSORED, 700),
        ({"status": 503, "kind": "application/json"}, FirstToken.REFUSED, 700),
        ({"status": 503, "kind": "application/json", "stream": False}, FirstToken.NOT_STREAMED, None),
        ({"operation": "models.list"}, FirstToken.UNREAD, None),
    ],
    ids=["reset", "no-headers", "client-left", "error-status", "not-asked-for", "another-protocol"],
)
def test_a_first_token_that_never_came_is_censored_and_not_dropped(make, more, state, censored_ms):
    call = call_times(make.exchange(**({"headers": 20.0, "ended": 700} | more)))
    assert latency.ttft_ms(call) is None
    assert latency.first_token(call) is state
    assert latency.ttft_censored_ms(call) == censored_ms
    assert latency.total_ms(call) == 700


def test_a_role_chunk_alone_is_censored(make):
    call = call_times(make.exchange([(50, make.event("", role=True))], ended=900))
    assert latency.first_token(call) is FirstToken.CENSORED
    assert latency.ttft_censored_ms(call) == 900
    assert latency.event_gaps_ms(call) == ()
    assert latency.reads(call).share is None


def test_a_plain_answer_has_no_first_token_but_content_when_it_is_whole(make):
    body = b'{"choices":[{"message":{"content":"four"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    exchange = make.exchange([(40, body[:30]), (60, body[30:])], kind="application/json", stream=False)
    call = call_times(exchange)
    assert latency.first_token(call) is FirstToken.NOT_STREAMED
    assert latency.first_content_ns(exchange, call) == 60_000_000
    assert (call.chars, call.tokens) == (4, 2)
    assert latency.itl_ms(call) is None


def test_a_stream_whose_protocol_is_not_read_has_no_first_content_that_is_known(make):
    exchange = make.exchange([(40, b"data: {}\n\n"), (60, b"data: {}\n\n")], operation="chat.observe")
    call = call_times(exchange)
    assert latency.first_token(call) is FirstToken.UNREAD
    assert latency.first_content_ns(exchange, call) is None
    assert latency.headers_ms(call) == 40


def test_a_document_in_place_of_a_stream_is_no_stream(make):
    body = b'{"choices":[{"message":{"content":"four"}}]}'
    call = call_times(make.exchange([(40, body)], kind="application/json", stream=True))
    assert latency.first_token(call) is FirstToken.NOT_STREAMED


def test_without_times_of_the_wire_there_are_no_figures(make):
    assert call_times(dataclasses.replace(make.bursty(), fidelity=Fidelity.BODY)) is None


def test_the_providers_side_is_timed_by_the_same_definitions(make):
    assert latency.ttft_ms(call_times(make.bursty(side=Side.PROVIDER, id="p1"))) == 200
