"""Lists of models and requests for tokens fail as the clients that have these calls expect, by each kind of failure."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import anthropic
import groq
import httpx
import httpx2
import openai
import pytest
import pytest_asyncio
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import Request
from google.genai import errors, types
from google.oauth2 import credentials, service_account

from harness.core.fault import FAULTS
from harness.core.names import Answer, Provider
from harness.providers import anthropic as anthropic_wire
from harness.providers import openai as openai_wire
from harness.providers import vertex
from harness.providers.anthropic_encode import MODELS as CLAUDE
from harness.providers.openai_encode import MODELS
from harness.providers.vertex_encode import GEMINI
from harness.providers.vertex_token import AccessToken, read_token
from harness.servers.simulator import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPATIENT_S, PATIENT_S = 0.25, 20.0
REFUSALS = [fault.id for fault in FAULTS.values() if fault.status and fault.strikes(Provider.OPENAI, Answer.PLAIN)]
SOUND = ("wrong-content-type", "slow-first-token")


@dataclass(frozen=True)
class Lists:
    """A client that has a list of models: how to ask it (patiently or not), and what it has to say."""

    provider: Provider
    call: str
    library: ModuleType
    ask: Callable[[bool], Awaitable[list[str]]]
    models: tuple[str, ...]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


def chat_client(opened: Any, provider: Provider, library: ModuleType) -> Lists:
    async def ask(patient: bool) -> list[str]:
        client = opened.with_options(timeout=PATIENT_S if patient else IMPATIENT_S)
        return [model.id for model in (await client.models.list()).data]

    return Lists(provider, openai_wire.LIST, library, ask, MODELS[provider])


def claude_client(opened: anthropic.AsyncAnthropic) -> Lists:
    async def ask(patient: bool) -> list[str]:
        client = opened.with_options(timeout=PATIENT_S if patient else IMPATIENT_S)
        return [model.id for model in (await client.models.list()).data]

    return Lists(Provider.ANTHROPIC, anthropic_wire.LIST, anthropic, ask, CLAUDE)


def gemini_client(opened: genai.Client, prefix: str) -> Lists:
    async def ask(patient: bool) -> list[str]:
        limit = types.HttpOptions(timeout=int(1000 * (PATIENT_S if patient else IMPATIENT_S)))
        pager = await opened.aio.models.list(config={"http_options": limit, "query_base": True})
        return [str(model.name) async for model in pager]

    return Lists(Provider.VERTEX, vertex.MODELS, genai, ask, tuple(prefix + model for model in GEMINI))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(simulator: Simulator) -> AsyncIterator[dict[str, Lists]]:
    """All of them, made once: that takes longer than what they are asked."""
    once: dict[str, Any] = {"max_retries": 0, "api_key": "sk-test"}
    address = simulator.base_url
    http = types.HttpOptions(base_url=address(Provider.VERTEX), retry_options=types.HttpRetryOptions(attempts=1))
    http.async_client_args = {"transport": httpx2.AsyncHTTPTransport()}
    cloud = {"vertexai": True, "project": "p", "location": "us-east5"}
    token = credentials.Credentials(token=str(AccessToken("robot", int(time.time() * 1e6))))
    async with AsyncExitStack() as stack:
        made: dict[str, Lists] = {}
        for provider in (Provider.OPENAI, Provider.COMPATIBLE):
            opened = await stack.enter_async_context(openai.AsyncOpenAI(base_url=address(provider), **once))
            made[provider.value] = chat_client(opened, provider, openai)
        fast = await stack.enter_async_context(groq.AsyncGroq(base_url=address(Provider.GROQ), **once))
        made["groq"] = chat_client(fast, Provider.GROQ, groq)
        claude = anthropic.AsyncAnthropic(base_url=address(Provider.ANTHROPIC), **once)
        made["anthropic"] = claude_client(await stack.enter_async_context(claude))
        for name, more, prefix in (
            ("vertex", {**cloud, "credentials": token}, "publishers/google/models/"),
            ("gemini", {"vertexai": False, "api_key": "AIza-test"}, "models/"),
        ):
            client = stack.enter_context(genai.Client(http_options=http, **more))
            stack.push_async_callback(client.aio.aclose)
            made[name] = gemini_client(client, prefix)
        yield made


NAMES = ("openai", "compatible", "groq", "anthropic", "vertex", "gemini")


@pytest.fixture(params=NAMES)
def lists(request: pytest.FixtureRequest, clients: dict[str, Lists]) -> Lists:
    return clients[request.param]


@pytest.fixture
def struck(simulator: Simulator) -> Any:
    """Have one call of those that belong to no case fail, until the end of the test."""

    def strike(fault: str, call: str) -> None:
        simulator.fault = replace(FAULTS[fault], operation=call)

    yield strike
    simulator.fault = FAULTS["none"]


@pytest.mark.parametrize("fault", ["none", *SOUND])
async def test_a_list_that_is_there(lists: Lists, struck: Any, fault: str) -> None:
    struck(fault, lists.call)
    assert tuple(await lists.ask(True)) == lists.models


@pytest.mark.parametrize("fault", REFUSALS)
async def test_a_list_that_is_refused(lists: Lists, struck: Any, error_of: Any, fault: str) -> None:
    struck(fault, lists.call)
    status = FAULTS[fault].status or 0
    if fault == "http-401" and lists.models[0].startswith("models/"):
        status = 400  # a bad key of the Gemini API's
    own = errors.ClientError if status < 500 else errors.ServerError
    with pytest.raises(own if lists.library is genai else error_of(lists.library, fault)) as caught:
        await lists.ask(True)
    raised: Any = caught.value
    assert (raised.code if lists.library is genai else raised.status_code) == status
    sent = raised.response.headers
    assert ("retry-after" in sent) is (fault in ("http-429", "http-429-date"))


BROKEN = (openai.APIConnectionError, groq.APIConnectionError, anthropic.APIConnectionError)
TORN = (*BROKEN, httpx.TransportError, httpx2.TransportError)
LATE = (openai.APITimeoutError, groq.APITimeoutError, anthropic.APITimeoutError, httpx2.TimeoutException)
KINDS: dict[str, tuple[type[Exception], ...]] = {
    "no-headers": LATE,
    "not-json": (json.JSONDecodeError,),
    "empty-body": (json.JSONDecodeError,),
    "reset-plain": TORN,
}


@pytest.mark.parametrize(("fault", "kinds"), KINDS.items(), ids=KINDS)
async def test_a_list_that_is_none(lists: Lists, struck: Any, fault: str, kinds: tuple[type[Exception], ...]) -> None:
    struck(fault, lists.call)
    if lists.library is genai and fault == "empty-body":
        assert await lists.ask(True) == []  # nothing reads as a list of nothing
        return
    with pytest.raises(kinds):
        await lists.ask(fault != "no-headers")


async def test_a_list_of_nothing(lists: Lists, struck: Any) -> None:
    struck("empty-choices", lists.call)
    assert await lists.ask(True) == []


async def test_a_list_of_nobody_who_listens(lists: Lists, simulator: Simulator) -> None:
    async with simulator.unreachable(lists.provider):
        with pytest.raises(TORN):
            await lists.ask(True)
    assert await lists.ask(True)


@pytest.fixture(scope="module")
def account(simulator: Simulator) -> service_account.Credentials:
    """A service account of the simulated token endpoint's."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    info = {
        "client_email": "robot@p.iam.gserviceaccount.example",
        "private_key": rsa.generate_private_key(public_exponent=65_537, key_size=2048).private_bytes(*form).decode(),
        "token_uri": f"{simulator.base_url(Provider.VERTEX)}/token",
    }
    return service_account.Credentials.from_service_account_info(info, scopes=["x"])


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long google-auth would have waited before it tries again, in seconds."""
    asked: list[float] = []
    monkeypatch.setattr("google.auth._exponential_backoff.time", SimpleNamespace(sleep=asked.append))
    return asked


def refreshed(account: service_account.Credentials, limit_s: float = PATIENT_S) -> None:
    account.refresh(partial(Request(), timeout=limit_s))


NO_GRANT = {
    "http-400": "invalid_grant",
    "http-401": "invalid_client",
    "http-403": "access_denied",
    "http-404": "invalid_grant",
    "http-429": "rate_limit_exceeded",
    "http-500": "internal_failure",
    "http-502": "internal_failure",
    "http-503": "internal_failure",
    "http-529": "internal_failure",
}


@pytest.mark.parametrize(("fault", "said"), NO_GRANT.items(), ids=NO_GRANT)
async def test_a_token_that_is_refused(
    account: service_account.Credentials, struck: Any, waits: list[float], fault: str, said: str
) -> None:
    struck(fault, vertex.TOKEN)
    with pytest.raises(RefreshError, match=said) as caught:
        await asyncio.to_thread(refreshed, account)
    passing = said in ("internal_failure", "rate_limit_exceeded")
    assert caught.value.retryable is passing
    assert len(waits) == (2 if passing else 0)


@pytest.mark.parametrize("fault", ["not-json", "empty-body"])
async def test_a_grant_that_is_none(account: service_account.Credentials, struck: Any, fault: str) -> None:
    struck(fault, vertex.TOKEN)
    with pytest.raises(TypeError):  # the library takes every 200 for an object
        await asyncio.to_thread(refreshed, account)


@pytest.mark.parametrize("fault", ["no-headers", "reset-plain"])
async def test_a_token_endpoint_that_breaks_off(
    account: service_account.Credentials, struck: Any, waits: list[float], fault: str
) -> None:
    struck(fault, vertex.TOKEN)
    with pytest.raises((TransportError, requests.RequestException)):
        await asyncio.to_thread(refreshed, account, IMPATIENT_S if fault == "no-headers" else PATIENT_S)
    assert waits == []


async def test_a_token_endpoint_that_nobody_is_at(account: service_account.Credentials, simulator: Simulator) -> None:
    async with simulator.unreachable(Provider.VERTEX):
        with pytest.raises(TransportError):
            await asyncio.to_thread(refreshed, account)
    await asyncio.to_thread(refreshed, account)
    token = read_token(str(account.token))
    assert token is not None
    assert token.owner == "robot"


async def test_a_token_is_granted_whatever_befalls_the_models(
    account: service_account.Credentials, simulator: Simulator, struck: Any
) -> None:
    struck("http-503", vertex.MODELS)
    await asyncio.to_thread(refreshed, account)
    simulator.fault = FAULTS["http-503"]
    await asyncio.to_thread(refreshed, account)
    assert account.valid
