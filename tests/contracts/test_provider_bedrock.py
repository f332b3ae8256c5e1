"""Each contract of Bedrock's passes healthy answers, and fails on exactly the mutations it names.

So does each of Anthropic's on what Claude says there.
"""

import json
from dataclasses import replace

import pytest

from harness.contracts import judge, load
from harness.core.recording import Ending, Exchange, Fidelity, Header, Recording, Request, Response, Side, Source
from harness.core.verdict import Subject, Verdict
from harness.providers.bedrock import CALLS, Family, decode_request, decode_stream, family_of
from harness.providers.bedrock_encode import MODELS, encode_answer, encode_error, frame
from harness.providers.mutate_bedrock import MUTATIONS, REFUSAL, Mutation
from harness.providers.reply import default_reply

NOVA = MODELS[0]
CONTRACTS = {id_: one for id_, one in load().items() if one.family in ("bedrock", "anthropic")}
BEDROCKS = {id_: one for id_, one in CONTRACTS.items() if one.family == "bedrock"}


def body(call: str, model: str) -> bytes:
    messages = [{"role": "user", "content": [{"text": "hi"}]}]
    family = family_of(model) if call.startswith("invoke") else None
    fields = {
        Family.TITAN: {"inputText": "hi"},
        Family.LLAMA: {"prompt": "hi"},
        Family.CLAUDE: {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 2000, "messages": messages},
    }
    return json.dumps(fields.get(family, {"messages": messages})).encode()


def exchange(call: str, model: str = NOVA) -> Exchange:
    """A healthy answer to a call, as our simulator gives it, or a refusal."""
    operation = "converse" if call == REFUSAL else call
    asked = body(operation, model)
    if call == REFUSAL:
        plan = encode_error(429)
    else:
        plan = encode_answer(decode_request(operation, model, asked), default_reply(model, "hi"))
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation=operation,
        provider="bedrock",
        request=Request("POST", f"http://localhost/model/{model}/{operation}", body=asked),
        response=Response(plan.status, headers=plan.headers, body=plan.body),
        ending=Ending.EOF,
        ended_ns=0,
    )


def failed() -> Exchange:
    """A stream that says soundly that it failed."""
    one = exchange("converse-stream")
    begun = one.body[: decode_stream(one.body).events[2].end]
    failure = frame("throttlingException", {"message": "Too many tokens, please wait."}, kind="exception")
    return replace(one, response=replace(one.response, body=begun + failure))


def broken_by(mutation: Mutation) -> Exchange:
    healthy = exchange(mutation.call, next(model for model in MODELS if mutation.family in model))
    assert healthy.response is not None
    headers = tuple((name, value) for name, value in healthy.response.headers if name != mutation.dropped)
    if mutation.content_type:
        headers = (("content-type", mutation.content_type),)
    return replace(healthy, response=replace(healthy.response, body=mutation(healthy.body), headers=headers))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("call", [*CALLS, REFUSAL])
def test_healthy_answers_violate_nothing(call: str, model: str, recording, violated):
    assert violated(recording(exchange(call, model))) == set()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_exactly_the_contracts_that_name_a_mutation_fail_on_it(mutation: Mutation, recording, violated):
    declared = {id_ for id_, one in CONTRACTS.items() if mutation.id in one.breakers}
    assert declared, "a mutation that no contract names"
    assert violated(recording(broken_by(mutation))) == declared


@pytest.mark.parametrize("contract_id", BEDROCKS)
def test_every_breaker_is_a_mutation_and_healthy_traffic_is_looked_at(contract_id: str):
    one = BEDROCKS[contract_id]
    assert one.subject is Subject.PROVIDER
    assert set(one.breakers) <= MUTATIONS.keys()
    exchanges = (*(exchange(call, model) for call in [*CALLS, REFUSAL] for model in MODELS), failed())
    made = Recording(header=Header(source=Source.SIMULATOR), exchanges=exchanges)
    assert judge(one, made).verdict is Verdict.PASS


def test_there_is_a_contract_for_each_promise():
    assert len(BEDROCKS) == 23


def test_a_violation_points_at_the_frame(recording):
    broken = broken_by(MUTATIONS["bedrock-message-crc"])
    (violation,) = judge(BEDROCKS["bedrock.frames-intact"], recording(broken)).violations
    (pointer,) = violation.evidence
    assert b"contentBlockDelta" in broken.body[pointer.start : pointer.end]


def test_a_scripted_fault_is_never_judged(recording, violated):
    one = broken_by(MUTATIONS["bedrock-message-crc"])
    assert violated(recording(one, fault="bad-crc")) == set()
    assert violated(recording(one, source=Source.THIRD_PARTY)) == {"bedrock.frames-intact"}


@pytest.mark.parametrize("call", ["converse-stream", "invoke-with-response-stream"])
def test_a_strangers_stream_that_breaks_off_is_not_failed(call: str, recording, violated, with_body):
    one = exchange(call)
    cut = with_body(one, one.body[: len(one.body) // 2])
    assert violated(recording(cut, source=Source.THIRD_PARTY)) == set()
    assert "bedrock.frames-intact" in violated(recording(cut))
    assert violated(recording(replace(cut, ending=Ending.CLIENT_CLOSE))) == set()


def test_tokens_of_a_cache_may_be_counted_beside_the_input(recording, violated, with_body):
    one = exchange("converse")
    document = json.loads(one.body)
    document["usage"] |= {"cacheReadInputTokens": 100, "cacheWriteInputTokens": 0}
    document["usage"]["totalTokens"] += 100
    assert violated(recording(with_body(one, json.dumps(document).encode()))) == set()


def test_a_recorder_that_keeps_no_headers_is_not_asked_for_the_error_type(recording, violated):
    bare = replace(broken_by(MUTATIONS["bedrock-no-error-type"]), fidelity=Fidelity.NORMALIZED)
    assert violated(recording(bare, source=Source.THIRD_PARTY)) == set()


def test_claudes_plain_answer_is_judged_by_anthropics_contracts(recording, verdict, with_body):
    one = exchange("invoke", next(model for model in MODELS if "claude" in model))
    names = ("message-object", "stop-reason", "usage", "id-form")
    assert {verdict(f"anthropic.{name}", recording(one)) for name in names} == {Verdict.PASS}
    document = json.loads(one.body)
    broken = {
        "message-object": document | {"role": "user"},
        "stop-reason": document | {"stop_reason": "finished"},
        "usage": document | {"usage": {}},
        "id-form": document | {"id": "chatcmpl-1"},
    }
    for name, wrong in broken.items():
        found = recording(with_body(one, json.dumps(wrong).encode()))
        others = {other for other in names if verdict(f"anthropic.{other}", found) is not Verdict.PASS}
        assert others == {name}


@pytest.mark.parametrize("call", [call for call in CALLS if call != "invoke"])
def test_of_claudes_other_answers_on_bedrock_none_is_a_message_of_anthropics(call, recording, verdict):
    one = exchange(call, next(model for model in MODELS if "claude" in model))
    assert verdict("anthropic.message-object", recording(one)) is Verdict.NOT_APPLICABLE


def test_an_older_claude_that_is_asked_by_a_prompt_gives_no_message(recording, verdict, with_body):
    one = with_body(exchange("invoke", "anthropic.claude-3-5-sonnet-20240620-v1:0"), b'{"completion": "Hi"}')
    older = replace(one, request=replace(one.request, body=b'{"prompt": "Hi", "max_tokens_to_sample": 9}'))
    assert verdict("anthropic.message-object", recording(one)) is Verdict.FAIL
    assert verdict("anthropic.message-object", recording(older)) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("model", MODELS[:4])
def test_an_answer_with_a_request_id_and_no_counts_in_its_head_is_not_the_runtimes(model, recording, verdict):
    one = exchange("invoke", model)
    head = [(name, value) for name, value in one.response.headers if "token-count" not in name]
    for headers, wanted in ((head, Verdict.NOT_APPLICABLE), ([], Verdict.FAIL)):
        bare = replace(one, response=replace(one.response, headers=tuple(headers), body=b"{}"))
        assert verdict("bedrock.invoke-answer", recording(bare)) is wanted


def test_a_model_that_makes_embeddings_owes_no_words(recording, violated, with_body):
    one = with_body(exchange("invoke"), b'{"embeddings": []}')
    url = "http://localhost/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke"
    assert violated(recording(replace(one, request=replace(one.request, url=url)))) == set()
    assert violated(recording(one))
