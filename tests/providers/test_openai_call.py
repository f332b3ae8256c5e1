"""How simulated providers take requests: order of refusals, and any bytes at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.providers.call import Circumstances
from harness.providers.openai import decode_completion, decode_error, decode_stream
from harness.providers.openai_call import OpenAIReceiver
from harness.providers.plan import Plan
from harness.providers.reply import Reply

PROVIDERS = (Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE)
KEY = (("Authorization", "Bearer sk-test"),)
HEALTHY = Circumstances(fault=FAULTS["none"])


def body(**fields: Any) -> bytes:
    message = {"role": "user", "content": "hi [tie:0123456789.3]"}
    return json.dumps({"model": "gpt-4o", "messages": [message]} | fields).encode()


def refusal(plan: Plan) -> str:
    error = decode_error(plan.body)
    assert error is not None
    return error.message


def test_who_is_refused_first() -> None:
    receive = OpenAIReceiver(Provider.OPENAI)
    unknown = receive("POST", "/v1/embeddings", (), body())
    assert (unknown.operation, unknown.tie, unknown.answer(HEALTHY).status) == ("unknown", "0123456789.3", 404)
    nobody = receive("POST", "/v1/chat/completions", (("authorization", "Bearer "),), b"nonsense")
    assert (nobody.operation, nobody.tie, nobody.answer(HEALTHY).status) == ("chat.completions", None, 401)
    nonsense = receive("POST", "/v1/chat/completions", KEY, body(stream="yes"))
    assert (nonsense.tie, nonsense.answer(HEALTHY).status) == ("0123456789.3", 400)
    assert refusal(nonsense.answer(HEALTHY)) == "'stream' is neither true nor false"
    absent = receive("POST", "/v1/chat/completions", KEY, body(model="nothing"))
    assert absent.answer(HEALTHY).status == 404
    assert absent.answer(Circumstances(fault=FAULTS["http-503"])).status == 503


def test_the_key_is_quoted_as_it_was_given() -> None:
    call = OpenAIReceiver(Provider.OPENAI)("POST", "/v1/chat/completions", KEY, body())
    assert "sk-test." in refusal(call.answer(Circumstances(fault=FAULTS["http-401"])))


def test_its_models_can_be_others() -> None:
    receive = OpenAIReceiver(Provider.COMPATIBLE, ("tiny",))
    assert receive("POST", "/chat/completions", KEY, body(model="tiny")).answer(HEALTHY).status == 200
    assert receive("POST", "/chat/completions", KEY, body(model="local-model")).answer(HEALTHY).status == 404
    listed = json.loads(receive("GET", "/models", KEY, b"").answer(HEALTHY).body)
    assert [model["id"] for model in listed["data"]] == ["tiny"]


def test_a_reply_of_ones_own() -> None:
    call = OpenAIReceiver(Provider.OPENAI)("POST", "/chat/completions", KEY, body(stream=True))
    reply = Reply(("Yes", ", no"), 1000, 2000, "gpt-4o", "length")
    stream = decode_stream(call.answer(Circumstances(fault=FAULTS["none"], reply=reply)).body)
    assert (stream.text, stream.finish_reasons) == ("Yes, no", ("length",))


FIELDS = st.fixed_dictionaries(
    {"model": st.sampled_from(["gpt-4o", "local-model", "gemma-7b-it", "\ud800"]), "stream": st.booleans()},
    optional={
        "messages": st.lists(st.fixed_dictionaries({"role": st.text(), "content": st.text()}), min_size=1),
        "max_tokens": st.integers(0, 300),
        "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}),
    },
)


@pytest.mark.parametrize("provider", PROVIDERS)
@given(
    st.one_of(FIELDS.map(lambda fields: json.dumps(fields).encode()), st.binary()),
    st.sampled_from(list(FAULTS.values())),
)
def test_every_request_gets_an_answer(provider: Provider, sent: bytes, fault: Any) -> None:
    plan = OpenAIReceiver(provider)("POST", "/chat/completions", KEY, sent).answer(Circumstances(fault=fault))
    if plan.status != 200:
        assert refusal(plan)
    elif plan.chunked:
        assert decode_stream(plan.body).tail == b""
    elif fault.body.value in ("answer", "json-on-stream") and plan.length is None:
        assert decode_completion(plan.body).text
