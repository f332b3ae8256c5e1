"""Targets that are stopped while a call is under way: what every release of a new version does to somebody.

There are two instances on one store. One is stopped, by the mark ``stopping``, while its provider is held at a gate;
what it leaves is looked at through the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from types import MappingProxyType
from typing import Any

from harness.core.names import Answer, Capability, System
from harness.core.user import User
from harness.endpoints.http import FAILURES, Live
from harness.providers import chatkit
from harness.servers.gate import Gate, before_headers

from . import agent, chat, runs, workflow
from .chat_observe import observe
from .gateway import NOTICE_LIMIT_S, chat_body, has_words
from .registry import scenario
from .stage import Stage

STOPPED = (Capability.ACCOUNTS, Capability.PROVIDER, Capability.VARIANTS)
DRAINING: Mapping[str, str] = MappingProxyType({"TIMEOUT_DRAIN_S": "8", "TIMEOUT_GRACE_S": "0.1"})
"""Settings of a target that ends its calls soon after it is told to stop, and has time to end them well."""
PIECES = 3
"""What was read of a stream when its target is stopped."""


async def stopped_mid_stream(
    stage: Stage,
    tie: str,
    opening: AbstractAsyncContextManager[Live],
    begun: Callable[[bytes], bool],
    *,
    before: Callable[[], Awaitable[Any]] | None = None,
) -> None:
    """Stop the target once the first words of a stream were read, whose provider is held there; read what follows.

    ``before`` is what comes between those words and the stop.
    """
    with suppress(*FAILURES):
        async with opening as live:
            reading = asyncio.create_task(live.read_until(begun))
            await stage.first_of([asyncio.shield(reading)], within_s=NOTICE_LIMIT_S)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            if before is not None:
                await before()
            await asyncio.gather(stage.stop(), live.read_all())
    await stage.provider_ended(tie, within_s=NOTICE_LIMIT_S)


async def stopped_mid_call(stage: Stage, tie: str, gate: Gate, calling: Coroutine[Any, Any, Any]) -> None:
    """Stop the target once the provider of a plain call is held at its gate; wait for what the client is told."""
    call = asyncio.create_task(calling)
    await stage.first_of([asyncio.shield(call), gate.wait_reached()])
    await asyncio.gather(stage.stop(), call)
    await stage.provider_ended(tie, within_s=NOTICE_LIMIT_S)


@scenario("stop-mid-stream", System.GATEWAY, answer=Answer.STREAM, needs=STOPPED)
async def gateway_mid_stream(stage: Stage) -> None:
    """The target is stopped while a stream is under way; then its twin is asked for the account."""
    async with stage.twins(DRAINING):
        user = await stage.user()
        await _completion_stopped(stage, user)
        await stage.account(user)


async def _completion_stopped(stage: Stage, user: User, **more: Any) -> None:
    """A streamed completion whose target is stopped."""
    prompt = stage.prompt()
    stage.gate(PIECES)
    body = chat_body(stage, prompt, stream=True, **more)
    opening = stage.gateway(user.token).open_chat(body, tie=prompt.tie)
    await stopped_mid_stream(stage, prompt.tie, opening, has_words(PIECES))


async def plain_completion(stage: Stage) -> None:
    """The target is stopped while the provider of a plain call is still thinking."""
    async with stage.twins(DRAINING):
        user, prompt, gate = await stage.user(), stage.prompt(), stage.gate("before-headers")
        calling = stage.gateway(user.token).chat(chat_body(stage, prompt), tie=prompt.tie)
        await stopped_mid_call(stage, prompt.tie, gate, calling)
        await stage.account(user)


scenario("stop-mid-call", System.GATEWAY, answer=Answer.PLAIN, once=True, needs=STOPPED)(plain_completion)
scenario("stop-mid-call", System.AGENT, answer=Answer.PLAIN, once=True, needs=STOPPED)(plain_completion)


@scenario("stop-mid-stream", System.AGENT, answer=Answer.STREAM, needs=STOPPED)
async def agent_mid_stream(stage: Stage) -> None:
    """The target is stopped while a session's chat is streamed; then its twin is asked for session and account."""
    async with stage.twins(DRAINING):
        user = await stage.user()
        session_id = await agent.made(stage, user)
        await _completion_stopped(stage, user, session_id=session_id)
        await agent.look(stage, user, session_id)
        await stage.account(user)


@scenario("stop-and-back", System.AGENT, answer=Answer.STREAM, once=True, needs=STOPPED)
async def agent_and_back(stage: Stage) -> None:
    """The target is stopped while a session's chat is streamed, and the session goes on at its twin.

    So does one that has an old-style id.
    """
    async with stage.twins(DRAINING):
        user, prompt = await stage.user(), stage.prompt()
        session_id, old = await agent.made(stage, user), f"{agent.OLD_STYLE}{prompt.tie}"
        await agent.chat(stage, user, old, prompt=prompt)
        await agent.chat(stage, user, session_id)
        await _completion_stopped(stage, user, session_id=session_id)
        stage.gate(PIECES).open()
        await agent.chat(stage, user, session_id, stream=True)
        await agent.look(stage, user, session_id)
        await agent.chat(stage, user, old)
        await stage.account(user)


@scenario("stop-mid-stream", System.CHAT, answer=Answer.STREAM, needs=STOPPED)
async def chat_mid_stream(stage: Stage) -> None:
    """The target is stopped while a stream is under way at which somebody looks on, who reads on to the end.

    Then its twin is asked for the stream and the account.
    """
    async with stage.twins(DRAINING):
        user, observer = await stage.user(), await stage.user(role="supervisor")
        session = await chat.new_session(stage, user)
        await _stream_stopped(stage, user, session, observer)
        await stage.chat(observer.token).observe(session)
        await stage.account(user)


@scenario("stop-and-back", System.CHAT, answer=Answer.STREAM, needs=STOPPED)
async def chat_and_back(stage: Stage) -> None:
    """The target is stopped while a session streams, which then streams again at its twin."""
    async with stage.twins(DRAINING):
        user = await stage.user()
        session = await chat.new_session(stage, user)
        await _stream_stopped(stage, user, session)
        await chat.come_back(stage, user, session, stage.gate(PIECES))
        await stage.account(user)


async def _stream_stopped(stage: Stage, user: User, session: str, observer: User | None = None) -> None:
    """A stream whose target is stopped, while this observer looks on."""
    prompt, watching = stage.prompt(), []
    stage.gate(PIECES)

    async def observed() -> None:
        if observer is not None:
            watching.append(await observe(stage, observer, session, offset=PIECES))

    opening = stage.chat(user.token).open_stream(session, chat.stream_body(stage, prompt), tie=prompt.tie)
    await stopped_mid_stream(stage, prompt.tie, opening, chat.has_deltas(PIECES), before=observed)
    await asyncio.gather(*watching)


@scenario("stop-mid-call", System.RUNS, answer=Answer.PLAIN, needs=STOPPED)
async def run_stopped(stage: Stage) -> None:
    """The target is stopped while the provider of a run is still thinking."""
    async with stage.twins(DRAINING):
        user, prompt, gate = await stage.user(), stage.prompt(), stage.gate("before-headers")
        project = await stage.project(user)
        calling = stage.runs(user.token).create(project, runs.run_body(stage, prompt), tie=prompt.tie)
        await stopped_mid_call(stage, prompt.tie, gate, calling)
        await stage.account(user)


@scenario("stop-mid-call", System.WORKFLOW, answer=Answer.PLAIN, needs=STOPPED)
async def plan_stopped(stage: Stage) -> None:
    """The target is stopped while the provider of a plan is polled for the first time."""
    async with stage.twins(DRAINING):
        user, prompt, gate = await stage.user(), stage.prompt(), stage.gate(before_headers(chatkit.LIST))
        calling = stage.workflow(user.token).create(workflow.plan_body(prompt), tie=prompt.tie)
        await stopped_mid_call(stage, prompt.tie, gate, calling)
        await stage.account(user)
