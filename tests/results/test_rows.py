import pytest

from harness import results
from harness.core.recording import Mark, Probe, Side
from harness.core.verdict import Verdict
from harness.results.columns import SATURATED_MS, TABLES
from harness.results.raced import race_rows
from harness.results.rows import LAG_MARK, case_row, exchange_rows, probe_row, verdict_rows


@pytest.fixture
def case(runs):
    return runs.case


def raced(*released, name="race", **facts):
    """The mark of a race whose exchanges were let go at these times, in milliseconds."""
    requests = [
        {"exchange": exchange, "tie": None, "offset_ns": 0, "released_ns": at * 1_000_000, "early": False}
        for exchange, at in released
    ]
    return Mark(name, 0, {"kind": "any", "requests": requests, **facts})


def test_every_request_of_a_race_has_a_row(case, make):
    clients = [make.bursty(id="c1", tie="t.1"), make.bursty(id="c2", tie="t.2")]
    provider = make.bursty(id="p1", side=Side.PROVIDER, tie="t.2", sent=6)
    marks = (raced(("c1", 2), ("c2", 5)), raced(("c2", 5), name="sweep", origin_ns=8_000_000))
    first, second, swept = race_rows(case, make.recording(*clients, provider, marks=marks))
    assert (first["offset_ms"], first["answered_ms"], first["outcome"]) == (0, 88, "served")
    assert (second["offset_ms"], second["provider_ms"]) == (3, 1)
    assert {(one["skew_ms"], one["window_ms"], one["met"]) for one in (first, second)} == {(3, 4, True)}
    assert (swept["how"], swept["offset_ms"]) == ("sweep", -3)
    assert "skew_ms" not in swept


def test_an_observer_whose_moment_was_forced_has_a_row(case, make):
    marks = tuple(Mark("observed", at, {"offset": offset, "outcome": status}) for at, offset, status in AT)
    early, late, unanswered = race_rows(case, make.recording(make.bursty(), marks=marks))
    assert {one["how"] for one in (early, late, unanswered)} == {"forced"}
    assert (early["offset_events"], early["outcome"], early["status"]) == (-1, "refused", 404)
    assert (late["offset_events"], late["outcome"]) == (3, "served")
    assert (unanswered["race"], unanswered["outcome"]) == (2, "failed")
    assert "status" not in unanswered


AT = ((1, -1, 404), (2, 3, 200), (3, 4, None))


def only(rows):
    (row,) = rows
    return row


def test_a_row_has_declared_columns_and_no_nulls(case, make, judgement):
    recording = make.recording(make.bursty(tie="t.1"), make.bursty(id="p1", side=Side.PROVIDER, tie="t.1", sent=1))
    made = {
        "cases": [case_row(case, [judgement()], 1.0, recording, None)],
        "verdicts": list(verdict_rows(case, [judgement(verdict=Verdict.FAIL, sentence="no")])),
        "exchanges": [row for row, _ in exchange_rows(case, recording)],
        "segments": [row for _, rows in exchange_rows(case, recording) for row in rows],
        "probes": [probe_row(case, Probe("ledger", 1_500_000, {"balance": 1}))],
        "races": list(race_rows(case, make.recording(make.bursty(), marks=(raced(("c1", 2)),)))),
    }
    for table, rows in made.items():
        assert rows
        for row in rows:
            assert row.keys() <= {column.name for column in TABLES[table]}
            assert None not in row.values()


def test_what_had_nothing_to_judge_is_counted_and_has_no_row(case, judgement):
    judgements = [judgement(), judgement("x.y", Verdict.NOT_APPLICABLE), judgement("x.z", Verdict.NOT_APPLICABLE)]
    assert [row["contract"] for row in verdict_rows(case, judgements)] == ["stream.words-faithful"]
    row = case_row(case, judgements, 0.25, None, None)
    assert (row["passed"], row["not_applicable"], row["took_ms"]) == (1, 2, 250)


def test_a_violation_keeps_its_sentence_and_evidence(case, judgement):
    row = only(verdict_rows(case, [judgement(verdict=Verdict.FAIL, sentence="It ended twice.")]))
    assert (row["family"], row["violations"], row["sentence"]) == ("stream", 1, "It ended twice.")
    assert row["evidence"] == "c1 bytes 1-2"


def test_an_exchange_has_its_latencies(case, make):
    row, segments = only(exchange_rows(case, make.recording(make.bursty())))
    assert (row["side"], row["path"], row["model"], row["status"]) == ("client", "/v1/chat/completions", "m", 200)
    assert (row["headers_ms"], row["ttft_ms"], row["ttft_state"], row["total_ms"]) == (90, 200, "measured", 480)
    assert (row["chunks"], row["chars"], row["tokens"], row["upstream_calls"]) == (7, 8, 8, 0)
    assert (row["gap_p50_ms"], row["gap_max_ms"]) == (0, 150)
    assert (row["content_reads"], row["coalesced_reads"]) == (3, 1)
    assert "saturated" not in row
    assert [segment["chunks"] for segment in segments] == [0, 1, 5, 1, 0, 0]
    assert [segment.get("gap_ms") for segment in segments] == [None, 100, 100, 150, 10, 10]
    assert [segment.get("content_gap_ms") for segment in segments] == [None, None, 100, 150, None, None]
    assert sum(segment["bytes"] for segment in segments) == row["response_bytes"]


def test_one_gap_is_its_own_percentile(case, make):
    exchange = make.exchange([(10, make.event("a")), (35, make.event("b"))])
    row, _ = only(exchange_rows(case, make.recording(exchange)))
    assert (row["gap_p50_ms"], row["gap_p99_ms"], row["gap_max_ms"]) == (25, 25, 25)


def test_the_targets_share_is_in_the_clients_row(case, make):
    client = make.exchange([(145, make.event("a"))], sent=10, tie="t.1")
    provider = make.exchange([(140, make.event("a"))], sent=40, tie="t.1", id="p1", side=Side.PROVIDER)
    rows = {row["exchange"]: row for row, _ in exchange_rows(case, make.recording(client, provider))}
    assert {name: rows["c1"][name] for name in ("before_ms", "provider_ms", "after_ms", "upstream_calls")} == {
        "before_ms": 30,
        "provider_ms": 100,
        "after_ms": 5,
        "upstream_calls": 1,
    }
    assert "before_ms" not in rows["p1"]


@pytest.mark.parametrize(("lag_ms", "saturated"), [(SATURATED_MS - 0.1, False), (SATURATED_MS, True)])
def test_figures_taken_while_the_loop_was_late_are_marked(case, make, lag_ms, saturated):
    mark = Mark(LAG_MARK, 0, {"case_ms": 50.0, "exchanges": {"c1": lag_ms}})
    recording = make.recording(make.bursty(), marks=(mark,))
    row, _ = only(exchange_rows(case, recording))
    assert (row["lag_ms"], row["saturated"]) == (lag_ms, saturated)
    assert case_row(case, [], 1, recording, None)["lag_ms"] == 50


@pytest.mark.parametrize(("sent", "kept"), [("gr\u00fc\u00df \U0001f600 \x00", None), ("half \ud800", "half \\ud800")])
def test_text_of_any_kind_can_be_kept(runs, judgement, sent, kept):
    runs.write("r1", [(runs.case, [judgement(verdict=Verdict.FAIL, sentence=sent)], None)])
    assert results.load(root=runs.root).verdicts["sentence"].tolist() == [kept or sent]


def test_an_exchange_without_an_answer_has_a_row(case, make):
    row, segments = only(exchange_rows(case, make.recording(make.exchange(ended=30, error="refused"))))
    assert segments == []
    assert (row["ttft_state"], row["ttft_censored_ms"], row["error"]) == ("censored", 30, "refused")
    assert "status" not in row
