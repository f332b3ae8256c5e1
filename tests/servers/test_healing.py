"""A provider that fails for so many requests, and then is well."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp

from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.servers.simulator import Simulator


async def test_the_first_two_of_one_tag_suffer_the_fault_and_the_third_does_not(
    simulator: Simulator, http: aiohttp.ClientSession, scripted: Callable[..., Any]
) -> None:
    call = scripted(stream=False)
    call.script.fault = replace(FAULTS["http-503"], heals_after=2)
    url = f"{simulator.base_url(Provider.OPENAI)}/chat/completions"
    statuses = []
    for _ in range(4):
        async with http.post(url, json=call.json) as response:
            statuses.append(response.status)
    assert statuses == [503, 503, 200, 200]
