from harness.report.conclusions import latency

PARTS = ("before_ms", "provider_ms", "after_ms")


def parts(before, provider, after):
    whole = before + provider + after
    return dict(zip(PARTS, (before, provider, after), strict=True)) | {"target_share": (before + after) / whole}


def test_the_headline_has_the_percentiles_and_their_number(made):
    for number in range(1, 41):
        made.call(ttft_ms=float(number), scenario=f"s{number}")
    headline = latency(made.frames()).sentences[0]
    assert headline.startswith("Time to first token: median 20.5 ms (95 % interval ")
    assert headline.endswith("p90 36.1 ms, p99 39.6 ms; 40 streams of a healthy provider.")


def test_without_streams_the_whole_answer_is_told(made):
    made.call(ttft_ms=None, total_ms=1500.0)
    headline = latency(made.frames()).sentences[0]
    assert headline.startswith("Time to the whole answer: median 1.50 s (too few for an interval)")
    assert headline.endswith("of so few, p99 is little more than the slowest.")


def test_streams_without_a_first_token_count_as_longer_than_all(made):
    for number in range(4):
        made.call(ttft_ms=10.0 + number, scenario=f"s{number}")
    for number in range(4, 10):
        never = {"ttft_state": "censored", "ttft_censored_ms": 700.0}
        made.call(ttft_ms=None, columns=never, scenario=f"s{number}")
    told = latency(made.frames())
    assert "median longer than any that was seen" in told.sentences[0]
    assert "10 streams of a healthy provider" in told.sentences[0]
    assert "6 streams never came to a first token (6 of them with a healthy provider), waited for up to 700 ms" in str(
        told
    )


def test_whose_time_it_is(made):
    for number in range(8):
        made.call(columns=parts(10.0, 80.0, 10.0), scenario=f"s{number}")
    told = str(latency(made.frames()))
    assert "The target takes 20 % of the time to first content (8 calls" in told
    assert "Most of the time goes to the provider" in told


def test_calls_seen_on_one_side_only_leave_it_open(made):
    made.call()
    assert "Whose time it is cannot be told" in str(latency(made.frames()))


def test_a_provider_is_called_slower_only_where_the_intervals_do_not_touch(made):
    for number in range(12):
        made.call(ttft_ms=10.0 + number / 10, provider="groq", scenario=f"s{number}")
        made.call(ttft_ms=100.0 + number / 10, provider="openai", scenario=f"s{number}")
    told = str(latency(made.frames()))
    assert "`openai` has the largest median, 101 ms, `groq` the smallest, 10.6 ms; their intervals do not touch" in told


def test_few_calls_of_a_provider_are_no_comparison(made):
    made.call(ttft_ms=10.0, provider="groq")
    made.call(ttft_ms=100.0, provider="openai")
    assert "too few calls to tell whether that is more than chance" in str(latency(made.frames()))


def test_the_fault_that_costs_most_and_the_slowest_call_are_named(made):
    made.call(total_ms=20.0)
    made.call(total_ms=900.0, fault="no-headers")
    told = str(latency(made.frames()))
    assert "The fault `no-headers` keeps a client longest: median 900 ms of 1 call; the same calls without" in told
    assert "without a fault: 20 ms." in told
    assert "The slowest call took 900 ms: `c2` of `reference/gateway/chat-stream/groq.no-headers`." in told
    assert f"harness show {made.path}/cassettes/reference/gateway/chat-stream/groq.no-headers.yaml" in told


def test_a_fault_is_compared_with_the_same_calls_only(made):
    made.call(total_ms=20.0, system="runs", scenario="create")
    made.call(total_ms=300.0)
    made.call(total_ms=900.0, fault="no-headers")
    assert "of 1 call; the same calls without a fault: 300 ms." in str(latency(made.frames()))


def test_figures_of_a_late_harness_are_doubted(made):
    made.call(columns={"lag_ms": 50.0, "saturated": True})
    made.call(scenario="chat-plain")
    told = latency(made.frames())
    assert "2 streams of a healthy provider, 1 of them timed while the harness itself was late" in told.sentences[0]
    assert told.sentences[-1].startswith("Doubt: 1 of 2 calls (50 %")


def test_a_harness_that_kept_up_says_so(made):
    made.call()
    assert latency(made.frames()).sentences[-1].startswith("The harness kept up: in none of 1 calls")


def test_a_run_without_calls_has_no_latency(made):
    made.verdict("a.b")
    assert latency(made.frames()).sentences == ("No call of a client's was timed: there is no latency to look at.",)
