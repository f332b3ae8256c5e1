"""How the simulated Anthropic takes requests: order of refusals, and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.fault import FAULTS, Fault
from harness.providers.anthropic import decode_error, decode_message, decode_stream
from harness.providers.anthropic_call import AnthropicReceiver
from harness.providers.call import Circumstances
from harness.providers.plan import Plan

VERSION = ("anthropic-version", "2023-06-01")
KEY = (("X-Api-Key", "sk-test"), VERSION)
HEALTHY = Circumstances(fault=FAULTS["none"])
PATH = "/v1/messages"


def body(**fields: Any) -> bytes:
    message = {"role": "user", "content": "hi [tie:0123456789.3]"}
    return json.dumps({"model": "claude-sonnet-5", "max_tokens": 500, "messages": [message]} | fields).encode()


def refusal(plan: Plan) -> str:
    error = decode_error(plan.body)
    assert error is not None
    return error.message


def test_who_is_refused_first() -> None:
    receive = AnthropicReceiver()
    unknown = receive("POST", "/v1/embeddings", (), body())
    assert (unknown.operation, unknown.tie, unknown.answer(HEALTHY).status) == ("unknown", "0123456789.3", 404)
    nobody = receive("POST", PATH, (("x-api-key", ""),), b"nonsense")
    assert (nobody.operation, nobody.tie, nobody.answer(HEALTHY).status) == ("messages", None, 401)
    old = receive("POST", PATH, KEY[:1], b"nonsense").answer(HEALTHY)
    assert (old.status, refusal(old)) == (400, "anthropic-version: header is required")
    nonsense = receive("POST", PATH, KEY, body(stream="yes"))
    assert (nonsense.tie, nonsense.answer(HEALTHY).status) == ("0123456789.3", 400)
    assert refusal(nonsense.answer(HEALTHY)) == "stream: neither true nor false"
    absent = receive("POST", PATH, KEY, body(model="nothing"))
    assert (absent.answer(HEALTHY).status, refusal(absent.answer(HEALTHY))) == (404, "model: nothing")
    assert absent.answer(Circumstances(fault=FAULTS["http-529"])).status == 529


@pytest.mark.parametrize("field", [("x-api-key", "sk-test"), ("Authorization", "Bearer sk-test")])
def test_the_key_is_quoted_as_it_was_given(field: tuple[str, str]) -> None:
    call = AnthropicReceiver()("POST", PATH, (field, VERSION), body())
    assert refusal(call.answer(Circumstances(fault=FAULTS["http-401"]))).endswith("sk-test")


def test_its_models_can_be_others() -> None:
    receive = AnthropicReceiver(("tiny",))
    assert receive("POST", PATH, KEY, body(model="tiny")).answer(HEALTHY).status == 200
    assert receive("POST", PATH, KEY, body()).answer(HEALTHY).status == 404
    listed = json.loads(receive("GET", "/v1/models?limit=5", KEY, b"").answer(HEALTHY).body)
    assert [model["id"] for model in listed["data"]] == ["tiny"]


def test_an_answer_stops_at_the_limit_that_was_asked_for() -> None:
    plan = AnthropicReceiver()("POST", PATH, KEY, body(stream=True, max_tokens=40)).answer(HEALTHY)
    stream = decode_stream(plan.body)
    assert stream.stop_reasons == ("max_tokens",)
    assert stream.usage["output_tokens"] == 40


FIELDS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["claude-sonnet-5", "gpt-4o", "\ud800"]),
        "stream": st.booleans(),
        "max_tokens": st.integers(0, 300),
        "messages": st.lists(st.fixed_dictionaries({"role": st.text(), "content": st.text()}), min_size=1),
    },
    optional={"system": st.one_of(st.text(), st.lists(st.fixed_dictionaries({"text": st.text()})))},
)


@given(
    st.one_of(FIELDS.map(lambda fields: json.dumps(fields).encode()), st.binary()),
    st.sampled_from(list(FAULTS.values())),
)
def test_every_request_gets_an_answer(sent: bytes, fault: Fault) -> None:
    plan = AnthropicReceiver()("POST", PATH, KEY, sent).answer(Circumstances(fault=fault))
    if plan.status != 200:
        assert refusal(plan)
    elif plan.chunked:
        assert decode_stream(plan.body).tail == b""
    elif fault.body.value in ("answer", "json-on-stream") and plan.length is None:
        assert decode_message(plan.body).text
