"""The proxy between a target and a service of its own: what passes is recorded, and can be made to fail."""

import asyncio
import base64
import json

import aiohttp
import pytest
from aiohttp import web

from harness.core.recording import Ending, Side
from harness.servers.gate import Gate
from harness.servers.service import Service, ServiceScript, Trouble
from harness.systems import accounting

OWNER = "0190f0b0-0000-7000-8000-000000000001"
CLAIMS = base64.urlsafe_b64encode(json.dumps({"sub": OWNER}).encode()).decode().rstrip("=")
BEARER = {"Authorization": f"Bearer header.{CLAIMS}.signature"}


@pytest.fixture
async def real():
    """The service itself; gives its address and what it was asked."""
    asked = []

    async def answer(request):
        asked.append((request.method, request.path_qs, await request.text(), request.headers.get("Authorization")))
        return web.json_response({"allowed": True}, status=201, headers={"retry-after": "3", "x-private": "no"})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


@pytest.fixture
async def service(real):
    one = Service(accounting.NAME, accounting.ROUTES)
    await one.open()
    one.forward(real[0] + "/")
    yield one
    await one.close()


@pytest.fixture
def script(service, recorder):
    mine = ServiceScript(recorder)
    service.claim(OWNER, mine)
    return mine


async def ask(http, service, path="/credits/check", **options):
    async with http.post(service.url + path, data=b'{"a": 1}', **options) as response:
        return response.status, await response.json(), response.headers


async def test_what_passes_is_passed_on_and_recorded_for_the_owner_of_the_token(http, service, script, real, recorder):
    status, body, headers = await ask(http, service, headers=BEARER)
    assert (status, body, headers["retry-after"], "x-private" in headers) == (201, {"allowed": True}, "3", False)
    assert real[1] == [("POST", "/credits/check", '{"a": 1}', BEARER["Authorization"])]
    (exchange,) = recorder.recording().exchanges
    assert (exchange.id, exchange.side, exchange.operation) == ("s1", Side.SERVICE, "accounting.check")
    assert (exchange.request.body, exchange.status, exchange.body) == (b'{"a": 1}', 201, b'{"allowed": true}')
    assert exchange.ending is Ending.EOF


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/streaming-sessions/initialize", "accounting.initialize"),
        ("/streaming-sessions/7%2F7/finalize", "accounting.unknown"),
        ("/streaming-sessions/77/finalize", "accounting.finalize"),
        ("/streaming-sessions/77/abort", "accounting.abort"),
        ("/elsewhere", "accounting.unknown"),
    ],
)
async def test_calls_are_named_by_their_route(http, service, script, recorder, path, operation):
    await ask(http, service, path, headers=BEARER)
    assert [one.operation for one in recorder.recording().exchanges] == [operation]


@pytest.mark.parametrize("header", [None, "Bearer a.b", "Bearer a.!.c", "Bearer a.W10.c", "Bearer a.bm8.c"])
async def test_what_bears_nobodys_token_is_passed_on_and_recorded_for_nobody(http, service, script, recorder, header):
    headers = {} if header is None else {"Authorization": header}
    assert (await ask(http, service, headers=headers))[0] == 201
    assert recorder.recording().exchanges == ()


async def test_who_is_disowned_is_nobody(http, service, script, recorder):
    service.disown(script)
    await ask(http, service, headers=BEARER)
    assert recorder.recording().exchanges == ()


async def test_a_call_fails_as_it_is_told(http, service, script, real, recorder):
    script.troubles["accounting.check"] = Trouble(400, b'{"message": "no"}')
    assert (await ask(http, service, headers=BEARER))[:2] == (400, {"message": "no"})
    script.troubles["accounting.check"] = Trouble(None)
    with pytest.raises(aiohttp.ClientError):
        await ask(http, service, headers=BEARER)
    await service.close()
    first, second = recorder.recording().exchanges
    assert (first.status, first.ending) == (400, Ending.EOF)
    assert (second.status, second.response) == (None, None)
    assert real[1] == []


@pytest.mark.parametrize("status", [500, None])
async def test_a_call_that_fails_late_was_passed_on(http, service, script, real, status):
    script.troubles["accounting.check"] = Trouble(status, late=True)
    if status is None:
        with pytest.raises(aiohttp.ClientError):
            await ask(http, service, headers=BEARER)
    else:
        assert (await ask(http, service, headers=BEARER))[:2] == (status, {})
    assert len(real[1]) == 1


async def test_a_call_is_held_at_a_gate_and_counted(http, service, script, recorder):
    script.gates["accounting.check"] = gate = Gate()
    calls = [asyncio.create_task(ask(http, service, headers=BEARER)) for _ in range(2)]
    await script.seen("accounting.check", 2)
    assert not any(call.done() for call in calls)
    gate.open()
    assert [status for status, _, _ in await asyncio.gather(*calls)] == [201, 201]


async def test_a_caller_who_leaves_is_noted(http, service, script, recorder):
    script.gates["accounting.check"] = Gate()
    call = asyncio.create_task(ask(http, service, headers=BEARER))
    await script.seen("accounting.check")
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await service.close()
    assert [one.ending for one in recorder.recording().exchanges] == [Ending.CLIENT_CLOSE]


async def test_a_service_that_is_not_there_resets_its_caller(http, recorder):
    one = Service(accounting.NAME, accounting.ROUTES)
    await one.open()
    script = ServiceScript(recorder)
    one.claim(OWNER, script)
    for url in ("", "http://127.0.0.1:1"):
        one.forward(url)
        with pytest.raises(aiohttp.ClientError):
            await ask(http, one, headers=BEARER)
    await one.close()
    assert [exchange.response for exchange in recorder.recording().exchanges] == [None, None]
