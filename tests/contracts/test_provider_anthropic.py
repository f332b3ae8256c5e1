"""Each of Anthropic's contracts passes healthy answers, and fails on exactly the mutations it names."""

import json
from dataclasses import replace

import pytest

from harness.contracts import judge, load
from harness.contracts.provider_messages import provider_messages
from harness.core.recording import Ending, Exchange, Fidelity, Header, Recording, Request, Response, Side, Source
from harness.core.verdict import Level, Subject, Verdict
from harness.framing import sse
from harness.providers.anthropic import MessageRequest
from harness.providers.anthropic_bodies import Bodies
from harness.providers.anthropic_encode import carry, encode_answer, encode_error
from harness.providers.mutate import MUTATIONS as OPENAI_MUTATIONS
from harness.providers.mutate import Kind, Mutation
from harness.providers.mutate_anthropic import MUTATIONS
from harness.providers.mutate_bedrock import MUTATIONS as BEDROCK_MUTATIONS
from harness.providers.reply import default_reply, digest

CONTRACTS = {id_: one for id_, one in load().items() if one.family == "anthropic"}
SAID = default_reply("claude-x", "hi")


def exchange(kind: Kind, provider: str = "anthropic") -> Exchange:
    """A healthy answer of that kind, as our simulator gives it; Vertex AI's has another id and another call."""
    streamed = kind is Kind.STREAM
    asked = {"model": "claude-x", "max_tokens": 1000, "messages": [{"role": "user", "content": "hi"}]}
    request = MessageRequest("claude-x", streamed, 1000, (("user", "hi"),), "", None)
    if kind is Kind.ERROR:
        plan = encode_error(429)
    elif provider == "vertex":
        plan = carry(request, Bodies(SAID, digest("x"), id_prefix="msg_vrtx_01"), headers=())
    else:
        plan = encode_answer(request, SAID)
    call = "streamRawPredict" if streamed else "rawPredict"
    where = f"/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:{call}"
    return Exchange(
        id="p1",
        side=Side.PROVIDER,
        operation=call if provider == "vertex" else "messages",
        provider=provider,
        request=Request(
            "POST",
            f"http://localhost{where if provider == 'vertex' else '/v1/messages'}",
            body=json.dumps(asked | ({"stream": True} if streamed else {})).encode(),
        ),
        response=Response(plan.status, headers=plan.headers, body=plan.body),
        ending=Ending.EOF,
        ended_ns=0,
    )


def broken_by(mutation: Mutation) -> Exchange:
    healthy = exchange(mutation.kind)
    assert healthy.response is not None
    headers = (("Content-Type", mutation.content_type),) if mutation.content_type else healthy.response.headers
    status = mutation.status or healthy.response.status
    response = replace(healthy.response, body=mutation(healthy.response.body), headers=headers, status=status)
    return replace(healthy, response=response)


def with_body(one: Exchange, body: bytes) -> Exchange:
    assert one.response is not None
    return replace(one, response=replace(one.response, body=body))


def with_events(*events: dict) -> Exchange:
    body = b"".join(sse.encode(json.dumps(event), type=event["type"]) for event in events)
    return with_body(exchange(Kind.STREAM), body)


@pytest.mark.parametrize("provider", ["anthropic", "vertex"])
@pytest.mark.parametrize("kind", list(Kind))
def test_healthy_answers_violate_nothing(kind: Kind, provider: str, recording, violated):
    assert violated(recording(exchange(kind, provider))) == set()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
def test_exactly_the_contracts_that_name_a_mutation_fail_on_it(mutation: Mutation, recording, violated):
    declared = {id_ for id_, one in CONTRACTS.items() if mutation.id in one.breakers}
    assert declared, "a mutation that no contract names"
    assert violated(recording(broken_by(mutation))) == declared


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_breaker_is_a_mutation(contract_id: str):
    assert set(CONTRACTS[contract_id].breakers) <= MUTATIONS.keys() | BEDROCK_MUTATIONS.keys()


def test_no_mutation_is_called_as_one_of_another_protocol():
    assert not MUTATIONS.keys() & OPENAI_MUTATIONS.keys()


def test_there_is_a_contract_for_each_promise():
    assert len(CONTRACTS) >= 16
    assert all(one.subject is Subject.PROVIDER for one in CONTRACTS.values())


@pytest.mark.parametrize("contract_id", CONTRACTS)
def test_every_contract_looks_at_some_healthy_answer(contract_id: str, verdict):
    made = Recording(header=Header(source=Source.SIMULATOR), exchanges=tuple(exchange(kind) for kind in Kind))
    assert verdict(contract_id, made) is Verdict.PASS


def test_the_level_decides_between_a_failure_and_a_warning(recording, verdict):
    assert CONTRACTS["anthropic.id-form"].level is Level.SHOULD
    assert verdict("anthropic.id-form", recording(broken_by(MUTATIONS["foreign-message-id"]))) is Verdict.WARN
    assert verdict("anthropic.event-order", recording(broken_by(MUTATIONS["drop-message-start"]))) is Verdict.FAIL


def test_a_violation_points_at_the_event(recording):
    made = recording(broken_by(MUTATIONS["delta-of-another-block"]))
    (violation,) = judge(CONTRACTS["anthropic.block-indexes"], made).violations
    (pointer,) = violation.evidence
    assert made.exchanges[0].body[pointer.start : pointer.end].startswith(b"event: content_block_delta\n")
    assert violation.sentence == "content_block_delta is of block 1, and block 0 is open."


def test_a_scripted_fault_is_never_judged(recording, verdict):
    one = broken_by(MUTATIONS["drop-message-stop"])
    assert verdict("anthropic.message-stop-last", recording(one, fault="no-done")) is Verdict.NOT_APPLICABLE
    assert verdict("anthropic.message-stop-last", recording(one, source=Source.THIRD_PARTY)) is Verdict.FAIL


def test_a_strangers_stream_that_breaks_off_is_told_and_not_failed(recording, violated):
    one = exchange(Kind.STREAM)
    cut = with_body(one, one.body[: one.body.index(b"event: content_block_stop")])
    (answer,) = provider_messages(recording(cut, source=Source.THIRD_PARTY))
    assert answer.broken_off
    assert violated(recording(cut, source=Source.THIRD_PARTY)) == set()
    assert violated(recording(replace(cut, ending=Ending.CLIENT_CLOSE))) == set()
    assert violated(recording(cut)) == {"anthropic.message-stop-last", "anthropic.stream-stop-reason"}


def test_who_has_promised_nothing_is_not_judged(recording, violated):
    one = broken_by(MUTATIONS["drop-message-start"])
    assert violated(recording(replace(one, provider="compatible"), source=Source.THIRD_PARTY)) == set()
    assert violated(recording(replace(one, operation="messages.count_tokens"), source=Source.THIRD_PARTY)) == set()
    others = exchange(Kind.STREAM, "vertex")
    url = others.request.url.replace("anthropic", "mistralai")
    others = replace(with_body(others, b"data: {}\n\n"), request=replace(others.request, url=url))
    assert violated(recording(others, source=Source.THIRD_PARTY)) == set()


def test_vertex_is_held_to_the_bodies_and_not_to_the_errors(recording, violated):
    one = exchange(Kind.ERROR, "vertex")
    assert violated(recording(with_body(one, b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}'))) == set()
    stream = exchange(Kind.STREAM, "vertex")
    assert violated(recording(with_body(stream, MUTATIONS["usage-shrinks"](stream.body)))) == {"anthropic.usage"}
    assert violated(recording(with_body(stream, exchange(Kind.STREAM).body))) == {"anthropic.id-form"}


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 1, "output_tokens": 0},
    },
}
END = (
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
)


def block(index: int, kind: str, *deltas: str) -> list[dict]:
    start = {"type": "content_block_start", "index": index, "content_block": {"type": kind}}
    said = [{"type": "content_block_delta", "index": index, "delta": {"type": delta}} for delta in deltas]
    return [start, *said, {"type": "content_block_stop", "index": index}]


def test_blocks_of_all_kinds_are_sound(recording, violated):
    ping = {"type": "ping"}
    made = with_events(
        ping,
        START,
        ping,
        ping,
        *block(0, "thinking", "thinking_delta", "signature_delta"),
        *block(1, "redacted_thinking"),
        *block(2, "text", "text_delta", "citations_delta"),
        ping,
        *block(3, "server_tool_use", "input_json_delta"),
        *block(4, "web_search_tool_result"),
        *block(5, "mcp_tool_use", "input_json_delta"),
        *block(6, "hologram", "text_delta", "hologram_delta"),
        *block(7, "text", "hologram_delta"),
        {"type": "a_new_event"},
        *END,
        ping,
    )
    assert violated(recording(made)) == set()


def test_a_stream_may_have_no_block(recording, violated):
    assert violated(recording(with_events(START, *END))) == set()


def test_a_tool_takes_no_text(recording, violated):
    made = with_events(START, *block(0, "tool_use", "text_delta"), *END)
    assert violated(recording(made)) == {"anthropic.delta-types"}


def test_a_stream_that_fails_in_band_needs_no_end(recording, violated):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert violated(recording(with_events(START, *block(0, "text", "text_delta")[:2], error))) == set()


def test_nonsense_is_judged_without_an_accident(recording, violated):
    odd = [
        {"type": "message_start", "message": 5},
        {"type": "content_block_start", "index": [0], "content_block": None},
        {"type": "content_block_delta", "index": {}, "delta": []},
        {"type": "message_delta", "delta": {"stop_reason": ["x"]}, "usage": []},
        {"type": "message_stop"},
    ]
    assert {"anthropic.message-start", "anthropic.stop-reason", "anthropic.usage"} <= violated(
        recording(with_events(*odd))
    )
    for body in (b"[]", b"5", b'{"content":[1],"stop_reason":{},"usage":[]}', b""):
        assert "anthropic.message-object" in violated(recording(with_body(exchange(Kind.COMPLETION), body)))


def test_a_stream_that_was_written_again_may_lack_its_end(recording, violated):
    one = replace(broken_by(MUTATIONS["drop-message-stop"]), fidelity=Fidelity.NORMALIZED)
    assert violated(recording(one, source=Source.THIRD_PARTY)) == set()
