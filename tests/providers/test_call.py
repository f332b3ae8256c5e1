"""Who a request says it is from: a bearer, by the scheme's name and not without it."""

import pytest

from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.providers.anthropic_call import AnthropicReceiver
from harness.providers.call import Circumstances, bearer
from harness.providers.chatkit_call import ChatKitReceiver
from harness.providers.openai_call import OpenAIReceiver
from harness.providers.vertex_call import VertexReceiver

KEY = "ya29.key"
RECEIVERS = {
    "openai": (OpenAIReceiver(Provider.OPENAI), "/v1/models"),
    "groq": (OpenAIReceiver(Provider.GROQ), "/openai/v1/models"),
    "anthropic": (AnthropicReceiver(), "/v1/models"),
    "chatkit": (ChatKitReceiver(), "/v1/chatkit/sessions"),
    "vertex": (VertexReceiver(), "/v1beta1/publishers/anthropic/models"),
}
BESIDE = (("anthropic-version", "2023-06-01"), ("OpenAI-Beta", "chatkit_beta=v1"))


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f" BEARER  {KEY} "])
def test_a_bearer_is_told_by_the_scheme(value: str) -> None:
    assert bearer(value) == KEY


@pytest.mark.parametrize("value", ["", KEY, f"Basic {KEY}", "Bearer", "Bearer ", f"Bearer{KEY}", f"Token {KEY}"])
def test_anything_else_is_none(value: str) -> None:
    assert bearer(value) is None


@pytest.mark.parametrize(("value", "known"), [(f"Bearer {KEY}", True), (KEY, False), (f"Basic {KEY}", False)])
@pytest.mark.parametrize("name", RECEIVERS)
def test_no_provider_takes_a_key_without_its_scheme(name: str, value: str, known: bool) -> None:
    receive, path = RECEIVERS[name]
    method = "POST" if name == "chatkit" else "GET"
    call = receive(method, path, (("Authorization", value), *BESIDE), b"{}")
    status = call.answer(Circumstances(fault=FAULTS["none"])).status
    assert (status != 401) is known
