"""Each contract of ChatKit's passes healthy answers, and fails on exactly the mutations it names."""

import json

import pytest

from harness.contracts import judge, load
from harness.core.fault import FAULTS
from harness.core.recording import Ending, Exchange, Request, Response, Side, Source
from harness.core.verdict import Subject, Verdict
from harness.providers.chatkit import CALLS, CREATE, LIST, SEND, decode_message, decode_session_request
from harness.providers.chatkit_encode import (
    encode_error,
    encode_message,
    encode_messages,
    encode_session,
    encode_unknown_parameter,
    session_id,
)
from harness.providers.mutate_chatkit import MUTATIONS, REFUSAL, Mutation

CONTRACTS = {id_: one for id_, one in load().items() if one.family == "chatkit"}
HEALTHY = FAULTS["none"]
SESSION = session_id("u-1", 0)
SAID = "What shall I do?"
BODIES = {
    CREATE: json.dumps({"workflow": {"id": "wf_1"}, "user": "u-1"}).encode(),
    SEND: json.dumps({"role": "user", "content": [{"type": "input_text", "text": SAID}]}).encode(),
    LIST: b"",
}


def plan(call: str):
    """A healthy answer to a call, as our simulator gives it, or a refusal."""
    match call:
        case "chatkit.sessions.create":
            return encode_session(decode_session_request(BODIES[CREATE]), SESSION, HEALTHY)
        case "chatkit.messages.create":
            return encode_message(SESSION, decode_message(BODIES[SEND]), HEALTHY)
        case "chatkit.messages.list":
            return encode_messages(SESSION, SAID, 2)
    return encode_error(429)


def exchange(call: str, query: str = "?limit=50&order=desc") -> Exchange:
    operation = CREATE if call == REFUSAL else call
    path = "/v1/chatkit/sessions" + ("" if operation == CREATE else f"/{SESSION}/messages")
    answer = plan(call)
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation=operation,
        provider="chatkit",
        request=Request(
            "GET" if operation == LIST else "POST", f"http://localhost{path}{query}", body=BODIES[operation]
        ),
        response=Response(answer.status, headers=answer.headers, body=answer.body),
        ending=Ending.EOF,
        ended_ns=0,
    )


@pytest.mark.parametrize("call", [*CALLS, REFUSAL])
def test_healthy_answers_violate_nothing(call: str, violated, recording):
    assert violated(recording(exchange(call))) == set()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_exactly_the_contracts_that_name_a_mutation_fail_on_it(mutation: Mutation, violated, with_body, recording):
    declared = {id_ for id_, one in CONTRACTS.items() if mutation.id in one.breakers}
    assert declared, "a mutation that no contract names"
    healthy = exchange(mutation.call)
    assert violated(recording(with_body(healthy, mutation(healthy.body)))) == declared


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_breaker_is_a_mutation_and_healthy_traffic_is_looked_at(contract_id: str, recording):
    one = CONTRACTS[contract_id]
    assert one.subject is Subject.PROVIDER
    assert set(one.breakers) <= MUTATIONS.keys()
    assert judge(one, recording(*(exchange(call) for call in [*CALLS, REFUSAL]))).verdict is Verdict.PASS


def test_there_is_a_contract_for_each_promise():
    assert len(CONTRACTS) == 9


def test_the_refusal_of_an_unknown_parameter_is_an_error_object_too(violated, with_body, recording):
    refused = with_body(exchange(REFUSAL), encode_unknown_parameter("input").body)
    assert violated(recording(refused)) == set()


def test_the_other_order_and_a_short_page_are_right_where_they_are_asked_for(violated, with_body, recording):
    listed = exchange(LIST, "?limit=1&order=asc")
    page = encode_messages(SESSION, SAID, 2, newest_first=False, limit=1)
    assert violated(recording(with_body(listed, page.body))) == set()


def test_a_scripted_fault_is_never_judged(violated, with_body, recording):
    broken = with_body(exchange(LIST), b"upstream says hello")
    assert violated(recording(broken, fault="not-json")) == set()
    assert violated(recording(broken, source=Source.THIRD_PARTY)) == {"chatkit.message-list"}
