"""Ways to look on: before, at and after the moment at which a stream begins, many at once, late, slow, and leaving.

Order is forced: the provider's answer is held at a gate while an observer asks. The marks ``observed`` say after how
many content events (``offset``; -1: before the head of the provider's answer) somebody asked, and the ``outcome``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from harness.core.names import Answer, Capability
from harness.core.user import User
from harness.endpoints.http import FAILURES, Live
from harness.providers.reply import Reply
from harness.servers.gate import BEFORE_HEADERS

from .chat import CHAT, HELD, come_back, has_deltas, new_session, open_until, stream_body
from .gateway import NOTICE_LIMIT_S, PIECES, noticed
from .loads import loaded_twice
from .registry import scenario
from .stage import BUSY_LIMIT_S, Stage

OBSERVERS = 5
GRACE_S = 0.5
"""How long a target is given to do the wrong thing when an observer has left; a right one does nothing."""
OBSERVED_ROUNDS = 4
"""Streams of one load, each with two observers."""
LONG_PIECES = 150
LONG_CHARACTERS = 20_000
"""A long answer is more than any socket takes unread."""


async def observe(stage: Stage, observer: User, session: str, *, offset: int) -> asyncio.Task[None]:
    """Begin to observe; done when an answer to the request is there, or none comes in time."""
    answered = asyncio.Event()

    async def follow() -> None:
        outcome: int | None = None
        try:
            async with stage.chat(observer.token).open_observation(session) as live:
                outcome = live.response.status
                stage.mark("observed", {"offset": offset, "outcome": outcome})
                answered.set()
                await live.read_all()
        except FAILURES:
            if outcome is None:
                stage.mark("observed", {"offset": offset, "outcome": None})
        finally:
            answered.set()

    task = asyncio.create_task(follow())
    await stage.first_of([answered.wait()], within_s=NOTICE_LIMIT_S)
    return task


@dataclass(frozen=True, slots=True)
class Owned:
    """A stream under way: the tag of its prompt, and what reads it to its end."""

    tie: str
    reading: asyncio.Task[None]


@asynccontextmanager
async def owned(stage: Stage, owner: User, session: str, *, words: int) -> AsyncIterator[Owned]:
    """A stream of whose words its owner has so many (0: perhaps not even the headers); read to its end."""
    prompt, ready = stage.prompt(), asyncio.Event()

    async def read() -> None:
        with suppress(*FAILURES):
            body = stream_body(stage, prompt)
            async with stage.chat(owner.token).open_stream(session, body, tie=prompt.tie) as live:
                await live.read_until(has_deltas(words))
                ready.set()
                await live.read_all()

    reading = asyncio.create_task(read())
    await stage.first_of([stage.script.seen(prompt.tie), asyncio.shield(reading)], within_s=BUSY_LIMIT_S)
    if words:
        await stage.first_of([ready.wait(), asyncio.shield(reading)], within_s=NOTICE_LIMIT_S)
    try:
        yield Owned(prompt.tie, reading)
    finally:
        await reading


async def observed_once(stage: Stage, owner: User, observer: User, offset: int) -> None:
    """One stream, held at an offset while somebody asks to observe it."""
    point = offset if offset >= 0 else BEFORE_HEADERS
    gate, session = stage.gate(point), await new_session(stage, owner)
    async with owned(stage, owner, session, words=max(0, offset)) as own:
        await stage.first_of([gate.wait_reached(), asyncio.shield(own.reading)], within_s=BUSY_LIMIT_S)
        watching = await observe(stage, observer, session, offset=offset)
        stage.mark("gate-opened")
        gate.open()
    await watching
    del stage.script.gates[point]


@scenario("observe-before-headers", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_before_headers(stage: Stage) -> None:
    """An observer asks while the provider has not answered yet: let in or not, at once."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    await observed_once(stage, owner, observer, -1)
    await stage.settle(owner)


@scenario("observe-at-first", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_at_first(stage: Stage) -> None:
    """An observer asks as soon as the owner has the headers and the first words."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    await observed_once(stage, owner, observer, 1)
    await stage.settle(owner)


@scenario("observe-sweep", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_sweep(stage: Stage) -> None:
    """An observer asks at every offset: before the head, and after each number of content events."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    for offset in range(-1, PIECES + 1):
        await observed_once(stage, owner, observer, offset)
    await stage.settle(owner)


@scenario("observe-many", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_many(stage: Stage) -> None:
    """Several observers of one stream, each one event later than the one before."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    gates = [stage.gate(offset) for offset in range(1, OBSERVERS + 1)]
    session = await new_session(stage, owner)
    watching = []
    async with owned(stage, owner, session, words=1):
        for offset, gate in enumerate(gates, 1):
            await stage.first_of([gate.wait_reached()], within_s=NOTICE_LIMIT_S)
            watching.append(await observe(stage, observer, session, offset=offset))
            gate.open()
    await asyncio.gather(*watching)
    await stage.settle(owner)


@scenario("observe-late", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_late(stage: Stage) -> None:
    """An observer asks before there was a stream, after its end, and after the session was deleted."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    session, prompt = await new_session(stage, owner), stage.prompt()
    api, eyes = stage.chat(owner.token), stage.chat(observer.token)
    await eyes.observe(session)
    await api.stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await eyes.observe(session)
    await api.delete(session)
    await eyes.observe(session)
    await stage.settle(owner)


@scenario("observer-leaves", CHAT, answer=Answer.STREAM, needs=HELD)
async def observer_leaves(stage: Stage) -> None:
    """An observer leaves in the middle; the owner and another observer stay."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    gate, session = stage.gate(2), await new_session(stage, owner)
    async with owned(stage, owner, session, words=2) as own:
        staying = await observe(stage, observer, session, offset=2)
        with suppress(*FAILURES):
            async with stage.chat(observer.token).open_observation(session) as live:
                live.leave()  # as soon as it is let in: what it has read makes no difference to the owner
                stage.mark("observer-left")
        await stage.provider_ended(own.tie, within_s=GRACE_S)
        gate.open()
    await staying
    await stage.settle(owner)


@scenario("observer-slow", CHAT, answer=Answer.STREAM, alone=True, needs=HELD)
async def observer_slow(stage: Stage) -> None:
    """An observer who reads nothing of a long answer until its owner has all of it, or has waited long enough."""
    model = stage.model().id
    pieces = tuple(f"{number} " + "sea " * (LONG_CHARACTERS // 4) for number in range(LONG_PIECES))
    stage.script.reply = Reply(pieces, 10, 1000, model)
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    gate, session = stage.gate(1), await new_session(stage, owner)
    async with AsyncExitStack() as watching:
        prompt, first = stage.prompt(), asyncio.Event()
        reading = asyncio.create_task(_read_own(stage, owner, session, prompt.text, prompt.tie, first))
        await stage.first_of([first.wait(), asyncio.shield(reading)], within_s=NOTICE_LIMIT_S)
        with suppress(*FAILURES):
            slow = stage.slow_chat(observer.token).open_observation(session)
            live: Live = await watching.enter_async_context(slow)
            gate.open()
            if not await stage.first_of([asyncio.shield(reading)], within_s=NOTICE_LIMIT_S):
                stage.mark("owner-held-up")
            live.hurry()
            await live.read_all()
        gate.open()
        await reading
    await stage.settle(owner)


async def _read_own(stage: Stage, owner: User, session: str, text: str, tie: str, first: asyncio.Event) -> None:
    body = {"message": text, "modelId": stage.model().id}
    with suppress(*FAILURES):
        async with stage.chat(owner.token).open_stream(session, body, tie=tie) as live:
            await live.read_until(has_deltas(1))
            first.set()
            await live.read_all()


@scenario("leak-observing", CHAT, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak_observing(stage: Stage) -> None:
    """The same load twice of streams at which two look on, one who leaves and one who stays; the target counted after.

    Who leaves is gone for the target too before the stream goes on.
    """
    owner = await stage.user()
    leaving, staying = await stage.user(role="supervisor"), await stage.user(role="supervisor")

    async def observed() -> bool:
        gate, session = stage.gate(2), await new_session(stage, owner)
        async with owned(stage, owner, session, words=2):
            watching = await observe(stage, staying, session, offset=2)
            with suppress(*FAILURES):
                async with stage.chat(leaving.token).open_observation(session) as live:
                    live.leave()
                    stage.mark("observer-left")
            await stage.gone(leaving)
            gate.open()
        await watching
        return True

    await loaded_twice(stage, owner, observed, rounds=OBSERVED_ROUNDS)


@scenario("observe-as-user", CHAT, answer=Answer.STREAM, needs=HELD)
async def observe_as_user(stage: Stage) -> None:
    """The owner, and somebody else, who are no supervisors, ask to observe a stream."""
    owner, other = await stage.user(), await stage.user()
    gate, session = stage.gate(1), await new_session(stage, owner)
    async with owned(stage, owner, session, words=1):
        for user in (owner, other):
            prompt = stage.prompt()
            stage.mark("not-a-supervisor", {"tie": prompt.tie, "kind": "owner" if user is owner else "other"})
            asking = asyncio.create_task(stage.chat(user.token).observe(session, tie=prompt.tie))
            await stage.first_of([asyncio.shield(asking)], within_s=NOTICE_LIMIT_S / 2)
            gate.open()
            await asking
    await stage.settle(owner)


@scenario("owner-leaves", CHAT, answer=Answer.STREAM, needs=HELD)
async def owner_leaves(stage: Stage) -> None:
    """The owner leaves a stream that is being observed: it ends for all, and the session is free again."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    prompt, gate, session = stage.prompt(), stage.gate(3), await new_session(stage, owner)
    watching = None
    with suppress(*FAILURES):
        body = stream_body(stage, prompt)
        async with stage.chat(owner.token).open_stream(session, body, tie=prompt.tie) as live:
            await open_until(stage, live, 3)
            watching = await observe(stage, observer, session, offset=3)
            live.leave()
            stage.mark("left", {"tie": prompt.tie})
    await noticed(stage, prompt, gate)
    if watching is not None and not await stage.first_of([asyncio.shield(watching)], within_s=NOTICE_LIMIT_S):
        stage.mark("observer-left-hanging")
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await stage.settle(owner)
    await come_back(stage, owner, session, gate)
