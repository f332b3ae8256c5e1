"""How the agent bears a provider that fails: tried again while nothing is out, and left alone for a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, System
from harness.core.user import User
from harness.systems import agent

from .agent import chat
from .gateway import HELD, chat_body
from .registry import scenario
from .stage import Stage

AGENT = System.AGENT
BREAKER = (*HELD, Capability.CLOCK, Capability.VARIANTS)
DOWN = FAULTS["http-500"]
RESET = replace(FAULTS["reset-before-first"], applies=frozenset(Answer))
BESIDE_A_PROBE = 4


@scenario("reset-then-well", AGENT, answer=Answer.STREAM, needs=[*HELD, Capability.CLOCK])
async def reset_then_well(stage: Stage) -> None:
    """The provider closes its socket before its first words, once for one chat, twice for another, then no more.

    Chats plain and streamed; and a plain one whose provider never gets further.
    """
    user = await stage.user()
    for times, stream in ((1, True), (2, True), (1, False), (9, False)):
        with stage.struck(replace(RESET, heals_after=times)):
            await chat(stage, user, None, stream=stream)
    await stage.settle(user)


@scenario(
    "reset-then-well-soon",
    AGENT,
    answer=Answer.STREAM,
    needs=[*HELD, Capability.CLOCK, Capability.VARIANTS],
    settings={"RETRY_WAIT_S": "0.5", "RETRY_JITTER": "0.5", "RETRY_WAIT_MAX_S": "0.75"},
)
async def reset_then_well_soon(stage: Stage) -> None:
    """The provider closes its socket twice before its first words, where the waits are set to shorter ones."""
    user = await stage.user()
    with stage.struck(replace(RESET, heals_after=2)):
        await chat(stage, user, None, stream=True)
    await stage.settle(user)


@scenario("breaker", AGENT, answer=Answer.PLAIN, alone=True, needs=BREAKER, settings={"BREAKER_FAILURES": "5"})
async def breaker(stage: Stage) -> None:
    """Five failures in a row, a call at once, then the cool-down; a probe, calls beside it, and calls afterwards.

    Before that four failures and a success, which are none in a row. The health check is asked at each turn.
    """
    user, api = await stage.user(), stage.agent(None)
    with stage.struck(DOWN):
        await _chats(stage, user, agent.BREAKER_FAILURES - 1)
    await _chats(stage, user, 1)
    with stage.struck(DOWN):
        await _chats(stage, user, agent.BREAKER_FAILURES)
    await api.health()
    await _chats(stage, user, 2)
    await stage.advance(agent.COOL_DOWN_S)
    await api.health()
    await _probe(stage, user)
    await api.health()
    await _chats(stage, user, 2)
    await stage.settle(user)


@scenario(
    "breaker-reopens",
    AGENT,
    answer=Answer.PLAIN,
    alone=True,
    needs=BREAKER,
    settings={"BREAKER_FAILURES": "5", "BREAKER_COOL_DOWN_S": "20"},
)
async def breaker_reopens(stage: Stage) -> None:
    """A probe that fails too, a call at once, and another cool-down until a probe is well."""
    user = await stage.user()
    with stage.struck(DOWN):
        await _chats(stage, user, agent.BREAKER_FAILURES)
        await stage.advance(20)
        await _chats(stage, user, 1)
    await _chats(stage, user, 1)
    await stage.advance(20)
    await _chats(stage, user, 2)
    await stage.settle(user)


async def _chats(stage: Stage, user: User, times: int) -> None:
    """Chats one after the other, plain and streamed in turn."""
    for number in range(times):
        await chat(stage, user, None, stream=bool(number % 2))


async def _probe(stage: Stage, user: User) -> None:
    """One chat whose provider is held before its answer, and others while it waits."""
    gate, prompt = stage.gate("before-headers"), stage.prompt()
    calls = [asyncio.create_task(stage.agent(user.token).chat(chat_body(stage, prompt), tie=prompt.tie))]
    await stage.first_of([asyncio.shield(calls[0]), stage.script.seen(prompt.tie)])
    for _ in range(BESIDE_A_PROBE):
        beside = stage.prompt()
        call = asyncio.create_task(stage.agent(user.token).chat(chat_body(stage, beside), tie=beside.tie))
        await stage.first_of([asyncio.shield(call), stage.script.seen(beside.tie)])
        calls.append(call)
    await stage.agent(None).health()
    gate.open()
    await asyncio.gather(*calls)
