"""Contracts of runs on recordings made by hand: what a live backend would have to be broken for."""

import pytest

from harness.core.verdict import Verdict
from harness.systems import runs

HOLD = {"id": "h", "kind": "hold", "amount": 1, "delta": -1, "balance": 9}
SETTLE = {"kind": "settle", "amount": 1, "delta": 0, "balance": 9, "hold_id": "h"}
WHY = {"model": "gpt-4", "project_id": "11111111-1111-4111-8111-111111111111", "error": "it failed"}
REFUND = {"kind": "refund", "amount": 1, "delta": 1, "balance": 10, "hold_id": "h"}
EXPLAINED = {**REFUND, "reason": runs.REFUND_REASON, "metadata": WHY}
FAILED = {
    "error": "Rate limit exceeded. Please try again later.",
    "code": "AI_GENERATION_ERROR",
    "details": {"model": "gpt-4", "timestamp": "2026-01-01T12:00:01Z"},
}


@pytest.fixture
def failed(studio):
    """The recording of a run whose provider said 429."""

    def make(said=FAILED, status=500, probes=()):
        return studio.recording(studio.run(status, said), studio.provider(429, b""), probes=probes)

    return make


def sentence(judgement):
    return " ".join(one.sentence for one in judgement.violations)


def test_a_run_that_failed_as_it_should(studio, failed):
    for contract in ("errors.provider-failure-mapped", "errors.failure-message", "errors.failure-details"):
        assert studio.judged(contract, failed()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (None, "lack model, timestamp"),
        ("none", "lack model, timestamp"),
        ({"model": "gpt-4"}, "lack timestamp"),
        ({"model": "llama", "timestamp": "2026-01-01T12:00:01Z"}, "'gpt-4' failed"),
        ({"model": "gpt-4", "timestamp": "2026-01-01 12:00:01"}, "no time in UTC"),
        ({"model": "gpt-4", "timestamp": "2026-01-01T12:00:01+02:00"}, "no time in UTC"),
        ({"model": "gpt-4", "timestamp": 1767268801}, "no time in UTC"),
    ],
)
def test_details_that_say_too_little_or_wrong(studio, failed, details, words):
    judgement = studio.judged("errors.failure-details", failed({**FAILED, "details": details}))
    assert judgement.verdict is Verdict.FAIL
    assert words in sentence(judgement)


@pytest.mark.parametrize(
    ("entries", "verdicts"),
    [
        ((HOLD, SETTLE, EXPLAINED), {}),
        ((HOLD, SETTLE), {"refund-once": Verdict.FAIL, "nothing-delivered-nothing-charged": Verdict.FAIL}),
        ((HOLD, SETTLE, EXPLAINED, EXPLAINED), {"refund-once": Verdict.FAIL}),
        ((HOLD, SETTLE, {**EXPLAINED, "amount": 2}), {"refund-is-the-charge": Verdict.FAIL}),
        ((HOLD, SETTLE, {**EXPLAINED, "reason": ""}), {"refund-explained": Verdict.FAIL}),
        ((HOLD, SETTLE, {**EXPLAINED, "metadata": {**WHY, "model": "x"}}), {"refund-explained": Verdict.FAIL}),
        ((HOLD, SETTLE, {**EXPLAINED, "metadata": {**WHY, "error": ""}}), {"refund-explained": Verdict.FAIL}),
    ],
    ids=["right", "none", "twice", "another-amount", "no-reason", "another-model", "no-error"],
)
def test_refunds(studio, failed, entries, verdicts):
    recording = failed(probes=[studio.ledger(*entries)])
    for name in ("refund-once", "refund-is-the-charge", "refund-explained", "nothing-delivered-nothing-charged"):
        no_refund = name in ("refund-is-the-charge", "refund-explained") and len(entries) == 2
        usual = Verdict.NOT_APPLICABLE if no_refund else Verdict.PASS
        assert studio.judged(f"credits.{name}", recording).verdict is verdicts.get(name, usual), name


def test_a_run_that_went_well_is_not_refunded(studio):
    recording = studio.recording(studio.run(), studio.provider(), probes=[studio.ledger(HOLD, SETTLE, EXPLAINED)])
    assert "completed and was refunded 1 times" in sentence(studio.judged("credits.refund-once", recording))


@pytest.mark.parametrize(
    ("answer", "balance", "verdict"),
    [
        ({}, 9, Verdict.PASS),
        ({"credits_remaining": 10}, 9, Verdict.FAIL),
        ({"credits_used": 0}, 9, Verdict.FAIL),
        ({"credits_remaining": None}, 9, Verdict.FAIL),
    ],
)
def test_what_a_run_says_is_left(studio, change, answer, balance, verdict):
    run = studio.run(201, {**change(), **answer})
    recording = studio.recording(run, studio.provider(), probes=[studio.ledger(HOLD, SETTLE, balance=balance)])
    assert studio.judged("credits.remaining-true", recording).verdict is verdict


@pytest.mark.parametrize(
    ("entries", "verdict"), [((HOLD, SETTLE, EXPLAINED), Verdict.PASS), ((HOLD, SETTLE), Verdict.FAIL)]
)
def test_a_client_that_left_pays_nothing(studio, left, entries, verdict):
    exchanges = left(studio.run()), left(studio.provider())
    recording = studio.recording(*exchanges, probes=[studio.ledger(*entries)])
    assert studio.judged("credits.left-unanswered-free", recording).verdict is verdict


def test_a_client_that_left_a_provider_that_had_answered_is_not_judged(studio, left):
    recording = studio.recording(left(studio.run()), studio.provider(), probes=[studio.ledger(HOLD, SETTLE)])
    assert studio.judged("credits.left-unanswered-free", recording).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("provider", "broken"),
    [
        ({}, set()),
        ({"model": "gpt-4"}, {"models.mapped"}),
        ({"content": " Hello\n"}, {"models.input-trimmed"}),
        ({"max_tokens": 100}, {"models.parameters"}),
        ({"said": {"choices": [{"message": {"content": "Good mo"}}]}}, {"errors.answer-delivered"}),
    ],
    ids=["right", "model", "input", "limit", "words"],
)
def test_what_the_provider_is_asked_and_what_becomes_of_its_words(studio, provider, broken):
    recording = studio.recording(studio.run(), studio.provider(**provider))
    for contract in ("models.mapped", "models.input-trimmed", "models.parameters", "errors.answer-delivered"):
        wanted = Verdict.FAIL if contract in broken else Verdict.PASS
        assert studio.judged(contract, recording).verdict is wanted, contract


@pytest.mark.parametrize(
    ("fields", "contract"),
    [
        ({"id": "run_1"}, "ids.run-id-is-uuid"),
        ({"created_at": "2026-01-01T12:00:03"}, "ids.run-created-at-utc"),
        ({"created_at": "2026-01-01T14:00:03Z"}, "ids.run-created-at-utc"),
        ({"created_at": None}, "ids.run-created-at-utc"),
        ({"model": "llama-3.3-70b-versatile"}, "models.name-echoed"),
    ],
)
def test_a_run_that_says_wrong_things_of_itself(studio, change, fields, contract):
    assert studio.judged(contract, studio.recording(studio.run(), studio.provider())).verdict is Verdict.PASS
    recording = studio.recording(studio.run(201, change(**fields)), studio.provider())
    assert studio.judged(contract, recording).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, ""),
        ({"status": 500}, "status 500 for 429"),
        ({"model": "llama"}, "model 'llama'"),
        ({"inputLength": 99}, "inputLength 99"),
        ({"stack": ""}, "lacks stack"),
    ],
)
def test_the_line_of_a_failed_run(studio, failed, row, words):
    line = {"event": "run_failed", "message": "m", "stack": "s", "model": "gpt-4", "inputLength": 5}
    line |= {"status": 429, "type": None, "code": None} | row
    judgement = studio.judged("log.run-failure-told", failed(probes=[studio.log(line)]))
    assert judgement.verdict is (Verdict.FAIL if words else Verdict.PASS)
    assert words in sentence(judgement)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([{"event": "refund", "amount": 1, "userId": "u"}], Verdict.PASS),
        ([{"event": "refund", "amount": 2, "userId": "u"}], Verdict.FAIL),
        ([{"event": "refund", "amount": "1", "userId": "u"}], Verdict.FAIL),
        ([{"event": "refund", "amount": 1, "userId": "somebody"}], Verdict.FAIL),
        ([], Verdict.FAIL),
    ],
)
def test_the_line_of_a_refund(studio, failed, rows, verdict):
    recording = failed(probes=[studio.ledger(HOLD, SETTLE, EXPLAINED), studio.log(*rows)])
    assert studio.judged("log.refund-told", recording).verdict is verdict
