"""Tries and breakers as clients see them."""

import asyncio

import pytest
from aiohttp import web

from harness.backend.providers import Provider, Speaks


@pytest.fixture
def resets(provider, parts):
    """Makes the provider close its socket for the first so many requests: before its answer, or in the middle."""

    def script(times, *, events=(), stream=False):
        async def answer(request):
            if len(provider.bodies) > times:
                if not stream:
                    return web.json_response(parts["completion"]())
                events_now = parts["healthy"]
            else:
                events_now = events
                if not stream:
                    request.transport.abort()
                    return await asyncio.get_running_loop().create_future()
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            for one in events_now:
                await response.write(one)
            if len(provider.bodies) <= times:
                request.transport.abort()
            return response

        provider.script = answer

    return script


@pytest.mark.parametrize("stream", [False, True])
async def test_a_socket_closed_early_is_tried_again_until_it_is_well(agent, user, provider, resets, sse, stream):
    resets(2, stream=stream)
    status, _, answer = await agent.chat(user, stream=stream)
    assert status == 200
    assert len(provider.bodies) == 3
    assert not stream or sse(answer)[-1] == "[DONE]"
    (line,) = await agent.log(user)
    assert line["tries"] == 3
    first, second = line["waited_s"]
    assert 1 <= first <= 1.25
    assert 2 <= second <= 2.5
    assert await agent.kinds(user) == ["grant", "hold", "settle"]


@pytest.mark.parametrize("stream", [False, True])
async def test_three_tries_are_all(agent, user, provider, resets, stream):
    resets(99, stream=stream)
    status, _, answer = await agent.chat(user, stream=stream)
    assert (status, answer["error"]["code"]) in (
        (503, "provider_unreachable"),
        (502, "provider_stream_incomplete"),
    )
    assert len(provider.bodies) == 3
    assert await agent.kinds(user) == ["grant", "hold", "release"]


async def test_nothing_is_tried_again_once_words_are_out(agent, user, provider, parts, resets, sse):
    resets(99, stream=True, events=(parts["role"], parts["pieces"][0]))
    status, headers, answer = await agent.chat(user, stream=True)
    events = sse(answer)
    assert (status, events[-1]) == (200, "[DONE]")
    assert events[-2]["error"]["code"] == "provider_stream_incomplete"
    assert len(provider.bodies) == 1
    assert await agent.said(user, headers["x-session-id"]) == []


START = b'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "model": "claude"}}\n\n'
CLOSES = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def claude(known):
    """Anthropic, in bytes: every request is answered by the same, and the connection closed. Counts requests."""
    asked, raw = [], []

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        asked.append(1)
        writer.write(b"".join(raw))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        known["anthropic"] = Provider("anthropic", url, "k", Speaks.ANTHROPIC)
        yield asked, raw


def chunked(data, *, whole):
    return b"%x\r\n%s\r\n" % (len(data), data) + (b"0\r\n\r\n" if whole else b"")


@pytest.mark.parametrize(
    ("raw", "tries", "code"),
    [
        ([CLOSES, START], 3, "provider_stream_incomplete"),
        ([CLOSES], 3, "provider_stream_incomplete"),
        ([CHUNKED, chunked(START, whole=False)], 3, "provider_stream_incomplete"),
        ([CHUNKED, chunked(START, whole=True)], 1, "provider_invalid_response"),
    ],
)
async def test_a_stream_that_only_its_connection_ends_is_closed_early_too(claude, begin, raw, tries, code):
    asked, answer = claude
    answer += raw
    agent = await begin()
    status, _, body = await agent.chat(await agent.user(), stream=True)
    assert (status, body["error"]["code"], len(asked)) == (502, code, tries)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_a_provider_that_says_no_is_asked_once(agent, user, provider, status):
    provider.plain({"error": {"message": "no"}}, status=status)
    await agent.chat(user)
    assert len(provider.bodies) == 1


async def test_the_breaker_opens_fails_fast_lets_one_probe_through_and_closes(agent, user, provider, parts):
    provider.plain({"error": {"message": "no"}}, status=500)
    for _ in range(5):
        assert (await agent.chat(user))[2]["error"]["code"] == "provider_unavailable"
    status, headers, answer = await agent.chat(user)
    assert (status, answer["error"]["code"]) == (503, "provider_circuit_open")
    assert 29 <= int(headers["retry-after"]) <= 30
    assert len(provider.bodies) == 5
    assert await agent.kinds(user) == ["grant", *["hold", "release"] * 6]

    provider.stream(*parts["healthy"][:1], then="gate")
    provider.arrived.clear()
    await agent.advance(30)
    probe = asyncio.create_task(agent.chat(user, stream=True))
    await provider.arrived.wait()
    refused = await asyncio.gather(*(agent.chat(user) for _ in range(5)))
    assert {answer["error"]["code"] for _, _, answer in refused} == {"provider_circuit_open"}
    provider.gate.set()
    assert (await probe)[0] == 200
    assert len(provider.bodies) == 6
    provider.plain()
    assert (await agent.chat(user))[0] == 200


async def test_a_probe_whose_client_leaves_makes_room_for_another(begin, provider, parts):
    agent = await begin(BREAKER_FAILURES="1")
    user = await agent.user()
    provider.plain({"error": {"message": "no"}}, status=500)
    await agent.chat(user)
    await agent.advance(30)
    provider.hang()
    provider.arrived.clear()
    leaving = asyncio.create_task(agent.chat(user))
    await provider.arrived.wait()
    leaving.cancel()
    await provider.gone.wait()
    provider.plain()
    await agent.ledger(user)  # answered once the call that was left is over
    assert (await agent.chat(user))[0] == 200


async def test_a_stream_without_an_end_counts_and_a_refused_request_does_not(begin, user, provider, parts):
    agent = await begin(BREAKER_FAILURES="2")
    user = await agent.user()
    for broken in (True, False, True, True):
        if broken:
            provider.stream(*parts["healthy"][:2])
        else:
            provider.plain({"error": {"message": "no"}}, status=400)
        await agent.chat(user, stream=True)
    assert (await agent.chat(user))[2]["error"]["code"] == "provider_circuit_open"
    assert len(provider.bodies) == 4


async def test_a_breaker_that_opens_ends_the_tries(begin, provider, resets):
    agent = await begin(BREAKER_FAILURES="2")
    resets(99)
    status, _, answer = await agent.chat(await agent.user())
    assert (status, answer["error"]["code"]) == (503, "provider_unreachable")
    assert len(provider.bodies) == 2


async def test_a_chat_that_takes_too_long_counts_as_a_failure(begin, provider):
    agent = await begin(BREAKER_FAILURES="1", TIMEOUT_WHOLE_CALL_S="0.2")
    user = await agent.user()
    provider.hang()
    assert (await agent.chat(user))[2]["error"]["code"] == "provider_timeout"
    assert (await agent.chat(user))[2]["error"]["code"] == "provider_circuit_open"


async def test_a_chat_that_was_refused_names_no_session(agent):
    user = await agent.user(credits=0)
    status, headers, _ = await agent.chat(user)
    assert (status, "x-session-id" in headers) == (402, False)
