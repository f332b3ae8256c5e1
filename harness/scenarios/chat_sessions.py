"""The life of a session: each step that can be taken in each state, one after the other and at once."""

from __future__ import annotations

import asyncio
import hashlib
from types import MappingProxyType
from uuid import UUID

from harness.core.names import Answer, Capability
from harness.core.race import DELETE, DOUBLE_SUBMIT
from harness.core.user import User
from harness.servers.gate import BEFORE_HEADERS, Gate
from harness.systems import accounting

from .chat import CHAT, HELD, new_session, stream_body
from .chat_observe import observe, owned
from .forced import forced
from .gateway import NOTICE_LIMIT_S, PIECES
from .registry import scenario
from .stage import BUSY_LIMIT_S, Stage

MANY = 24
DELETED_AT = MappingProxyType(
    {-1: "before the head", 0: "before the words", 3: "amid the words", PIECES: "after the words"}
)
"""After how many content events of the provider's (-1: before its head) a session is deleted, and that in words."""
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
    """Two streams of one session at once, then one more.

    Whether the first may begin is not answered before the second is as far as that, or was refused; nor is the stream.
    """
    owner = await stage.user()
    session, gate = await new_session(stage, owner), stage.gate(BEFORE_HEADERS)
    checked = stage.service.gates[accounting.CHECK.name] = Gate()
    prompts, api = [stage.prompt(), stage.prompt()], stage.chat(owner.token)
    calls = [asyncio.create_task(api.stream(session, stream_body(stage, prompt), tie=prompt.tie)) for prompt in prompts]
    forced(stage, DOUBLE_SUBMIT, *prompts, moment="before the check is answered")
    both = [stage.service_seen(accounting.CHECK.name, len(calls)), *map(asyncio.shield, calls)]
    await stage.first_of(both, within_s=BUSY_LIMIT_S)
    checked.open()
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)], within_s=BUSY_LIMIT_S)
    gate.open()
    await asyncio.gather(*calls)
    await _stream(stage, owner, session)
    await stage.settle(owner)


@scenario("delete-mid-stream", CHAT, answer=Answer.STREAM, needs=HELD)
async def delete_mid_stream(stage: Stage) -> None:
    """Sessions that are deleted while they stream and are observed: before the headers, amid the words, at their end.

    The provider would go on only afterwards. In each session one more stream is asked for.
    """
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    for offset, moment in DELETED_AT.items():
        await _deleted(stage, owner, observer, offset, moment)
    await stage.settle(owner)


async def _deleted(stage: Stage, owner: User, observer: User, offset: int, moment: str) -> None:
    point = offset if offset >= 0 else BEFORE_HEADERS
    session, gate, api = await new_session(stage, owner), stage.gate(point), stage.chat(owner.token)
    deletion, late = stage.prompt(), stage.prompt()
    async with owned(stage, owner, session, words=max(0, offset)) as own:
        await stage.first_of([gate.wait_reached(), asyncio.shield(own.reading)], within_s=BUSY_LIMIT_S)
        watching = await observe(stage, observer, session, offset=offset)
        forced(stage, DELETE, deletion, moment=moment, offset=offset, stream=own.tie)
        await api.delete(session, tie=deletion.tie)
        if gate.reached.is_set() and not await stage.provider_ended(own.tie, within_s=NOTICE_LIMIT_S):
            stage.mark("gate-opened-late", {"tie": own.tie})
        gate.open()
    await watching
    del stage.script.gates[point]
    forced(stage, DELETE, deletion, moment="before the stream", stream=late.tie)
    await api.stream(session, stream_body(stage, late), tie=late.tie)


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
