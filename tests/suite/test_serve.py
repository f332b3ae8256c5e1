"""What ``harness serve`` says: the call that it tells people to try works, whichever the system."""

import asyncio
import shlex
import signal

import aiohttp
import pytest

from harness.core.fault import FAULTS
from harness.core.names import System
from harness.core.recording import NO_FAULT
from harness.suite.serve import serve
from harness.targets.profiles import find_profile


async def tried(line):
    """Status and body of the call in a line for a shell."""
    _, _, _, url, _, authorization, _, content_type, _, body = shlex.split(line)
    headers = dict(header.split(": ") for header in (authorization, content_type))
    async with aiohttp.ClientSession() as client, client.post(url, headers=headers, data=body) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("system", System)
async def test_the_call_to_try_works(system):
    said, ready = [], asyncio.Event()

    def told(line):
        said.append(line)
        if line.startswith("Ctrl-C"):
            ready.set()

    serving = serve(find_profile("reference"), system, port=0, defect=None, fault=FAULTS[NO_FAULT], told=told)
    ended, up = asyncio.create_task(serving), asyncio.create_task(ready.wait())
    await asyncio.wait({ended, up}, return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    if ended.done():
        ended.result()
    status, body = await tried(next(line for line in said if line.startswith("try: ")))
    signal.raise_signal(signal.SIGTERM)
    await ended
    assert status in (200, 201)
    assert b"error" not in body
