"""Calls whose end and whose client's leaving come at the same moment: whichever counts, only one of them does.

The provider's answer is held at its end. The marks ``end-raced`` say which call it was, and how long after the provider
had sent all its client left (``after_ms``; null: before, and the answer was let go in the same moment).

Where chat's accounting is asked to settle, the client's leaving is forced (``moment``): the settlement is on its way.
The other systems settle in a store of their own, where nobody can hold them up: what there is to do then is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

from harness.core.names import Answer, System
from harness.core.race import END_RACED
from harness.core.user import User
from harness.endpoints.http import FAILURES, Live
from harness.providers import chatkit, chatkit_encode
from harness.servers.gate import Gate, before_headers
from harness.systems import accounting

from . import chat, runs, workflow
from .gateway import HELD, NOTICE_LIMIT_S, PIECES, chat_body, has_words, leave, noticed
from .registry import scenario
from .stage import BUSY_LIMIT_S, Prompt, Stage

ID = "end-against-leaving"
AFTER_MS = (0.0, 5.0, 20.0)
"""How long after the provider's end a client leaves: where a target has come to by then is the target's to say."""
Call = Callable[[Prompt, asyncio.Event], Coroutine[Any, Any, Any]]
"""Makes a call to its end; it sets the event once the client has all that comes before it."""


async def ends_raced(
    stage: Stage,
    user: User,
    point: str | int,
    call: Call,
    *,
    holds: int = 1,
    times_ms: Sequence[float] = AFTER_MS,
) -> None:
    """Calls that come to their end, one that is left before, and some that are left at their end.

    Of the first two kinds there are some in any case, so that what is judged does not depend on who wins.

    ``holds`` are the answers at the point of which the last is the end; ``times_ms`` how long after it clients leave.
    """
    for _ in range(2):
        await call(stage.prompt(), asyncio.Event())
    prompt = stage.prompt()
    calling, gate = await _held(stage, prompt, point, call, holds)
    await leave(stage, calling)
    await noticed(stage, prompt, gate)
    for after_ms in (None, *times_ms):
        prompt = stage.prompt()
        calling, gate = await _held(stage, prompt, point, call, holds)
        stage.mark(END_RACED, {"tie": prompt.tie, "after_ms": after_ms})
        if after_ms is None:
            calling.cancel()
            gate.open()
        else:
            gate.open()
            await stage.provider_ended(prompt.tie)
            await asyncio.sleep(after_ms / 1e3)
            calling.cancel()
        with suppress(asyncio.CancelledError):
            await calling
        await stage.provider_ended(prompt.tie)
        await stage.account(user)
    await stage.settle(user)


async def _held(
    stage: Stage, prompt: Prompt, point: str | int, call: Call, holds: int
) -> tuple[asyncio.Task[Any], Gate]:
    """A call whose provider is held at its end, and the gate; the answers before it are let go as they come."""
    gate, ready = stage.gate(point), asyncio.Event()
    calling = asyncio.create_task(call(prompt, ready))
    for _ in range(1, holds):
        await stage.first_of([asyncio.shield(calling), gate.wait_reached()], within_s=BUSY_LIMIT_S)
        passed, gate = gate, stage.gate(point)
        passed.open()
    await stage.first_of([asyncio.shield(calling), gate.wait_reached()], within_s=BUSY_LIMIT_S)
    await stage.first_of([asyncio.shield(calling), ready.wait()], within_s=NOTICE_LIMIT_S)
    return calling, gate


async def _read(
    opening: AbstractAsyncContextManager[Live], enough: Callable[[bytes], bool], ready: asyncio.Event
) -> None:
    with suppress(*FAILURES):
        async with opening as live:
            await live.read_until(enough)
            ready.set()
            await live.read_all()


async def completions(stage: Stage) -> None:
    """Streams that are left while their provider's last words are on their way."""
    user = await stage.user()
    api = stage.gateway(user.token)

    async def streamed(prompt: Prompt, ready: asyncio.Event) -> None:
        opening = api.open_chat(chat_body(stage, prompt, stream=True), tie=prompt.tie)
        await _read(opening, has_words(PIECES), ready)

    await ends_raced(stage, user, PIECES, streamed)


scenario(ID, System.GATEWAY, answer=Answer.STREAM, needs=HELD)(completions)
scenario(ID, System.AGENT, answer=Answer.STREAM, needs=HELD)(completions)


@scenario(ID, System.CHAT, answer=Answer.STREAM, needs=HELD)
async def chat_streams(stage: Stage) -> None:
    """Streams, each in a session of its own, that are left while their provider's last words are on their way."""
    user = await stage.user()

    async def streamed(prompt: Prompt, ready: asyncio.Event) -> None:
        session = await chat.new_session(stage, user)
        opening = stage.chat(user.token).open_stream(session, chat.stream_body(stage, prompt), tie=prompt.tie)
        await _read(opening, chat.has_deltas(PIECES), ready)

    await _left_while_settled(stage, user, streamed)
    await ends_raced(stage, user, PIECES, streamed, times_ms=())


async def _left_while_settled(stage: Stage, user: User, call: Call) -> None:
    """A stream whose owner leaves while accounting has its settlement and has not answered."""
    prompt, settling = stage.prompt(), Gate()
    calling, gate = await _held(stage, prompt, PIECES, call, 1)
    stage.service.gates[accounting.FINALIZE.name] = settling
    stage.mark(END_RACED, {"tie": prompt.tie, "after_ms": None, "moment": "while it is settled"})
    gate.open()
    await stage.first_of([asyncio.shield(calling), settling.wait_reached()], within_s=BUSY_LIMIT_S)
    calling.cancel()
    with suppress(asyncio.CancelledError):
        await calling
    await stage.chat(None).models()  # the target has seen the owner go: it hears of it before it hears of this
    settling.open()
    del stage.service.gates[accounting.FINALIZE.name]
    await stage.account(user)


@scenario(ID, System.RUNS, answer=Answer.PLAIN, needs=HELD)
async def some_runs(stage: Stage) -> None:
    """Runs that are left while their provider's answer is on its way."""
    user = await stage.user()
    project, api = await stage.project(user), stage.runs(user.token)

    async def run(prompt: Prompt, ready: asyncio.Event) -> None:
        ready.set()
        await api.create(project, runs.run_body(stage, prompt), tie=prompt.tie)

    await ends_raced(stage, user, "before-headers", run)


@scenario(ID, System.WORKFLOW, answer=Answer.PLAIN, needs=HELD)
async def plans(stage: Stage) -> None:
    """Plans that are left while the answer to their last poll is on its way."""
    user = await stage.user()
    api = stage.workflow(user.token)

    async def plan(prompt: Prompt, ready: asyncio.Event) -> None:
        ready.set()
        await api.create(workflow.plan_body(prompt), tie=prompt.tie)

    await ends_raced(stage, user, before_headers(chatkit.LIST), plan, holds=chatkit_encode.POLLS + 1)
