"""Whatever the gateway lets through can be put to every protocol, or is refused as the caller's mistake."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.dialects.claude import message_request
from harness.backend.dialects.converse import converse_request
from harness.backend.dialects.gemini import generation
from harness.backend.failure import Kind, UpstreamError
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.request import PASSED_ON, ROLES, Validator

ATOMS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5)
KEYS = st.sampled_from(["type", "function", "name", "arguments", "parameters", "id", "url", "image_url", "text", "x"])
ANY = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "audio"])}, optional={"text": ATOMS, "image_url": ANY}
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(sorted(ROLES)), "content": st.text(max_size=9) | st.lists(PARTS, max_size=3) | st.none()},
    optional={"tool_calls": ANY, "tool_call_id": ANY, "name": ANY},
)
FREE = sorted(PASSED_ON - {"messages", "model"})
BODIES = st.builds(
    lambda messages, more: {"model": "m", "messages": messages, **more},
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(FREE), ANY, max_size=4),
)


def failure_of(put, body):
    try:
        put(body)
    except UpstreamError as failure:
        return failure
    return None


@pytest.mark.parametrize("put", [message_request, converse_request, generation])
@given(body=BODIES)
def test_a_request_is_put_or_refused(put, body):
    try:
        ask = Validator().read(json.dumps(body).encode())
    except GatewayError:
        return
    refused = failure_of(put, ask.body)
    assert refused is None or (refused.kind is Kind.REFUSED and refused.words)
