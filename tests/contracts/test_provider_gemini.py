"""Each contract of Gemini's and of Google's token endpoint passes healthy answers, and fails on exactly the mutations
it names."""

import json
from dataclasses import replace

import pytest

from harness.contracts import judge, load
from harness.core.recording import Ending, Exchange, Header, Recording, Request, Response, Side, Source
from harness.core.verdict import Level, Subject, Verdict
from harness.providers import anthropic
from harness.providers.gemini import decode_request
from harness.providers.mutate_gemini import ARRAY, MUTATIONS, NO_TOKEN, PLAIN, REFUSAL, STREAM, TOKEN, Mutation
from harness.providers.plan import Plan
from harness.providers.reply import default_reply
from harness.providers.vertex_encode import GEMINI, encode_answer, encode_error, encode_no_token, encode_token

MODEL = GEMINI[0]
CONTRACTS = {id_: one for id_, one in load().items() if one.family in ("gemini", "vertex")}
CALLS = (PLAIN, STREAM, ARRAY, REFUSAL, TOKEN, NO_TOKEN)
ASKED = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).encode()
OPERATIONS = {TOKEN: "token", NO_TOKEN: "token", STREAM: "streamGenerateContent", ARRAY: "streamGenerateContent"}


def plan(call: str) -> Plan:
    if call == REFUSAL:
        return encode_error(429)
    if call == TOKEN:
        return encode_token("robot", 1e9)
    if call == NO_TOKEN:
        return encode_no_token("invalid_grant", "no")
    request = decode_request(ASKED, model=MODEL, stream=call != PLAIN, events=call == STREAM)
    return encode_answer(request, default_reply(MODEL, "hi"))


def exchange(call: str, provider: str = "vertex") -> Exchange:
    """A healthy answer to a call, as our simulator gives it."""
    operation = OPERATIONS.get(call, "generateContent")
    made = plan(call)
    query = "?alt=sse" if call == STREAM else ""
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation=operation,
        provider=provider,
        request=Request("POST", f"http://localhost/v1/publishers/google/models/{MODEL}:{operation}{query}", body=ASKED),
        response=Response(made.status, headers=made.headers, body=made.body),
        ending=Ending.EOF,
        ended_ns=0,
    )


def broken_by(mutation: Mutation) -> Exchange:
    healthy = exchange(mutation.call)
    assert healthy.response is not None
    headers = healthy.response.headers
    if mutation.header:
        headers = (mutation.header, *(field for field in headers if field[0] != mutation.header[0]))
    return replace(healthy, response=replace(healthy.response, body=mutation(healthy.body), headers=headers))


@pytest.mark.parametrize("provider", ["gemini", "vertex"])
@pytest.mark.parametrize("call", CALLS)
def test_healthy_answers_violate_nothing(call: str, provider: str, recording, violated):
    assert violated(recording(exchange(call, provider))) == set()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_exactly_the_contracts_that_name_a_mutation_fail_on_it(mutation: Mutation, recording, violated):
    declared = {id_ for id_, one in CONTRACTS.items() if mutation.id in one.breakers}
    assert declared, "a mutation that no contract names"
    assert violated(recording(broken_by(mutation))) == declared


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_breaker_is_a_mutation_and_healthy_traffic_is_looked_at(contract_id: str):
    one = CONTRACTS[contract_id]
    assert one.subject is Subject.PROVIDER
    assert set(one.breakers) <= MUTATIONS.keys()
    made = Recording(header=Header(source=Source.SIMULATOR), exchanges=tuple(map(exchange, CALLS)))
    assert judge(one, made).verdict is Verdict.PASS


def test_there_is_a_contract_for_each_promise():
    assert len(CONTRACTS) == 15
    assert [id_ for id_, one in CONTRACTS.items() if one.level is Level.SHOULD] == ["gemini.usage"]


def test_a_violation_points_at_the_chunk(recording):
    broken = broken_by(MUTATIONS["gemini-second-id"])
    (violation,) = judge(CONTRACTS["gemini.one-response"], recording(broken)).violations
    (pointer,) = violation.evidence
    assert b"another" in broken.body[pointer.start : pointer.end]


def test_a_scripted_fault_is_never_judged(recording, violated):
    one = broken_by(MUTATIONS["gemini-chunk-cut"])
    assert violated(recording(one, fault="malformed-chunk")) == set()
    assert violated(recording(one, source=Source.THIRD_PARTY)) == {"gemini.chunks-parse"}


@pytest.mark.parametrize("call", [STREAM, ARRAY])
def test_a_strangers_stream_that_breaks_off_is_not_failed(call: str, recording, violated, with_body):
    one = exchange(call)
    cut = with_body(one, one.body[: len(one.body) // 2])
    assert violated(recording(cut, source=Source.THIRD_PARTY)) == set()
    assert "gemini.stream-finishes" in violated(recording(cut))
    assert violated(recording(replace(cut, ending=Ending.CLIENT_CLOSE))) == set()


def test_a_refused_prompt_and_an_enumeration_in_numbers_are_right(recording, violated, with_body):
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}
    blocked["usageMetadata"]["totalTokenCount"] = 3
    assert violated(recording(with_body(exchange(PLAIN), json.dumps(blocked).encode()))) == set()
    numbered = exchange(PLAIN).body.replace(b'"STOP"', b"1")
    assert violated(recording(with_body(exchange(PLAIN), numbered))) == set()


def test_a_token_may_be_thought_and_said(recording, violated, with_body):
    document = json.loads(exchange(PLAIN).body)
    document["usageMetadata"]["thoughtsTokenCount"] = 10
    for added, wanted in ((10, set()), (9, set()), (8, {"gemini.usage-adds-up"}), (11, {"gemini.usage-adds-up"})):
        usage = document["usageMetadata"]
        usage["totalTokenCount"] = usage["promptTokenCount"] + usage["candidatesTokenCount"] + added
        assert violated(recording(with_body(exchange(PLAIN), json.dumps(document).encode()))) == wanted


def test_claude_on_vertex_is_judged_by_what_anthropic_promises(recording):
    body = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 500, "stream": True}
    asked = json.dumps(body | {"messages": [{"role": "user", "content": "hi"}]}).encode()
    request = anthropic.decode_request(asked, model="claude-sonnet-4@20250514")
    made = encode_answer(request, default_reply(request.model, "hi"))
    one = Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation="streamRawPredict",
        provider="vertex",
        request=Request("POST", "http://x/publishers/anthropic/models/claude-sonnet-4:streamRawPredict", body=asked),
        response=Response(made.status, headers=made.headers, body=made.body),
        ending=Ending.EOF,
        ended_ns=0,
    )
    judgements = {id_: judge(c, recording(one)) for id_, c in load().items() if c.family == "anthropic"}
    assert {j.verdict for j in judgements.values()} == {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert judgements["anthropic.id-form"].verdict is Verdict.PASS
    assert judgements["anthropic.event-order"].verdict is Verdict.PASS
