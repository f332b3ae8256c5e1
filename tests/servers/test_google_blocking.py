"""Google's client that blocks meets the same failures as the one that does not, on Vertex AI and with an API key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from google.oauth2 import credentials

from harness.core.case import tie_text
from harness.core.fault import FAULTS
from harness.core.names import Answer, Form, Provider
from harness.providers.reply import default_reply
from harness.providers.vertex_encode import GEMINI
from harness.providers.vertex_token import AccessToken
from harness.servers.script import Script
from harness.servers.simulator import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPATIENT_MS, PATIENT_MS = 250, 20_000
TOKEN = "00000000c2"
PROMPT = f"hello {tie_text(TOKEN, 1)}"
ASKED: dict[str, Any] = {"model": GEMINI[0], "contents": PROMPT}
SAID = default_reply(GEMINI[0], PROMPT)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator([Provider.VERTEX]) as running:
        yield running


@pytest.fixture(scope="module", params=["vertex", "key"])
def blocking(request: pytest.FixtureRequest, simulator: Simulator) -> Iterator[genai.Client]:
    """The client, on Vertex AI and with a key of the Gemini API's: it takes long to be made, so it is made once."""
    token = credentials.Credentials(token=str(AccessToken("robot", int(time.time() * 1e6))))
    cloud: dict[str, Any] = {"vertexai": True, "project": "p", "location": "us-east5", "credentials": token}
    how = cloud if request.param == "vertex" else {"vertexai": False, "api_key": "AIza-test"}
    options = types.HttpOptions(
        base_url=simulator.base_url(Provider.VERTEX),
        timeout=PATIENT_MS,
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    with genai.Client(http_options=options, **how) as opened:
        yield opened


def read_blocking(client: genai.Client, *, stream: bool, **config: Any) -> tuple[str, Exception | None]:
    """An answer as a user of the client that blocks sees it: the text, and what broke it off."""
    text = ""
    try:
        if not stream:
            return client.models.generate_content(**ASKED, config=config or None).text or "", None
        for chunk in client.models.generate_content_stream(**ASKED, config=config or None):
            text += chunk.text or ""
    except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
        return text, failure
    return text, None


async def test_what_is_sound(blocking: genai.Client, prepared: Callable[..., Script]) -> None:
    prepared()
    for stream in (False, True):
        assert await asyncio.to_thread(read_blocking, blocking, stream=stream) == (SAID.text, None)


STATUSES = [
    fault.id
    for fault in FAULTS.values()
    if fault.status and fault.strikes(Provider.VERTEX, Answer.PLAIN, Form.CANDIDATES)
]


@pytest.mark.parametrize("fault", STATUSES)
async def test_the_client_that_blocks_raises_the_same(
    blocking: genai.Client, prepared: Callable[..., Script], fault: str
) -> None:
    prepared(fault)
    status = FAULTS[fault].status or 0
    keyed = not blocking.vertexai
    if keyed and status == 401:
        status = 400  # what the Gemini API says of a bad key
    for stream in (False, True):
        text, failure = await asyncio.to_thread(read_blocking, blocking, stream=stream)
        assert type(failure) is (errors.ClientError if status < 500 else errors.ServerError)
        assert (text, failure.code) == ("", status)
        reasons = [one.get("reason") for one in failure.details["error"].get("details", ())]
        assert reasons == (["API_KEY_INVALID"] if keyed and fault == "http-401" else [])


BROKEN = (httpx2.TransportError,)
STREAMED: dict[str, tuple[int, tuple[type[Exception], ...]]] = {
    "cut": (3, ()),
    "empty-body": (0, ()),
    "empty-choices": (0, ()),
    "reset-before-first": (0, BROKEN),
    "reset-mid-stream": (3, BROKEN),
    "error-event": (3, (errors.ServerError,)),
    "error-chunk": (3, (errors.ServerError,)),
    "malformed-chunk": (3, (errors.UnknownApiResponseError,)),
}


@pytest.mark.parametrize(("fault", "seen"), STREAMED.items(), ids=STREAMED)
async def test_streams_of_the_client_that_blocks_break_off_alike(
    blocking: genai.Client,
    prepared: Callable[..., Script],
    fault: str,
    seen: tuple[int, tuple[type[Exception], ...]],
) -> None:
    prepared(fault)
    text, failure = await asyncio.to_thread(read_blocking, blocking, stream=True)
    assert text == "".join(SAID.pieces[: seen[0]])
    assert isinstance(failure, seen[1]) if seen[1] else failure is None


@pytest.mark.parametrize(("fault", "pieces"), [("no-headers", 0), ("stall-mid-stream", 3)])
async def test_silence_ends_when_the_client_that_blocks_gives_up(
    blocking: genai.Client, prepared: Callable[..., Script], fault: str, pieces: int
) -> None:
    prepared(fault)
    impatient = {"http_options": {"timeout": IMPATIENT_MS}}
    text, failure = await asyncio.to_thread(read_blocking, blocking, stream=True, **impatient)
    assert text == "".join(SAID.pieces[:pieces])
    assert isinstance(failure, httpx2.TimeoutException)


NO_ANSWERS: dict[str, tuple[type[Exception], ...]] = {
    "not-json": (json.JSONDecodeError,),
    "reset-plain": (httpx2.TransportError,),
}


@pytest.mark.parametrize(("fault", "kinds"), NO_ANSWERS.items(), ids=NO_ANSWERS)
async def test_answers_that_are_none_to_the_client_that_blocks(
    blocking: genai.Client, prepared: Callable[..., Script], fault: str, kinds: tuple[type[Exception], ...]
) -> None:
    prepared(fault)
    _, failure = await asyncio.to_thread(read_blocking, blocking, stream=False)
    assert isinstance(failure, kinds)


async def test_the_client_that_blocks_and_nobody_who_listens(blocking: genai.Client, simulator: Simulator) -> None:
    async with simulator.unreachable(Provider.VERTEX):
        _, failure = await asyncio.to_thread(read_blocking, blocking, stream=False)
    assert isinstance(failure, httpx2.ConnectError)
