"""Streams that somebody ends at accounting itself: what they are to cost."""

import pytest

from harness.core.recording import Side
from harness.core.verdict import Verdict
from harness.systems import accounting

MODEL = {"id": "m", "input_usd_per_million": "100", "output_usd_per_million": "100"}
FACTS = {"models": [MODEL], "numbers": {"multiplier": "1", "credits_per_usd": "1000"}}
SESSION = "11111111-1111-4111-8111-111111111111"
HOLD = {"sessionId": SESSION, "userId": "u", "modelId": "m", "estimatedTokens": 2000}
HELD = {"kind": "hold", "amount": 200, "delta": -200, "balance": 800}


def held(studio):
    return studio.exchange("c1", Side.CLIENT, accounting.INITIALIZE.name, HOLD, 201, {}, tie=None, url="http://x/")


def end(studio, step, tokens, credits, id="c2", **more):
    route, field = (accounting.ABORT, "tokensDelivered") if step == "abort" else (accounting.FINALIZE, "actualTokens")
    url = f"http://x{route.path.replace('{session_id}', SESSION)}"
    known = {"url": url, "tie": None, "sent_ns": 15} | more
    return studio.exchange(id, Side.CLIENT, route.name, {field: tokens}, 200, {"creditsUsed": credits}, **known)


def judged(studio, *ends, charged):
    entries = [HELD, {"kind": "settle", "amount": charged, "delta": 200 - charged, "balance": 1000 - charged}]
    account = studio.ledger(*entries, balance=1000 - charged)
    recording = studio.recording(held(studio), *ends, probes=[account], system="chat", facts=FACTS)
    return studio.judged("credits.direct-end-priced", recording).verdict


@pytest.mark.parametrize(
    ("step", "tokens", "told", "charged", "verdict"),
    [
        ("finalize", 900, 90, 90, Verdict.PASS),
        ("finalize", 900, 200, 200, Verdict.FAIL),
        ("finalize", 0, 1, 1, Verdict.PASS),
        ("abort", 301, 31, 31, Verdict.PASS),
        ("abort", 301, 30, 30, Verdict.FAIL),
        ("abort", 0, 0, 0, Verdict.PASS),
        ("abort", 0, 1, 1, Verdict.FAIL),
        ("abort", 0, 0, 1, Verdict.FAIL),
        ("abort", 0, None, 0, Verdict.FAIL),
    ],
)
def test_an_end_costs_the_price_of_its_tokens(studio, step, tokens, told, charged, verdict):
    assert judged(studio, end(studio, step, tokens, told), charged=charged) is verdict


def test_of_two_ends_the_first_counts_unless_they_meet(studio):
    later, meanwhile = (end(studio, "abort", 0, 90, id="c3", sent_ns=ns) for ns in (45, 16))
    first = end(studio, "finalize", 900, 90)
    assert judged(studio, first, later, charged=90) is Verdict.PASS
    assert judged(studio, first, meanwhile, charged=90) is Verdict.NOT_APPLICABLE
