"""The life of a session: each step that can be taken in each state, one after the other and at once."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import UUID

from harness.core.names import Answer, Capability
from harness.core.user import User

from .chat import CHAT, HELD, new_session, stream_body
from .chat_observe import observe, owned
from .gateway import NOTICE_LIMIT_S
from .registry import scenario
from .stage import Stage

MANY = 24
NOT_UUIDS = (
    "not-a-uuid",
    "session-1700000000000-abc123",
    "0",
    "1; drop table chat_sessions",
    "../../etc/passwd",
    "\0",
    "é" * 40,
    "{00000000-0000-4000-8000-000000000000}",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
)


@scenario("lifecycle", CHAT, answer=Answer.STREAM, needs=HELD)
async def lifecycle(stage: Stage) -> None:
    """Every step in every state of a session's: idle, streaming, idle again, deleted."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    session = await new_session(stage, owner)
    eyes, gate = stage.chat(observer.token), stage.gate(2)
    await eyes.observe(session)
    async with owned(stage, owner, session, words=2):
        await _stream(stage, owner, session)
        watching = await observe(stage, observer, session, offset=2)
        gate.open()
    await watching
    await eyes.observe(session)
    await _stream(stage, owner, session)
    for _ in range(2):
        await stage.chat(owner.token).delete(session)
        await _stream(stage, owner, session)
        await eyes.observe(session)
    await stage.settle(owner)


async def _stream(stage: Stage, owner: User, session: str) -> None:
    prompt = stage.prompt()
    await stage.chat(owner.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)


@scenario("double-submit", CHAT, answer=Answer.STREAM, needs=HELD)
async def double_submit(stage: Stage) -> None:
    """Two streams of one session at once, neither of which has an answer yet; then one more."""
    owner = await stage.user()
    session, gate = await new_session(stage, owner), stage.gate("before-headers")
    prompts, api = [stage.prompt(), stage.prompt()], stage.chat(owner.token)
    calls = [asyncio.create_task(api.stream(session, stream_body(stage, prompt), tie=prompt.tie)) for prompt in prompts]
    stage.mark("double-submit", {"ties": [prompt.tie for prompt in prompts]})
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)], within_s=NOTICE_LIMIT_S)
    gate.open()
    await asyncio.gather(*calls)
    await _stream(stage, owner, session)
    await stage.settle(owner)


@scenario("delete-mid-stream", CHAT, answer=Answer.STREAM, needs=HELD)
async def delete_mid_stream(stage: Stage) -> None:
    """A session is deleted while it streams and is observed; the provider would go on only afterwards."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    session, gate = await new_session(stage, owner), stage.gate(3)
    async with owned(stage, owner, session, words=3):
        watching = await observe(stage, observer, session, offset=3)
        await stage.chat(owner.token).delete(session)
        if not await stage.first_of([asyncio.shield(watching)], within_s=NOTICE_LIMIT_S):
            stage.mark("gate-opened-late")
        gate.open()
    await watching
    await _stream(stage, owner, session)
    await stage.settle(owner)


@scenario("many-sessions", CHAT, needs=[Capability.ACCOUNTS])
async def many_sessions(stage: Stage) -> None:
    """Sessions of two users, many of them made at once."""
    users = await stage.user(), await stage.user()
    await asyncio.gather(*(new_session(stage, users[number % 2]) for number in range(MANY)))
    await stage.settle(users[0])


@scenario("strange-session", CHAT, needs=[Capability.ACCOUNTS])
async def strange_session(stage: Stage) -> None:
    """Sessions that are not there, another user's, and ids that are no UUIDs: streamed, deleted, observed.

    The marks ``strange-session`` say which is which: ``absent``, ``foreign`` or ``not-uuid``, and what was done.
    """
    owner, other = await stage.user(), await stage.user()
    eyes = await stage.user(role="supervisor")
    absent = UUID(bytes=hashlib.sha256(str(stage.case).encode()).digest()[:16], version=4)
    strange = [("absent", str(absent)), ("foreign", await new_session(stage, other))]
    strange += [("not-uuid", text) for text in NOT_UUIDS]
    api = stage.chat(owner.token)
    for kind, session in strange:
        ties = {step: stage.prompt() for step in ("stream", "delete", "observe")}
        for step, prompt in ties.items():
            stage.mark("strange-session", {"tie": prompt.tie, "kind": kind, "step": step})
        await api.stream(session, stream_body(stage, ties["stream"]), tie=ties["stream"].tie)
        await api.delete(session, tie=ties["delete"].tie)
        await stage.chat(eyes.token).observe(session, tie=ties["observe"].tie)
    await stage.settle(owner)
