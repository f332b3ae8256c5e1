"""Sessions that go on after a failure, and sessions that are used by several at once."""

from __future__ import annotations

import asyncio

from harness.core.fault import FAULTS
from harness.core.names import Answer, System

from . import agent, chat
from .gateway import HELD
from .registry import scenario
from .stage import Stage

AT_ONCE = (False, True, False)
"""Whether each of the chats of a session that are under way at once is streamed."""


@scenario("fails-then-again", System.CHAT, answer=Answer.STREAM, needs=HELD)
async def chat_fails_then_again(stage: Stage) -> None:
    """One session whose provider resets in the middle of a stream, is silent in the next, and is well again."""
    user = await stage.user()
    session, api = await chat.new_session(stage, user), stage.chat(user.token)
    for fault in ("reset-mid-stream", "stall-mid-stream", "none"):
        prompt = stage.prompt()
        with stage.struck(FAULTS[fault]):
            await api.stream(session, chat.stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("fails-then-again", System.AGENT, answer=Answer.STREAM, needs=HELD)
async def agent_fails_then_again(stage: Stage) -> None:
    """A new session whose first chats fail, one refused by its provider, one in the middle; then one goes well."""
    user = await stage.user()
    session_id = await agent.made(stage, user)
    for fault, stream in (("http-400", False), ("reset-mid-stream", True), ("none", True)):
        with stage.struck(FAULTS[fault]):
            await agent.chat(stage, user, session_id, stream=stream)
        await agent.look(stage, user, session_id)
    await stage.settle(user)


@scenario("chats-at-once", System.AGENT, answer=Answer.PLAIN, needs=HELD)
async def agent_chats_at_once(stage: Stage) -> None:
    """Chats of one session that are all with their provider before any is answered; then one more."""
    user, gate = await stage.user(), stage.gate("before-headers")
    session_id = await agent.made(stage, user)
    prompts = [stage.prompt() for _ in AT_ONCE]
    calls = [
        asyncio.create_task(agent.chat(stage, user, session_id, stream=stream, prompt=prompt))
        for stream, prompt in zip(AT_ONCE, prompts, strict=True)
    ]
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
    gate.open()
    await asyncio.gather(*calls)
    await agent.look(stage, user, session_id)
    await agent.chat(stage, user, session_id)
    await agent.look(stage, user, session_id)
    await stage.settle(user)
