"""What ``harness play`` is for: a recorded failure happens to a backend again, and its client reads the same."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest

from harness.cassettes import file
from harness.core.errors import UsageError
from harness.core.names import Provider, System
from harness.core.recording import Side
from harness.servers.simulator import Simulator
from harness.suite.play import play
from harness.targets.embedded import warm
from harness.targets.launch import launch
from harness.targets.profiles import find_profile

CASSETTES = Path(__file__).parents[2] / "cassettes" / "reference"
REFERENCE = find_profile("reference")
warm([Provider.OPENAI])


def recorded(name):
    return file.load(CASSETTES / "gateway" / f"{name}.yaml")


async def played(recording, **how):
    """The task that plays, its address, and what it says."""
    said, ready = [], asyncio.Event()

    def told(line):
        said.append(line)
        if line.startswith("Ctrl-C"):
            ready.set()

    playing = asyncio.create_task(play(recording, port=0, told=told, **{"side": Side.PROVIDER, "speed": 0, **how}))
    await ready.wait()
    return playing, said[0].rpartition(", at ")[2].rstrip(":"), said


@pytest.mark.parametrize("fault", ["reset-mid-stream", "error-event", "http-429"])
async def test_a_recorded_failure_happens_to_a_backend_again(fault):
    recording = recorded(f"chat-stream/openai.{fault}")
    (client,) = recording.side(Side.CLIENT)
    playing, url, said = await played(recording, any_body=False)
    async with Simulator() as simulator, aiohttp.ClientSession() as session:
        urls = {one: simulator.base_url(one) for one in simulator.providers} | {Provider.OPENAI: f"{url}/v1"}
        target = await launch(REFERENCE.only([System.GATEWAY]), urls)
        try:
            user = await target.user(credits=1_000_000, tier="pro")
            headers = {"Authorization": f"Bearer {user.token}", "Content-Type": "application/json"}
            address = f"{target.url(System.GATEWAY)}/v1/chat/completions"
            async with session.post(address, data=client.request.body, headers=headers) as answer:
                status, body = answer.status, await answer.read()
        finally:
            await target.close()
    signal.raise_signal(signal.SIGINT)
    await playing
    assert status == client.status
    assert codes(body) == codes(client.response.body)
    assert said[-1] == "all that was recorded was played"


def codes(body):
    """The error codes in an answer or a stream, and how many words the stream has."""
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.removeprefix(b"data: ")[:1] == b"{"]
    events = [json.loads(line) for line in lines]
    return [one["error"]["code"] for one in events if "error" in one], len([one for one in events if "choices" in one])


async def test_what_to_send_and_what_was_never_asked_for_is_told():
    recording = recorded("chat-plain/openai.none")
    playing, url, said = await played(recording, any_body=True)
    async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/elsewhere", data=b"{}") as answer:
        assert answer.status == 404
    signal.raise_signal(signal.SIGTERM)
    await playing
    (curl,) = (line for line in said if line.startswith("  curl"))
    assert '"$BACKEND"/v1/chat/completions' in curl
    assert '"Authorization: Bearer $TOKEN"' in curl
    assert said[-2:] == ["not in the recording, and answered 404: 1", "never asked for: p1"]


async def test_a_side_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(UsageError, match=r"no exchange of the side 'service'.*client, provider"):
        await play(
            recorded("chat-plain/openai.none"), side=Side.SERVICE, port=0, speed=0, any_body=False, told=lambda _: None
        )
