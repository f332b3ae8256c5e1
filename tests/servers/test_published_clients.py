"""The simulator counts as right when the providers' own client libraries work against it, and fail as they should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import groq
import httpx
import openai
import pytest

from harness.core.fault import FAULTS, Usage
from harness.core.names import Answer, Provider
from harness.core.recording import Ending
from harness.providers.openai_encode import MODELS
from harness.providers.reply import default_reply
from harness.servers.simulator import Simulator

PROVIDERS = (Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE)
IMPATIENT_S = 0.25
PATIENT_S = 20.0
Scripted = Callable[..., Any]
ErrorOf = Callable[[ModuleType, str], Any]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> Provider:
    chosen: Provider = request.param
    return chosen


@pytest.fixture
def library(provider: Provider) -> ModuleType:
    return groq if provider is Provider.GROQ else openai


@pytest.fixture
async def client(provider: Provider, library: ModuleType, simulator: Simulator) -> AsyncIterator[Any]:
    kind = library.AsyncGroq if library is groq else library.AsyncOpenAI
    url = simulator.base_url(provider)
    async with kind(base_url=url, api_key="sk-test", max_retries=0, timeout=PATIENT_S) as opened:
        yield opened


async def read(client: Any, call: Any) -> tuple[str, list[Any], Exception | None]:
    """A streamed answer as a user of the client sees it: the text, the chunks, and what broke it off."""
    text, chunks = "", []
    try:
        async with await client.chat.completions.create(**call.json) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
        return text, chunks, failure
    return text, chunks, None


def said(call: Any) -> Any:
    return default_reply(call.json["model"], call.json["messages"][0]["content"])


async def test_models(client: Any, provider: Provider) -> None:
    assert [model.id for model in (await client.models.list()).data] == list(MODELS[provider])


async def test_plain(client: Any, provider: Provider, scripted: Scripted) -> None:
    call = scripted(provider=provider, stream=False)
    answer = await client.chat.completions.create(**call.json)
    reply = said(call)
    assert answer.choices[0].message.content == reply.text
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        reply.prompt_tokens,
        reply.completion_tokens,
    )
    assert (await call.ended()).ending is Ending.EOF


async def test_stream(client: Any, provider: Provider, scripted: Scripted) -> None:
    call = scripted(provider=provider)
    if provider is not Provider.GROQ:
        call.json["stream_options"] = {"include_usage": True}
    text, chunks, failure = await read(client, call)
    reply = said(call)
    assert failure is None
    assert text == reply.text
    usage = chunks[-1].x_groq.usage if provider is Provider.GROQ else chunks[-1].usage
    assert usage.completion_tokens == reply.completion_tokens
    assert len({chunk.id for chunk in chunks}) == 1
    assert (await call.ended()).ending is Ending.EOF


REFUSALS = [fault.id for fault in FAULTS.values() if fault.status and fault.strikes(Provider.OPENAI, Answer.PLAIN)]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_errors(
    client: Any,
    library: ModuleType,
    provider: Provider,
    scripted: Scripted,
    error_of: ErrorOf,
    fault: str,
    stream: bool,
) -> None:
    call = scripted(fault, provider, stream=stream)
    with pytest.raises(error_of(library, fault)) as caught:
        await client.chat.completions.create(**call.json)
    assert caught.value.status_code == FAULTS[fault].status
    assert ("sk-test" in str(caught.value)) is (fault == "http-401")
    assert ("retry-after" in caught.value.response.headers) is (fault in ("http-429", "http-429-date"))


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.OPENAI, Answer.STREAM) and fault.cosmetic and fault.id != "none"
] + ["wrong-content-type", *(fault.id for fault in FAULTS.values() if fault.usage is not Usage.TRUE)]


@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(
    client: Any, provider: Provider, scripted: Scripted, fault: str
) -> None:
    call = scripted(fault, provider)
    text, _, failure = await read(client, call)
    assert failure is None
    assert text == said(call).text


SILENT = {"cut": 3, "no-finish": FAULTS["no-finish"].after, "empty-body": 0, "empty-choices": 0, "json-on-stream": 0}


@pytest.mark.parametrize(("fault", "pieces"), SILENT.items(), ids=SILENT)
async def test_failures_that_the_client_does_not_see(
    client: Any, provider: Provider, scripted: Scripted, fault: str, pieces: int
) -> None:
    call = scripted(fault, provider)
    text, _, failure = await read(client, call)
    assert failure is None
    assert text == "".join(said(call).pieces[:pieces])


LOUD = {"reset-before-first": 0, "reset-mid-stream": 3, "error-event": 3, "error-chunk": 3, "malformed-chunk": 3}


@pytest.mark.parametrize(("fault", "pieces"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    client: Any, library: ModuleType, provider: Provider, scripted: Scripted, fault: str, pieces: int
) -> None:
    call = scripted(fault, provider)
    text, _, failure = await read(client, call)
    assert text == "".join(said(call).pieces[:pieces])
    if fault.startswith("reset"):
        assert isinstance(failure, library.APIConnectionError | httpx.TransportError)
        assert (await call.ended()).ending is Ending.RESET
    elif fault.startswith("error"):
        assert type(failure) is library.APIError
        assert "stopped working" in str(failure)
    else:
        assert isinstance(failure, json.JSONDecodeError)


@pytest.mark.parametrize(("fault", "pieces"), [("no-headers", 0), ("stall-mid-stream", 3)])
async def test_silence_ends_when_the_client_gives_up(
    client: Any, library: ModuleType, provider: Provider, scripted: Scripted, fault: str, pieces: int
) -> None:
    call = scripted(fault, provider)
    text, _, failure = await read(client.with_options(timeout=IMPATIENT_S), call)
    assert text == "".join(said(call).pieces[:pieces])
    assert isinstance(failure, library.APITimeoutError | httpx.TimeoutException)
    assert (await call.ended()).ending is Ending.CLIENT_CLOSE


@pytest.mark.parametrize("fault", ["not-json", "empty-body"])
async def test_answers_that_are_not_json(client: Any, provider: Provider, scripted: Scripted, fault: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        await client.chat.completions.create(**scripted(fault, provider, stream=False).json)


async def test_refused(client: Any, library: ModuleType, provider: Provider, simulator: Simulator) -> None:
    async with simulator.unreachable(provider):
        with pytest.raises(library.APIConnectionError):
            await client.models.list()
    assert (await client.models.list()).data


async def test_groq_by_the_client_of_openai(simulator: Simulator, scripted: Scripted) -> None:
    url = simulator.base_url(Provider.GROQ) + "/openai/v1"
    call = scripted("error-event", Provider.GROQ)
    async with openai.AsyncOpenAI(base_url=url, api_key="sk-test", max_retries=0) as client:
        text, _, failure = await read(client, call)
    assert text == "".join(said(call).pieces[:3])
    assert type(failure) is openai.APIError


async def test_an_answer_that_breaks_off(
    client: Any, library: ModuleType, provider: Provider, scripted: Scripted
) -> None:
    call = scripted("reset-plain", provider, stream=False)
    with pytest.raises((library.APIConnectionError, httpx.TransportError)):
        await client.chat.completions.create(**call.json)
    assert (await call.ended()).ending is Ending.RESET


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[ModuleType, Any]]:
    """The clients that block: they take long to be made, so they are made once."""
    once: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0, "timeout": PATIENT_S}
    with openai.OpenAI(**once) as chats, groq.Groq(**once) as fast:
        yield {openai: chats, groq: fast}


@pytest.fixture
def blocking(opened: dict[ModuleType, Any], provider: Provider, library: ModuleType, simulator: Simulator) -> Any:
    return opened[library].with_options(base_url=simulator.base_url(provider))


def read_blocking(client: Any, call: Any) -> tuple[str, Exception | None]:
    """An answer, streamed or plain, as a user of the client that blocks sees it: the text, and what broke it off."""
    text = ""
    try:
        answer = client.chat.completions.create(**call.json)
        if not call.json["stream"]:
            return answer.choices[0].message.content, None
        for chunk in answer:
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
        return text, failure
    return text, None


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_clients_that_block(blocking: Any, provider: Provider, scripted: Scripted, stream: bool) -> None:
    call = scripted(provider=provider, stream=stream)
    assert await asyncio.to_thread(read_blocking, blocking, call) == (said(call).text, None)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_clients_that_block_raise_the_same(
    blocking: Any,
    library: ModuleType,
    provider: Provider,
    scripted: Scripted,
    error_of: ErrorOf,
    fault: str,
    stream: bool,
) -> None:
    _, failure = await asyncio.to_thread(read_blocking, blocking, scripted(fault, provider, stream=stream))
    assert isinstance(failure, error_of(library, fault))
    assert failure.status_code == FAULTS[fault].status


STREAMED = {**SILENT, **LOUD, "no-headers": 0, "stall-mid-stream": 3}


@pytest.mark.parametrize(("fault", "pieces"), STREAMED.items(), ids=STREAMED)
async def test_streams_of_clients_that_block_break_off_alike(
    blocking: Any, library: ModuleType, provider: Provider, scripted: Scripted, fault: str, pieces: int
) -> None:
    call = scripted(fault, provider)
    client = blocking.with_options(timeout=IMPATIENT_S) if fault not in (*SILENT, *LOUD) else blocking
    text, failure = await asyncio.to_thread(read_blocking, client, call)
    assert text == "".join(said(call).pieces[:pieces])
    kinds = {
        "reset": (library.APIConnectionError, httpx.TransportError),
        "error": (library.APIError,),
        "malformed": (json.JSONDecodeError,),
        "no": (library.APITimeoutError,),
        "stall": (library.APITimeoutError, httpx.TimeoutException),
    }
    assert failure is None if fault in SILENT else isinstance(failure, kinds[fault.partition("-")[0]])


@pytest.mark.parametrize("fault", ["not-json", "empty-body", "reset-plain"])
async def test_answers_that_are_none_to_clients_that_block(
    blocking: Any, library: ModuleType, provider: Provider, scripted: Scripted, fault: str
) -> None:
    _, failure = await asyncio.to_thread(read_blocking, blocking, scripted(fault, provider, stream=False))
    torn = (library.APIConnectionError, httpx.TransportError)
    assert isinstance(failure, torn if fault == "reset-plain" else json.JSONDecodeError)


async def test_clients_that_block_and_nobody_who_listens(
    blocking: Any, library: ModuleType, provider: Provider, scripted: Scripted, simulator: Simulator
) -> None:
    async with simulator.unreachable(provider):
        _, failure = await asyncio.to_thread(read_blocking, blocking, scripted(provider=provider))
    assert isinstance(failure, library.APIConnectionError)
