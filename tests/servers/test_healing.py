"""A provider that fails for so many requests, and then is well."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import google.auth.transport.requests
from google.auth.credentials import Credentials

from harness.core.fault import FAULTS
from harness.core.names import Provider
from harness.providers.vertex_token import AccessToken
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


GEMINI = "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent"
ASKED = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


class Renewed(Credentials):  # type: ignore[misc]
    """Credentials that get another token each time they are refreshed."""

    def __init__(self) -> None:
        super().__init__()
        self.renewals = 0

    def refresh(self, request: object) -> None:
        del request
        self.renewals += 1
        self.token = str(AccessToken("robot", int(time.time() * 1e6) + self.renewals))


async def test_a_token_that_belongs_to_no_case_is_refused_until_googles_session_has_a_newer_one(
    simulator: Simulator,
) -> None:
    simulator.fault = FAULTS["expired-token"]
    held, url = Renewed(), simulator.base_url(Provider.VERTEX) + GEMINI
    renewals, statuses = [], []
    with google.auth.transport.requests.AuthorizedSession(held) as session:
        for _ in range(3):
            answer = await asyncio.to_thread(session.post, url, json=ASKED)
            statuses.append(answer.status_code)
            renewals.append(held.renewals)
    assert statuses == [200, 200, 200]
    assert renewals == [2, 2, 2]  # one to begin with, and one for the refusal


async def test_traffic_of_no_case_sees_a_provider_heal(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    simulator.fault = replace(FAULTS["http-503"], heals_after=2)
    statuses = []
    for _ in range(2):
        for provider in (Provider.OPENAI, Provider.COMPATIBLE):
            base = simulator.base_url(provider)
            async with http.get(f"{base}/models") as listed:
                statuses.append(listed.status)  # a call of another kind, which is not counted
            async with http.post(f"{base}/chat/completions", json=CHAT) as response:
                statuses.append(response.status)
    assert statuses == [200, 503] * 4
    async with http.post(f"{simulator.base_url(Provider.OPENAI)}/chat/completions", json=CHAT) as response:
        assert response.status == 200
