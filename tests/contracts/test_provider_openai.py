"""Each provider contract of the OpenAI dialect passes healthy answers, and fails on exactly the mutations it names."""

import json
from dataclasses import replace

import pytest

from harness.contracts import judge, load
from harness.contracts.provider_chats import provider_answers
from harness.core.names import Provider
from harness.core.recording import Ending, Exchange, Fidelity, Header, Recording, Request, Response, Side, Source
from harness.core.verdict import Level, Subject, Verdict
from harness.framing import sse
from harness.providers.mutate import MUTATIONS, Kind, Mutation
from harness.providers.openai import decode_request
from harness.providers.openai_encode import encode_answer, encode_error
from harness.providers.reply import default_reply

PROVIDERS = ("openai", "groq", "compatible")
CONTRACTS = {
    id_: one
    for id_, one in load().items()
    if one.subject is Subject.PROVIDER and any(name in MUTATIONS for name in one.breakers)
}


def exchange(provider: str, kind: Kind) -> Exchange:
    """A healthy answer of that kind, as our simulator gives it, to a request that asks for all there is."""
    asked: dict = {"model": "some-model", "messages": [{"role": "user", "content": "hi"}]}
    if kind is Kind.STREAM:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    body = json.dumps(asked).encode()
    if kind is Kind.ERROR:
        plan = encode_error(Provider(provider), 429)
    else:
        plan = encode_answer(Provider(provider), decode_request(body), default_reply("some-model", "hi"))
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation="chat.completions",
        provider=provider,
        request=Request("POST", "http://localhost/v1/chat/completions", body=body),
        response=Response(plan.status, headers=plan.headers, body=plan.body),
        ending=Ending.EOF,
        ended_ns=0,
    )


def broken_by(mutation: Mutation) -> Exchange:
    healthy = exchange(mutation.provider, mutation.kind)
    assert healthy.response is not None
    headers = (("Content-Type", mutation.content_type),) if mutation.content_type else healthy.response.headers
    response = replace(
        healthy.response,
        body=mutation(healthy.response.body),
        headers=headers,
        status=mutation.status or healthy.response.status,
    )
    return replace(healthy, response=response)


def with_body(one: Exchange, body: bytes) -> Exchange:
    assert one.response is not None
    return replace(one, response=replace(one.response, body=body))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", list(Kind))
def test_healthy_answers_violate_nothing(provider: str, kind: Kind, recording, violated):
    assert violated(recording(exchange(provider, kind))) == set()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_exactly_the_contracts_that_name_a_mutation_fail_on_it(mutation: Mutation, recording, violated):
    declared = {id_ for id_, one in CONTRACTS.items() if mutation.id in one.breakers}
    assert declared, "a mutation that no contract names"
    assert violated(recording(broken_by(mutation))) == declared


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_breaker_is_a_mutation(contract_id: str):
    assert set(CONTRACTS[contract_id].breakers) <= MUTATIONS.keys()


def test_there_is_a_contract_for_each_promise():
    assert len(CONTRACTS) >= 20


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_contract_looks_at_some_healthy_answer(contract_id: str, verdict):
    """All but the ones about refusals and in-band errors see at least one subject in healthy traffic of all kinds."""
    made = Recording(
        header=Header(source=Source.SIMULATOR),
        exchanges=tuple(exchange(provider, kind) for provider in PROVIDERS for kind in Kind),
    )
    assert verdict(contract_id, made) is Verdict.PASS


def test_the_level_decides_between_a_failure_and_a_warning(recording, verdict):
    assert CONTRACTS["openai.id-form"].level is Level.SHOULD
    assert verdict("openai.id-form", recording(broken_by(MUTATIONS["foreign-id"]))) is Verdict.WARN
    assert verdict("openai.stream-done", recording(broken_by(MUTATIONS["drop-done"]))) is Verdict.FAIL


def test_a_violation_points_at_the_event(recording):
    made = recording(broken_by(MUTATIONS["mixed-id"]))
    (violation,) = judge(CONTRACTS["openai.stream-one-id"], made).violations
    (pointer,) = violation.evidence
    assert pointer.exchange == "p1"
    assert pointer.event is not None
    event = made.exchanges[0].body[pointer.start : pointer.end]
    assert event.startswith(b"data: ")
    assert event == made.exchanges[0].body.split(b"\n\n")[pointer.event] + b"\n\n"


def test_a_scripted_fault_is_never_judged(recording, verdict):
    one = broken_by(MUTATIONS["drop-done"])
    assert verdict("openai.stream-done", recording(one, fault="no-done")) is Verdict.NOT_APPLICABLE
    assert verdict("openai.stream-done", recording(one, source=Source.PROVIDER)) is Verdict.FAIL
    assert verdict("openai.stream-done", recording(one, source=Source.THIRD_PARTY)) is Verdict.FAIL


def cut(one: Exchange) -> Exchange:
    """The same stream, its recording broken off in the middle of the second event."""
    return with_body(one, one.body[: one.body.index(b"\n\n") + 40])


def test_a_strangers_stream_that_breaks_off_is_told_and_not_failed(recording, violated):
    made = recording(cut(exchange("openai", Kind.STREAM)), source=Source.THIRD_PARTY)
    (answer,) = provider_answers(made)
    assert answer.broken_off
    assert violated(made) == set()


def test_our_simulators_stream_may_break_off_only_when_its_client_left(recording, violated):
    one = cut(exchange("openai", Kind.STREAM))
    assert {"openai.stream-done", "openai.finish-once"} <= violated(recording(one))
    assert violated(recording(replace(one, ending=Ending.CLIENT_CLOSE))) == set()


def test_an_address_that_nobody_knows_has_promised_nothing(recording, violated):
    one = replace(broken_by(MUTATIONS["drop-done"]), provider="compatible")
    assert violated(recording(one)) == {"openai.stream-done"}
    assert violated(recording(one, source=Source.THIRD_PARTY)) == set()


@pytest.mark.parametrize("provider", ["perplexity", "huggingface", "writer", "gpustack", "snowflake", "unknown"])
def test_who_does_not_document_the_terminal_is_not_held_to_it(provider: str, recording, verdict):
    one = replace(broken_by(MUTATIONS["drop-done"]), provider=provider)
    assert verdict("openai.stream-done", recording(one, source=Source.THIRD_PARTY)) is Verdict.NOT_APPLICABLE


def test_groqs_compound_systems_are_not_held_to_one_id(recording, verdict):
    one = replace(broken_by(MUTATIONS["mixed-id"]), provider="groq")
    asked = json.loads(one.request.body) | {"model": "groq/compound"}
    compound = replace(one, request=replace(one.request, body=json.dumps(asked).encode()))
    assert verdict("openai.stream-one-id", recording(one)) is Verdict.FAIL
    assert verdict("openai.stream-one-id", recording(compound)) is Verdict.NOT_APPLICABLE


def test_groqs_error_in_band_needs_no_terminal(recording, violated):
    groq = exchange("groq", Kind.STREAM)
    events = [event.data for event in sse.decode(groq.body).events][:3]
    failed = b"".join(map(sse.encode, events)) + sse.encode('{"error":{"message":"x","status_code":400}}', type="error")
    assert violated(recording(with_body(groq, failed), source=Source.THIRD_PARTY)) == set()


def test_azure_may_open_with_its_filters_chunk(recording, violated):
    azure = replace(exchange("openai", Kind.STREAM), provider="azure")
    opening = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []}
    made = recording(with_body(azure, sse.encode(json.dumps(opening)) + azure.body), source=Source.THIRD_PARTY)
    assert violated(made) == set()


def test_xai_counts_reasoning_beside_the_completion(recording, violated):
    xai = replace(exchange("openai", Kind.COMPLETION), provider="xai")
    document = json.loads(xai.body)
    document["usage"]["total_tokens"] += 100
    document["usage"]["completion_tokens_details"] = {"reasoning_tokens": 100}
    body = json.dumps(document).encode()
    assert violated(recording(with_body(xai, body), source=Source.THIRD_PARTY)) == set()
    assert violated(recording(replace(with_body(xai, body), provider="openai"), source=Source.THIRD_PARTY)) == {
        "openai.usage-adds-up"
    }


def test_a_stream_without_recorded_headers_is_not_asked_for_its_label(recording, verdict):
    one = exchange("openai", Kind.STREAM)
    assert one.response is not None
    bare = replace(one, response=replace(one.response, headers=()))
    assert verdict("openai.stream-content-type", recording(bare)) is Verdict.NOT_APPLICABLE
    assert verdict("openai.stream-done", recording(bare)) is Verdict.PASS


def test_a_body_that_was_written_again_is_judged_by_its_values(recording, violated):
    one = exchange("openai", Kind.COMPLETION)
    sorted_keys = json.dumps(json.loads(one.body), sort_keys=True, indent=2).encode()
    assert violated(recording(replace(with_body(one, sorted_keys), fidelity=Fidelity.NORMALIZED))) == set()
