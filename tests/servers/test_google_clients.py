"""The simulated Vertex AI counts as right when google-auth gets its tokens from it and google-genai its answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.genai import errors, types
from google.oauth2 import credentials, service_account

from harness.core.case import tie_text
from harness.core.fault import FAULTS, Usage
from harness.core.names import Answer, Form, Provider
from harness.core.recording import Ending
from harness.providers.reply import default_reply
from harness.providers.vertex_encode import GEMINI
from harness.providers.vertex_token import LIFETIME_S, AccessToken, read_token
from harness.servers.script import Script
from harness.servers.simulator import Simulator

IMPATIENT_MS, PATIENT_MS = 250, 20_000
TOKEN = "00000000c1"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
ASKED: dict[str, Any] = {"model": GEMINI[0], "contents": PROMPT}
SAID = default_reply(GEMINI[0], PROMPT)
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
Failure = tuple[str, list[Any], Exception | None]


@pytest.fixture(scope="module")
def key_text() -> str:
    """A private key as a key file has it."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.fixture
def account(simulator: Simulator, key_text: str, tmp_path: Path) -> service_account.Credentials:
    """A service account as its key file gives it."""
    info = {
        "type": "service_account",
        "client_email": "robot@p.iam.gserviceaccount.example",
        "private_key": key_text,
        "private_key_id": "1",
        "token_uri": f"{simulator.base_url(Provider.VERTEX)}/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(info))
    return service_account.Credentials.from_service_account_file(str(path), scopes=SCOPES)


def own_token() -> credentials.Credentials:
    return credentials.Credentials(token=str(AccessToken("robot", int(time.time() * 1e6))))


@pytest.fixture
def options(simulator: Simulator) -> types.HttpOptions:
    return types.HttpOptions(
        base_url=simulator.base_url(Provider.VERTEX),
        timeout=PATIENT_MS,
        client_args={"verify": False},  # whose certificates are read nowhere take long to be read
        retry_options=types.HttpRetryOptions(attempts=1),  # without it, a refused connection is tried again in seconds
    )


@pytest.fixture(params=["httpx", "aiohttp"])
async def client(request: pytest.FixtureRequest, options: types.HttpOptions) -> AsyncIterator[genai.Client]:
    """The client on Vertex AI, over each of the HTTP libraries that it can use."""
    async with aiohttp.ClientSession() as http:
        if request.param == "aiohttp":
            options.aiohttp_client = http
        else:
            options.async_client_args = {"transport": httpx2.AsyncHTTPTransport(verify=False)}
        with genai.Client(
            vertexai=True, project="p", location="us-east5", credentials=own_token(), http_options=options
        ) as opened:
            yield opened
            await opened.aio.aclose()


@pytest.fixture
def keyed(options: types.HttpOptions) -> Iterator[genai.Client]:
    """The client of the Gemini API, which has a key and no project."""
    with genai.Client(vertexai=False, api_key="AIza-test", http_options=options) as opened:
        yield opened


async def read(client: genai.Client, **config: Any) -> Failure:
    """A streamed answer as a user of the client sees it: the text, the chunks, and what broke it off."""
    text, chunks = "", []
    try:
        async for chunk in await client.aio.models.generate_content_stream(**ASKED, config=config or None):
            chunks.append(chunk)
            text += chunk.text or ""
    except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
        return text, chunks, failure
    return text, chunks, None


async def test_a_service_account_gets_tokens(account: service_account.Credentials) -> None:
    await asyncio.to_thread(account.refresh, Request())
    first = read_token(account.token)
    assert first is not None
    assert first.owner == "robot"
    assert not account.expired
    await asyncio.to_thread(account.refresh, Request())
    second = read_token(account.token)
    assert second is not None
    assert second.issued_us > first.issued_us


async def test_a_service_account_acts_for_somebody(account: service_account.Credentials) -> None:
    delegated = account.with_subject("0b1c@else.example")
    await asyncio.to_thread(delegated.refresh, Request())
    token = read_token(delegated.token)
    assert token is not None
    assert token.owner == "0b1c"


async def test_another_grant_is_refused(simulator: Simulator) -> None:
    url = f"{simulator.base_url(Provider.VERTEX)}/token"
    user = credentials.Credentials(None, refresh_token="r", token_uri=url, client_id="c", client_secret="s")
    with pytest.raises(RefreshError, match="unsupported_grant_type"):
        await asyncio.to_thread(user.refresh, Request())


async def test_tokens_are_for_use(account: service_account.Credentials, options: types.HttpOptions) -> None:
    def ask() -> tuple[str, list[str | None]]:
        with genai.Client(
            vertexai=True, project="p", location="us-east5", credentials=account, http_options=options
        ) as client:
            names = [model.name for model in client.models.list()]
            return client.models.generate_content(**ASKED).text or "", names

    text, names = await asyncio.to_thread(ask)
    assert text == SAID.text
    assert names == [f"publishers/google/models/{model}" for model in GEMINI]


async def test_an_old_token_is_refused(client: genai.Client) -> None:
    old = AccessToken("robot", int((time.time() - LIFETIME_S) * 1e6))
    client._api_client._credentials = credentials.Credentials(token=str(old))
    with pytest.raises(errors.ClientError) as caught:
        await client.aio.models.generate_content(**ASKED)
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


async def test_the_gemini_api(keyed: genai.Client, prepared: Callable[..., Script], ended: Callable[..., Any]) -> None:
    script = prepared()

    def ask() -> tuple[list[str | None], str | None, str]:
        names = [model.name for model in keyed.models.list()]
        streamed = "".join(chunk.text or "" for chunk in keyed.models.generate_content_stream(**ASKED))
        return names, keyed.models.generate_content(**ASKED).text, streamed

    names, plain, streamed = await asyncio.to_thread(ask)
    assert names == [f"models/{model}" for model in GEMINI]
    assert (plain, streamed) == (SAID.text, SAID.text)
    assert "/publishers/" not in (await ended(script)).request.url


async def test_plain(client: genai.Client, prepared: Callable[..., Script], ended: Callable[..., Any]) -> None:
    script = prepared()
    answer = await client.aio.models.generate_content(**ASKED)
    assert answer.text == SAID.text
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (SAID.prompt_tokens, SAID.completion_tokens)
    exchange = await ended(script)
    assert (exchange.operation, exchange.provider, exchange.ending) == ("generateContent", "vertex", Ending.EOF)


async def test_stream(client: genai.Client, prepared: Callable[..., Script], ended: Callable[..., Any]) -> None:
    script = prepared()
    text, chunks, failure = await read(client)
    assert failure is None
    assert text == SAID.text
    assert [chunk.candidates[0].finish_reason for chunk in chunks] == [None] * 8 + [types.FinishReason.STOP]
    assert chunks[-1].usage_metadata.candidates_token_count == SAID.completion_tokens
    assert len({chunk.response_id for chunk in chunks}) == 1
    exchange = await ended(script)
    assert (exchange.operation, exchange.ending) == ("streamGenerateContent", Ending.EOF)


async def test_the_limit_and_the_system_instruction_are_read(
    client: genai.Client, prepared: Callable[..., Script]
) -> None:
    prepared()
    text, chunks, _ = await read(client, max_output_tokens=40, system_instruction="Be brief.")
    assert text == "".join(default_reply(GEMINI[0], f"Be brief. {PROMPT}", max_tokens=40).pieces)
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


STATUSES = [fault.id for fault in FAULTS.values() if fault.status and fault.strikes(Provider.VERTEX, Answer.PLAIN)]


@pytest.mark.parametrize("fault", STATUSES)
async def test_errors(client: genai.Client, prepared: Callable[..., Script], fault: str) -> None:
    prepared(fault)
    with pytest.raises(errors.APIError) as caught:
        await client.aio.models.generate_content(**ASKED)
    status = FAULTS[fault].status
    assert status is not None
    assert type(caught.value) is (errors.ClientError if status < 500 else errors.ServerError)
    assert caught.value.code == status
    assert caught.value.status == caught.value.details["error"]["status"]
    assert ("ya29." in str(caught.value)) is (fault == "http-401")


@pytest.mark.parametrize("fault", STATUSES)
async def test_errors_of_streams(client: genai.Client, prepared: Callable[..., Script], fault: str) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert isinstance(failure, errors.APIError)
    assert (text, failure.code) == ("", FAULTS[fault].status)


async def test_no_such_model(client: genai.Client, prepared: Callable[..., Script]) -> None:
    prepared()
    with pytest.raises(errors.ClientError) as caught:
        await client.aio.models.generate_content(model="gemini-0", contents=PROMPT)
    assert caught.value.code == 404


async def test_the_token_is_refused_until_a_newer_one_comes(
    client: genai.Client, prepared: Callable[..., Script]
) -> None:
    prepared("expired-token")
    for _ in range(2):
        _, _, failure = await read(client)
        assert isinstance(failure, errors.ClientError)
        assert failure.code == 401
    client._api_client._credentials = own_token()
    assert (await read(client))[0] == SAID.text


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.VERTEX, Answer.STREAM, Form.CANDIDATES)
    and (fault.cosmetic or fault.usage is not Usage.TRUE)
    and fault.id != "none"
] + ["wrong-content-type", "json-on-stream"]


@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(
    client: genai.Client, prepared: Callable[..., Script], fault: str
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert failure is None
    assert text == SAID.text + (" And again." if fault == "after-done" else "")


SILENT = {"cut": 3, "no-finish": FAULTS["no-finish"].after, "empty-body": 0, "empty-choices": 0}


@pytest.mark.parametrize(("fault", "pieces"), SILENT.items(), ids=SILENT)
async def test_failures_that_the_client_does_not_see(
    client: genai.Client, prepared: Callable[..., Script], fault: str, pieces: int
) -> None:
    prepared(fault)
    text, _, failure = await read(client)
    assert failure is None
    assert text == "".join(SAID.pieces[:pieces])


LOUD: dict[str, tuple[int, tuple[type[Exception], ...]]] = {
    "reset-before-first": (0, (httpx2.ReadError, aiohttp.ClientError)),
    "reset-mid-stream": (3, (httpx2.ReadError, aiohttp.ClientError)),
    "error-event": (3, (errors.ServerError,)),
    "error-chunk": (3, (errors.ServerError,)),
    "malformed-chunk": (3, (errors.UnknownApiResponseError,)),
}


@pytest.mark.parametrize(("fault", "seen"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    client: genai.Client,
    prepared: Callable[..., Script],
    fault: str,
    seen: tuple[int, tuple[type[Exception], ...]],
    ended: Callable[..., Any],
) -> None:
    script = prepared(fault)
    text, _, failure = await read(client)
    assert text == "".join(SAID.pieces[: seen[0]])
    assert isinstance(failure, seen[1])
    if fault.startswith("reset"):
        assert (await ended(script)).ending is Ending.RESET


@pytest.mark.parametrize(("fault", "pieces"), [("no-headers", 0), ("stall-mid-stream", 3)])
async def test_silence_ends_when_the_client_gives_up(
    client: genai.Client, prepared: Callable[..., Script], fault: str, pieces: int, ended: Callable[..., Any]
) -> None:
    script = prepared(fault)
    text, _, failure = await read(client, http_options={"timeout": IMPATIENT_MS})
    assert text == "".join(SAID.pieces[:pieces])
    assert isinstance(failure, httpx2.TimeoutException | TimeoutError)
    assert (await ended(script)).ending is Ending.CLIENT_CLOSE


async def test_an_answer_that_is_not_json(client: genai.Client, prepared: Callable[..., Script]) -> None:
    prepared("not-json")
    with pytest.raises(json.JSONDecodeError):
        await client.aio.models.generate_content(**ASKED)


async def test_refused(client: genai.Client, simulator: Simulator) -> None:
    async with simulator.unreachable(Provider.VERTEX):
        with pytest.raises((httpx2.ConnectError, aiohttp.ClientConnectorError)):
            await client.aio.models.generate_content(**ASKED)
    assert (await client.aio.models.generate_content(**ASKED)).text == SAID.text


async def test_an_answer_that_breaks_off(
    client: genai.Client, prepared: Callable[..., Script], ended: Callable[..., Any]
) -> None:
    script = prepared("reset-plain")
    with pytest.raises((httpx2.TransportError, aiohttp.ClientError)):
        await client.aio.models.generate_content(**ASKED)
    assert (await ended(script)).ending is Ending.RESET


@pytest.mark.parametrize("fault", ["http-400", "http-429", "http-503", "error-event", "reset-mid-stream"])
async def test_the_gemini_api_without_blocking(
    options: types.HttpOptions, prepared: Callable[..., Script], fault: str
) -> None:
    prepared(fault)
    options.async_client_args = {"transport": httpx2.AsyncHTTPTransport(verify=False)}
    with genai.Client(vertexai=False, api_key="AIza-test", http_options=options) as client:
        text, _, failure = await read(client)
        await client.aio.aclose()
    broken = fault in LOUD
    assert text == "".join(SAID.pieces[: LOUD[fault][0] if broken else 0])
    assert isinstance(failure, LOUD[fault][1] if broken else errors.APIError)
