"""Amazon Bedrock: what is encoded is read back, whatever the call and family, healthy and spoilt, and any bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DecodeError
from harness.core.fault import FAULTS, Body, Damage, Fault, Insert, Then, Usage
from harness.core.names import Answer, Provider
from harness.framing import eventstream
from harness.providers.bedrock import (
    CALLS,
    Family,
    Kind,
    ModelRequest,
    decode_answer,
    decode_error,
    decode_request,
    decode_stream,
    error_type,
    family_of,
    has_metrics,
    target,
)
from harness.providers.bedrock_call import BedrockReceiver
from harness.providers.bedrock_encode import EVENT_STREAM, MODELS, encode_answer
from harness.providers.call import Circumstances
from harness.providers.plan import Plan
from harness.providers.reply import default_reply

PROMPT = "hi [tie:0123456789.3]"
SIGNED = (
    ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/bedrock/aws4_request, Signature=0"),
)
HEALTHY = Circumstances(fault=FAULTS["none"])
NOVA = MODELS[0]
STREAMS = [(call, model) for call in CALLS if call.endswith("-stream") for model in MODELS]
PLAINS = [(call, model) for call in CALLS if not call.endswith("-stream") for model in MODELS]


def body(call: str, model: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": [{"text": PROMPT}]}]
    family = family_of(model) if call.startswith("invoke") else None
    fields: dict[Family | None, dict[str, Any]] = {
        None: {"messages": messages, "inferenceConfig": {"maxTokens": 2000}},
        Family.NOVA: {"messages": messages, "inferenceConfig": {"max_new_tokens": 2000}},
        Family.TITAN: {"inputText": PROMPT, "textGenerationConfig": {"maxTokenCount": 2000}},
        Family.LLAMA: {"prompt": PROMPT, "max_gen_len": 2000},
        Family.CLAUDE: {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 2000,
            "messages": [{"role": "user", "content": PROMPT}],
        },
    }
    return json.dumps(fields[family] | more).encode()


def request(call: str, model: str) -> ModelRequest:
    return decode_request(call, model, body(call, model))


def answer(call: str, model: str = NOVA, fault: str | Fault = "none") -> Plan:
    chosen = FAULTS[fault] if isinstance(fault, str) else fault
    return encode_answer(request(call, model), default_reply(model, PROMPT), chosen, key="AKIATEST")


def text_of(model: str, pieces: int | None = None) -> str:
    return "".join(default_reply(model, PROMPT).pieces[:pieces])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("coded", ["amazon.nova-lite-v1:0", "amazon.nova-lite-v1%3A0", "amazon.nova-lite-v1%3a0"])
def test_the_colon_of_a_model_comes_in_both_forms(call: str, coded: str) -> None:
    assert target("POST", f"/base/model/{coded}/{call}") == (call, "amazon.nova-lite-v1:0")
    assert target("POST", f"/model/{coded}/{call}?x=1") == (call, "amazon.nova-lite-v1:0")
    assert target("GET", f"/model/{coded}/{call}") is None
    assert target("POST", f"/model/{coded}/{call}/more") is None


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("call", CALLS)
def test_requests_of_every_family(call: str, model: str) -> None:
    made = request(call, model)
    assert (made.prompt, made.max_tokens, made.tie) == (PROMPT, 2000, "0123456789.3")
    assert made.family == (family_of(model) if call.startswith("invoke") else None)
    assert made.stream is call.endswith("-stream")


def test_families_with_a_region_before_them() -> None:
    assert family_of("us.meta.llama3-1-70b-instruct-v1:0") is Family.LLAMA
    assert family_of("amazon.titan-embed-text-v2:0") is None


@pytest.mark.parametrize("model", MODELS)
def test_the_body_of_another_family_is_refused(model: str) -> None:
    others = [other for other in MODELS if family_of(other) is not family_of(model)]
    for other in others:
        with pytest.raises(DecodeError, match=r"required key|expected type"):
            decode_request("invoke", model, body("invoke", other))


@pytest.mark.parametrize("limit", [0, -1, True, "many", 1.5])
def test_a_limit_that_is_none(limit: Any) -> None:
    with pytest.raises(DecodeError, match="output limit"):
        decode_request(
            "invoke", "meta.llama3-70b-instruct-v1:0", json.dumps({"prompt": "", "max_gen_len": limit}).encode()
        )


@pytest.mark.parametrize(("call", "model"), PLAINS)
def test_plain_answers(call: str, model: str) -> None:
    reply, read = default_reply(model, PROMPT), decode_answer(answer(call, model).body)
    assert (read.text, read.usage) == (reply.text, (reply.prompt_tokens, reply.completion_tokens))
    assert read.stop_reason is not None


@pytest.mark.parametrize(("call", "model"), STREAMS)
def test_streams(call: str, model: str) -> None:
    plan, reply = answer(call, model), default_reply(model, PROMPT)
    stream = decode_stream(plan.body)
    assert dict(plan.headers)["content-type"] == EVENT_STREAM
    assert (stream.text, stream.usage) == (reply.text, (reply.prompt_tokens, reply.completion_tokens))
    assert len(stream.stop_reasons) == 1
    assert stream.terminal
    assert {event.kind for event in stream.events} == {Kind.EVENT}
    assert (stream.tail, stream.trouble, plan.contents) == (b"", None, len(reply.pieces))
    order = {tuple(header.name for header in event.message.headers) for event in stream.events}
    assert order == {(":event-type", ":content-type", ":message-type")}
    assert (
        [has_metrics(event) for event in stream.events].index(True) == len(stream.events) - 1
        if "invoke" in call
        else True
    )


def test_the_order_of_converse() -> None:
    names = [event.name for event in decode_stream(answer("converse-stream").body).events]
    assert names == ["messageStart", *["contentBlockDelta"] * 8, "contentBlockStop", "messageStop", "metadata"]


ERRORS = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException"} | {
    401: "UnrecognizedClientException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", ERRORS)
def test_errors(call: str, status: int) -> None:
    plan = answer(call, fault=f"http-{status}")
    assert plan.status == status
    assert error_type(dict(plan.headers)["x-amzn-errortype"]) == ERRORS[status]
    message = decode_error(plan.body)
    assert message
    assert ("AKIATEST" in message) is (status == 401)


SPOILT = [
    fault
    for fault in FAULTS.values()
    if fault.strikes(Provider.BEDROCK, Answer.STREAM)
    and fault.tied
    and fault.status is None
    and fault.body is Body.ANSWER
]


@pytest.mark.parametrize("fault", SPOILT, ids=lambda fault: fault.id)
@pytest.mark.parametrize(("call", "model"), STREAMS)
def test_streams_that_are_spoilt(call: str, model: str, fault: Fault) -> None:
    stream = decode_stream(answer(call, model, fault).body)
    kinds = [event.kind for event in stream.events]
    ends = fault.then is not Then.GO_ON or fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK)
    unread = fault.damage is Damage.PRELUDE_CRC  # nobody knows where the next frame begins
    assert stream.text.startswith(text_of(model, fault.after if ends or unread else None))
    assert (kinds.count(Kind.EXCEPTION) == 1) is (fault.insert in (Insert.ERROR_EVENT, Insert.ERROR_CHUNK))
    assert (Kind.DAMAGED in kinds) is (fault.damage is Damage.CRC)
    assert (Kind.MALFORMED in kinds) is (fault.insert is Insert.MALFORMED and fault.damage is Damage.NONE)
    assert (stream.tail != b"") is (fault.damage in (Damage.PRELUDE_CRC, Damage.HALF))
    assert (stream.trouble is not None) is (fault.damage is Damage.PRELUDE_CRC)
    if ends:
        assert not stream.terminal
    if fault.usage not in (Usage.TRUE, Usage.ABSENT):
        assert stream.usage != decode_stream(answer(call, model).body).usage


@pytest.mark.parametrize("model", [model for model in MODELS if "titan" in model or "llama" in model])
def test_the_last_chunk_of_titan_and_llama_has_counts_of_its_own(model: str) -> None:
    stream, reply = (
        decode_stream(answer("invoke-with-response-stream", model, "no-done").body),
        default_reply(model, PROMPT),
    )
    assert not any(map(has_metrics, stream.events))
    assert stream.usage == (reply.prompt_tokens, reply.completion_tokens)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("error-event", "modelStreamErrorException"),
        ("throttled-in-band", "throttlingException"),
        ("error-chunk", "InternalFailure"),
    ],
)
def test_how_a_failure_in_band_is_called(fault: str, name: str) -> None:
    (failed,) = decode_stream(answer("converse-stream", fault=fault).body).exceptions
    assert failed.name == name


@pytest.mark.parametrize(("call", "model"), PLAINS + STREAMS)
def test_answers_without_content(call: str, model: str) -> None:
    plan = answer(call, model, "empty-choices")
    if call.endswith("-stream"):
        assert decode_stream(plan.body).text == ""
    elif family_of(model) is Family.LLAMA and call == "invoke":
        with pytest.raises(DecodeError):
            decode_answer(plan.body)
    else:
        assert decode_answer(plan.body).text == ""


def test_a_fault_of_another_provider_changes_nothing() -> None:
    assert answer("converse-stream", fault="expired-token") == answer("converse-stream")
    assert answer("converse", fault="bad-crc") == answer("converse")


def test_who_is_refused_first() -> None:
    receive = BedrockReceiver()
    unknown = receive("POST", "/model/x/count-tokens", (), body("converse", NOVA))
    assert (unknown.operation, unknown.tie, unknown.answer(HEALTHY).status) == ("unknown", "0123456789.3", 404)
    path = f"/model/{NOVA}/invoke"
    unsigned = receive("POST", path, (("authorization", "Basic eDp5"),), b"nonsense").answer(HEALTHY)
    assert (unsigned.status, decode_error(unsigned.body)) == (403, "Missing Authentication Token")
    wrong = receive("POST", path, SIGNED, body("invoke", MODELS[2])).answer(HEALTHY)
    assert (wrong.status, error_type(dict(wrong.headers)["x-amzn-errortype"])) == (400, "ValidationException")
    absent = receive("POST", "/model/nothing/converse", SIGNED, body("converse", NOVA))
    assert decode_error(absent.answer(HEALTHY).body) == "The provided model identifier is invalid."
    assert absent.answer(Circumstances(fault=FAULTS["http-503"])).status == 503
    nameless = receive("POST", "/model/nothing/invoke", SIGNED, body("converse", NOVA))
    assert decode_error(nameless.answer(HEALTHY).body) == "The provided model identifier is invalid."
    own = BedrockReceiver(("amazon.nova-pro-v1:0",))(
        "POST", "/model/amazon.nova-pro-v1%3A0/invoke", SIGNED, body("invoke", NOVA)
    )
    assert own.answer(HEALTHY).status == 200


def test_a_key_may_come_as_a_bearers() -> None:
    call = BedrockReceiver()(
        "POST", f"/model/{NOVA}/converse", (("authorization", "Bearer abc"),), body("converse", NOVA)
    )
    assert "abc" in (decode_error(call.answer(Circumstances(fault=FAULTS["http-401"])).body) or "")


@given(st.binary(max_size=100), st.sampled_from(CALLS), st.sampled_from(MODELS), st.sampled_from(list(FAULTS.values())))
def test_every_request_gets_an_answer(sent: bytes, call: str, model: str, fault: Fault) -> None:
    plan = BedrockReceiver()("POST", f"/model/{model}/{call}", SIGNED, sent).answer(Circumstances(fault=fault))
    assert plan.status == 200 or decode_error(plan.body)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["output", "message", "content", "results", "generation", "usage", "delta", "bytes", "messageStop"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(DOCUMENTS, st.sampled_from(["chunk", "contentBlockDelta", "messageStop"]))
def test_readers_take_any_document(document: Any, name: str) -> None:
    payload = json.dumps(document).encode()
    frame = eventstream.encode([eventstream.Header(":event-type", name)], payload)
    assert len(decode_stream(frame).events) == 1
    decode_error(payload)
    with suppress(DecodeError):
        assert isinstance(decode_answer(payload).text, str)
