"""The provider simulator on real sockets: what it sends, what it notes, and that it lets go at once."""

from __future__ import annotations

import asyncio
import json as stdlib
import socket
from collections.abc import Callable
from typing import Any

import aiohttp
import psutil
import pytest

from harness.cassettes.recorder import Recorder
from harness.core.errors import PortInUse, UnknownName
from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.core.recording import Ending, Header, Side, Source
from harness.framing import json
from harness.providers.call import Call, Circumstances
from harness.providers.openai import decode_error, decode_stream
from harness.providers.openai_encode import MODELS
from harness.providers.plan import Plan
from harness.servers.gate import BEFORE_HEADERS, Gate
from harness.servers.script import Script
from harness.servers.simulator import Simulator

OPENAI = Provider.OPENAI
PATH = "/chat/completions"
LIMIT_S = 20.0


async def soon(wait: Any) -> Any:
    """The result, which must come in a generous time."""
    return await asyncio.wait_for(wait, LIMIT_S)


async def post(http: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> tuple[int, bytes]:
    async with http.post(url, json=body) as response:
        return response.status, await response.read()


async def test_a_stream_and_what_is_noted_of_it(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted()
    url = simulator.base_url(OPENAI) + PATH
    async with http.post(url, json=call.json) as response:
        body = await response.read()
        headers = response.raw_headers
    exchange = await call.ended()
    assert exchange.side is Side.PROVIDER
    assert exchange.operation == "chat.completions"
    assert (exchange.tie, exchange.provider) == (call.tie, "openai")
    assert (exchange.request.method, exchange.request.url) == ("POST", url)
    assert exchange.request.header("Authorization") == "Bearer sk-test"
    assert json.loads(exchange.request.body) == call.json
    assert exchange.response is not None
    assert exchange.response.headers == tuple((name.decode(), value.decode()) for name, value in headers)
    assert ("authorization", "Bearer sk-test") in exchange.request.headers
    assert exchange.body == body
    assert exchange.ending is Ending.EOF
    times = [exchange.request.sent_ns, exchange.response.at_ns, *(one.at_ns for one in exchange.response.segments)]
    assert times == sorted(times)
    assert times[-1] <= exchange.ended_ns
    ends = [segment.end for segment in exchange.response.segments]
    assert ends == [event.end for event in decode_stream(body).events]


async def test_a_plain_answer(simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]) -> None:
    call = scripted(stream=False)
    status, body = await post(http, simulator.base_url(OPENAI) + PATH, call.json)
    exchange = await call.ended()
    assert (status, exchange.status, exchange.body, exchange.ending) == (200, 200, body, Ending.EOF)
    assert exchange.response is not None
    assert exchange.response.header("Content-Length") == str(len(body))


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", ""])
@pytest.mark.parametrize("provider", [Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE])
async def test_models_under_any_prefix(
    simulator: Simulator, http: aiohttp.ClientSession, provider: Provider, prefix: str
) -> None:
    root = simulator.base_url(provider).removesuffix("/v1")
    async with http.get(f"{root}{prefix}/models") as response:
        assert response.status == 200
        assert [model["id"] for model in (await response.json())["data"]] == list(MODELS[provider])


async def test_refusals(simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]) -> None:
    url = simulator.base_url(OPENAI)
    async with http.post(url + PATH, data=b"hello") as response:
        assert response.status == 400
    async with http.get(url + "/nothing") as response:
        assert response.status == 404
    async with aiohttp.ClientSession() as nobody, nobody.post(url + PATH, json=scripted().json) as response:
        assert response.status == 401
    status, body = await post(http, url + PATH, scripted().json | {"model": "no-such-model"})
    error = decode_error(body)
    assert error is not None
    assert (status, error.code) == (404, "model_not_found")


async def test_a_fault_comes_before_the_look_at_the_model(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted("http-429")
    status, _ = await post(http, simulator.base_url(OPENAI) + PATH, call.json | {"model": "no-such-model"})
    assert status == 429


async def test_traffic_of_no_case(simulator: Simulator, http: aiohttp.ClientSession, recorder: Recorder) -> None:
    url = simulator.base_url(OPENAI) + PATH
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello [tie:00000000ff.1]"}]}
    assert (await post(http, url, body))[0] == 200
    simulator.stray = recorder
    simulator.fault = FAULTS["http-503"]
    assert (await post(http, url, body))[0] == 503
    (noted,) = recorder.recording().exchanges
    assert (noted.tie, noted.status, noted.ending) == ("00000000ff.1", 503, Ending.EOF)


async def test_a_forgotten_case(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted("http-500")
    url = simulator.base_url(OPENAI) + PATH
    assert (await post(http, url, call.json))[0] == 500
    simulator.forget(call.tie.partition(".")[0])
    assert (await post(http, url, call.json))[0] == 200


async def test_cases_do_not_mix(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    faults = ["none", "http-429", "cut", "http-500", "no-done"] * 4
    calls = [scripted(fault) for fault in faults]
    url = simulator.base_url(OPENAI) + PATH
    answers = await asyncio.gather(*(post(http, url, call.json) for call in calls))
    for fault, call, (status, body) in zip(faults, calls, answers, strict=True):
        exchange = await call.ended()
        assert (exchange.tie, exchange.status, exchange.body) == (call.tie, status, body)
        assert status == (FAULTS[fault].status or 200)
    assert len({decode_stream(body).text for status, body in answers if status == 200}) == 12  # 4 of each kind


async def test_attempts_are_told_apart(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted()
    url = simulator.base_url(OPENAI) + PATH
    bodies = [(await post(http, url, call.json))[1] for _ in range(2)]
    first, second = (decode_stream(body) for body in bodies)
    assert first.text == second.text
    assert first.ids != second.ids
    assert (await call.ended()).body == bodies[1]
    assert call.script.count(call.tie) == 2
    await soon(call.script.idle())


async def test_held_before_the_headers(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted(stream=False)
    gate = call.script.gates[BEFORE_HEADERS] = Gate()
    asking = asyncio.create_task(post(http, simulator.base_url(OPENAI) + PATH, call.json))
    await soon(gate.wait_reached())
    draft = await soon(call.script.seen(call.tie))
    assert draft.open
    assert draft.freeze().response is None
    assert not asking.done()
    gate.open()
    assert (await soon(asking))[0] == 200
    assert (await call.ended()).ending is Ending.EOF


@pytest.mark.parametrize("fault", ["none", "one-byte-segments", "split-utf8", "crlf", "comments"])
@pytest.mark.parametrize("point", [0, 1, 5, 8])
async def test_held_after_some_content(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any], fault: str, point: int
) -> None:
    call = scripted(fault)
    gate = call.script.gates[point] = Gate()
    async with http.post(simulator.base_url(OPENAI) + PATH, json=call.json) as response:
        await soon(gate.wait_reached())
        noted = (await soon(call.script.seen(call.tie))).freeze().body
        read = await soon(response.content.readexactly(len(noted)))
        assert read == noted
        assert len(decode_stream(read).content_events) == point
        gate.open()
        rest = await soon(response.read())
    assert len(decode_stream(read + rest).content_events) == 8
    assert (await call.ended()).ending is Ending.EOF


@pytest.mark.parametrize(
    ("fault", "gate", "status"),
    [
        ("none", BEFORE_HEADERS, None),
        ("none", 0, 200),
        ("none", 2, 200),
        ("no-headers", None, None),
        ("stall-mid-stream", None, 200),
    ],
)
async def test_the_peer_leaves(
    simulator: Simulator, scripted: Callable[..., Any], fault: str, gate: str | int | None, status: int | None
) -> None:
    call = scripted(fault)
    if gate is not None:
        call.script.gates[gate] = Gate()
    writer = await raw(simulator, call.json)
    await soon(call.script.seen(call.tie))
    writer.transport.abort()
    exchange = await call.ended()
    assert exchange.ending is Ending.CLIENT_CLOSE
    assert exchange.status in (status, None)  # it may have left before the head went out
    assert len(decode_stream(exchange.body).content_events) < 8


async def raw(simulator: Simulator, body: dict[str, Any]) -> asyncio.StreamWriter:
    """Send a request over a bare socket, whose answer nobody reads."""
    return (await exchange_raw(simulator, body))[1]


async def exchange_raw(simulator: Simulator, body: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = simulator.base_url(OPENAI).split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = stdlib.dumps(body).encode()
    head = f"POST /v1{PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\ncontent-length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    return reader, writer


@pytest.mark.parametrize(("fault", "contents"), [("reset-before-first", 0), ("reset-mid-stream", 3)])
async def test_a_reset_is_a_reset(
    simulator: Simulator, scripted: Callable[..., Any], fault: str, contents: int
) -> None:
    call = scripted(fault)
    reader, writer = await exchange_raw(simulator, call.json)
    read = bytearray()

    async def read_all() -> None:
        while data := await reader.read(65536):
            read.extend(data)

    with pytest.raises(ConnectionResetError):
        await soon(read_all())
    writer.close()
    exchange = await call.ended()
    assert exchange.ending is Ending.RESET
    assert exchange.status == 200
    assert len(decode_stream(exchange.body).content_events) == contents
    assert read.count(b'"content"') == (contents + 1 if contents else 0)  # the first chunk holds an empty one
    assert read.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_cut_is_a_clean_end(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted("cut")
    status, body = await post(http, simulator.base_url(OPENAI) + PATH, call.json)
    assert (status, len(decode_stream(body).content_events), decode_stream(body).terminal) == (200, 3, False)
    assert (await call.ended()).ending is Ending.EOF


async def test_unreachable(simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]) -> None:
    url = simulator.base_url(OPENAI) + PATH
    assert (await post(http, url, scripted().json))[0] == 200  # leaves an idle connection behind
    call = scripted("stall-mid-stream")
    async with http.post(url, json=call.json) as live:
        async with simulator.unreachable(OPENAI):
            with pytest.raises(aiohttp.ClientError):
                await soon(live.read())
            assert (await call.ended()).ending is Ending.RESET
            for _ in range(3):
                with pytest.raises(aiohttp.ClientConnectorError, match="Connect call failed"):
                    await soon(post(http, url, scripted().json))
            other = simulator.base_url(Provider.COMPATIBLE) + PATH
            assert (await post(http, other, scripted(provider=Provider.COMPATIBLE).json))[0] == 200
        assert simulator.base_url(OPENAI) + PATH == url
        assert (await post(http, url, scripted().json))[0] == 200


async def test_a_failure_of_our_own_leaves_nobody_waiting(http: aiohttp.ClientSession, recorder: Recorder) -> None:
    def fail(_given: Circumstances) -> Plan:
        raise RuntimeError("a codec's own mistake")

    script = Script(recorder=recorder)
    receivers = {OPENAI: lambda *_request: Call("chat.completions", "0000000001.1", fail)}
    async with Simulator([OPENAI], receivers=receivers) as simulator:
        simulator.script("0000000001", script)
        async with http.get(simulator.base_url(OPENAI)) as response:
            assert response.status == 500
        assert (await soon(script.ended("0000000001.1"))).ending is Ending.FIN


async def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            await Simulator(ports={Provider.COMPATIBLE: port}).start()


async def test_a_wanted_port_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    async with Simulator([OPENAI], ports={OPENAI: port}) as simulator:
        assert simulator.base_url(OPENAI) == f"http://127.0.0.1:{port}/v1"
        assert simulator.providers == (OPENAI,)
        with pytest.raises(UnknownName):
            simulator.base_url(Provider.GROQ)


async def test_nothing_is_left_after_close(recorder: Recorder) -> None:
    process, tasks = psutil.Process(), asyncio.all_tasks()
    descriptors, threads = process.num_fds(), process.num_threads()
    simulator = Simulator()
    await simulator.start()
    scripts = {}
    readers = []
    for number, fault in enumerate(("stall-mid-stream", "no-headers", "none")):
        token = f"{number:010x}"
        scripts[token] = Script(FAULTS[fault], recorder)
        simulator.script(token, scripts[token])
        content = f"hello [tie:{token}.1]"
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": content}]}
        readers.append(await exchange_raw(simulator, body))
        await soon(scripts[token].seen(f"{token}.1"))
    await soon(simulator.close())
    endings = [(await soon(script.ended(f"{token}.1"))).ending for token, script in scripts.items()]
    assert endings[:2] == [Ending.RESET, Ending.RESET]
    assert asyncio.all_tasks() == tasks
    for _, writer in readers:
        writer.transport.abort()
    for _, writer in readers:
        with pytest.raises(ConnectionError):
            await writer.drain()
    assert process.num_fds() <= descriptors
    assert process.num_threads() == threads


async def test_a_request_without_a_tag_goes_to_the_case_that_claimed_its_owner() -> None:
    def receiver(method: str, path: str, headers: Any, body: bytes) -> Call:
        return Call("poll", None, lambda _given: Plan(status=200, reason="OK", headers=()), owner="somebody")

    recorder = Recorder(Header(source=Source.SIMULATOR))
    script = Script(recorder=recorder)
    async with Simulator([OPENAI], receivers={OPENAI: receiver}) as simulator, aiohttp.ClientSession() as http:
        for claimed in (False, True, False):
            if claimed:
                simulator.claim("somebody", script)
            else:
                simulator.disown(script)
            await post(http, simulator.base_url(OPENAI), {})
        await soon(script.idle())
    assert [one.operation for one in recorder.recording().exchanges] == ["poll"]
