"""``harness proxy``: what is recorded is on the disk without secrets, and nothing is written over."""

import asyncio
import re
import signal

import aiohttp
import pytest

from harness.cassettes import file
from harness.cassettes.journal import part_path
from harness.core.errors import UsageError
from harness.core.names import Provider
from harness.core.recording import Source
from harness.core.verdict import Verdict
from harness.servers.simulator import Simulator
from harness.suite.check import check
from harness.suite.proxy import proxy, secrets

KEY = "quite-a-secret-0123456789"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"My key is {KEY}."}], "stream": True}


async def test_a_call_is_recorded_without_secrets_and_can_be_judged(tmp_path):
    path, said, ready = tmp_path / "new" / "openai.yaml", [], asyncio.Event()

    def told(line):
        said.append(line)
        if "Ctrl-C" in line:
            ready.set()

    async with Simulator([Provider.OPENAI]) as simulator, aiohttp.ClientSession() as session:
        url = simulator.base_url(Provider.OPENAI)
        environment = {"OPENAI_API_KEY": KEY, "HOME": "/home/somebody"}
        recording = asyncio.create_task(
            proxy(url, path, port=0, source=Source.SIMULATOR, told=told, environment=environment)
        )
        await ready.wait()
        address = re.search(r"is at (\S+): point", said[0])[1]
        async with session.post(
            f"{address}/chat/completions", json=BODY, headers={"Authorization": f"Bearer {KEY}"}
        ) as answer:
            assert answer.status == 200
            await answer.read()
        signal.raise_signal(signal.SIGINT)
        await recording
    assert KEY.encode() not in path.read_bytes()
    assert b"[REDACTED:env:openai-api-key]" in path.read_bytes()
    assert not part_path(path).exists()
    assert file.load(path).header.source is Source.SIMULATOR
    report = check([path])
    assert report.verdicts[Verdict.PASS] > 0
    assert report.failures == []


async def test_a_recording_that_is_there_is_never_written_over(tmp_path):
    path = tmp_path / "kept.yaml"
    path.write_text("mine")
    with pytest.raises(UsageError, match="there is a recording already"):
        await proxy("https://api.example", path, port=0, source=None, told=lambda _: None)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("api.openai.com", "no address of a provider"),
        ("ftp://api.example", "no address of a provider"),
        ("http://127.0.0.1:9", "--source simulator"),
    ],
)
async def test_an_address_that_cannot_be_recorded_is_told(tmp_path, url, says):
    with pytest.raises(UsageError, match=says):
        await proxy(url, tmp_path / "none.yaml", port=0, source=None, told=lambda _: None)


def test_secrets_are_told_by_the_names_of_variables():
    environment = {
        "AWS_SECRET_ACCESS_KEY": "a" * 20,
        "OPENAI_API_KEY": "b" * 20,
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/somebody/key.json",
        "SHORT_TOKEN": "c",
        "PATH": "/usr/bin",
    }
    assert [(one.kind, one.value[0]) for one in secrets(environment)] == [
        ("env:aws-secret-access-key", "a"),
        ("env:openai-api-key", "b"),
    ]
