"""Ways to use chat: streams of one owner, plain ones and those that are broken off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from harness.core.names import Answer, Capability, System
from harness.core.race import DOUBLE_SPEND
from harness.core.user import User
from harness.endpoints.http import FAILURES, Live
from harness.framing import sse
from harness.servers.gate import Gate
from harness.systems import accounting

from .forced import forced
from .gateway import LEAVING, NOTICE_LIMIT_S, PIECES, leave, noticed, paced
from .loads import loaded_twice
from .registry import scenario
from .stage import BUSY_LIMIT_S, Prompt, Stage

CHAT = System.CHAT
ACCOUNTS = (Capability.ACCOUNTS,)
HELD = (Capability.ACCOUNTS, Capability.PROVIDER)
NO_SESSION = str(UUID(int=0))


def stream_body(stage: Stage, prompt: Prompt, **more: Any) -> dict[str, Any]:
    """The body of a message as an application would send it."""
    return {"message": prompt.text, "modelId": stage.model().id} | more


async def new_session(stage: Stage, user: User) -> str:
    """A new session of a user's; where none was made, an id that nothing has: what follows tells."""
    answer = await stage.chat(user.token).create()
    try:
        found = json.loads(answer.body)["sessionId"]
    except (ValueError, KeyError, TypeError):
        return NO_SESSION
    return found if isinstance(found, str) else NO_SESSION


def events(received: bytes) -> list[str]:
    """The names of the events of a stream, as far as it came."""
    return [event.type for event in sse.decode(received).events]


def has_deltas(count: int) -> Callable[[bytes], bool]:
    """Whether that many events with words have come."""
    return lambda received: events(received).count("delta") >= count


async def open_until(stage: Stage, live: Live, count: int) -> None:
    """Read that many events with words, for as long as a target may take."""
    reading = asyncio.create_task(live.read_until(has_deltas(count)))
    await stage.first_of([asyncio.shield(reading)], within_s=NOTICE_LIMIT_S)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


async def one_stream(stage: Stage, **more: Any) -> None:
    """One stream of one user, in a session of its own."""
    user, prompt = await stage.user(), stage.prompt()
    session = await new_session(stage, user)
    await stage.chat(user.token).stream(session, stream_body(stage, prompt, **more), tie=prompt.tie)
    await stage.settle(user)


@scenario("stream", CHAT, answer=Answer.STREAM, faults=True)
async def stream(stage: Stage) -> None:
    """One stream."""
    await one_stream(stage)


@scenario("models", CHAT, answer=Answer.STREAM)
async def models(stage: Stage) -> None:
    """The list of models, asked for by nobody in particular, then a stream of each."""
    user = await stage.user()
    api = stage.chat(user.token)
    await stage.chat(None).models()
    session = await new_session(stage, user)
    for model in stage.models():
        prompt = stage.prompt()
        await api.stream(session, stream_body(stage, prompt, modelId=model.id), tie=prompt.tie)
    await stage.settle(user)


@scenario("messages", CHAT, answer=Answer.STREAM)
async def messages(stage: Stage) -> None:
    """The other form of a request: a history, messages in texts and blocks, the user, and an estimate."""
    user = await stage.user()
    api, session = stage.chat(user.token), await new_session(stage, user)
    history = [{"role": "user", "content": "What is a tide?"}, {"role": "assistant", "content": [{"text": "Water."}]}]
    for model in stage.models():
        prompt = stage.prompt()
        body = {
            "messages": [{"role": "user", "content": [{"text": prompt.text}]}],
            "messageHistory": history,
            "modelId": model.id,
            "estimatedTokens": 500,
        }
        await api.stream(session, body | ({"userId": user.id} if user.id else {}), tie=prompt.tie)
    await stage.settle(user)


@scenario("repeat", CHAT, answer=Answer.STREAM)
async def repeat(stage: Stage) -> None:
    """Three streams of one session, one after the other."""
    user = await stage.user()
    session = await new_session(stage, user)
    for _ in range(3):
        prompt = stage.prompt()
        await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("stream-paced", CHAT, answer=Answer.STREAM, needs=[Capability.PROVIDER])
async def stream_paced(stage: Stage) -> None:
    """A stream whose provider waits after its first words until the client has read them."""
    user, prompt, gate = await stage.user(), stage.prompt(), stage.gate(1)
    session = await new_session(stage, user)
    body = stream_body(stage, prompt, modelId=stage.models()[0].id)
    opening = stage.chat(user.token).open_stream(session, body, tie=prompt.tie)
    await paced(stage, gate, opening, has_deltas(1))
    await stage.settle(user)


@scenario("leave-before-headers", CHAT, answer=Answer.STREAM, needs=HELD)
async def leave_before_headers(stage: Stage) -> None:
    """An owner who leaves while the provider is still thinking, and comes back."""
    user = await stage.user()
    session = await new_session(stage, user)
    await _left_before(stage, user, session)
    await stage.settle(user)
    await come_back(stage, user, session, stage.gate("before-headers"))


@scenario("leave-after-first", CHAT, answer=Answer.STREAM, needs=HELD)
async def leave_after_first(stage: Stage) -> None:
    """An owner who leaves a stream after its first words, and comes back."""
    await _leave_after(stage, 1)


@scenario("leave-mid-stream", CHAT, answer=Answer.STREAM, needs=HELD)
async def leave_mid_stream(stage: Stage) -> None:
    """An owner who leaves in the middle of a stream, and comes back."""
    await _leave_after(stage, 3)


@scenario("leave-at-end", CHAT, answer=Answer.STREAM, needs=HELD)
async def leave_at_end(stage: Stage) -> None:
    """An owner who leaves when all words are there, and the end is not; and who comes back."""
    await _leave_after(stage, PIECES)


async def _leave_after(stage: Stage, pieces: int) -> None:
    user = await stage.user()
    session = await new_session(stage, user)
    await left_after(stage, user, session, pieces)
    await stage.settle(user)
    await come_back(stage, user, session, stage.gate(pieces))


async def _left_before(stage: Stage, user: User, session: str) -> bool:
    """Leave a stream before its headers; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate("before-headers")
    body = stream_body(stage, prompt)
    call = asyncio.create_task(stage.chat(user.token).stream(session, body, tie=prompt.tie))
    await stage.provider_seen(prompt.tie)
    await leave(stage, call)
    return await noticed(stage, prompt, gate)


async def left_after(stage: Stage, user: User, session: str, pieces: int) -> bool:
    """Leave a stream after so many pieces; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate(pieces)
    with suppress(*FAILURES):
        async with stage.chat(user.token).open_stream(session, stream_body(stage, prompt), tie=prompt.tie) as live:
            await open_until(stage, live, pieces)
            live.leave()
            stage.mark("left", {"tie": prompt.tie})
    return await noticed(stage, prompt, gate)


async def come_back(stage: Stage, user: User, session: str, gate: Gate) -> None:
    """Stream in a session again, with nothing held any more."""
    gate.open()
    prompt = stage.prompt()
    await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)


@scenario("balance-race", CHAT, answer=Answer.STREAM, alone=True, needs=HELD)
async def balance_race(stage: Stage) -> None:
    """Eight streams at once on a balance that pays for three: all are checked before any is held for.

    Where the service that holds can be gated it is; else all are placed before any answer is let go.
    """
    callers, affordable = 8, 3
    prompts = [stage.prompt() for _ in range(callers)]
    hold_credits = stage.tariff(stage.model().id).hold_credits(len(prompts[0].text), None)
    user = await stage.user(credits=affordable * hold_credits)
    stage.mark("budget", {"callers": callers, "affordable": affordable, "hold_credits": hold_credits})
    forced(stage, DOUBLE_SPEND, *prompts, moment="before any is held for", affordable=affordable)
    sessions = [await new_session(stage, user) for _ in range(callers)]
    checked = stage.service.gates.setdefault(accounting.INITIALIZE.name, Gate())
    gate, api = stage.gate("before-headers"), stage.chat(user.token)
    calls = [
        asyncio.create_task(api.stream(session, stream_body(stage, prompt), tie=prompt.tie))
        for session, prompt in zip(sessions, prompts, strict=True)
    ]
    ended = asyncio.gather(*map(asyncio.shield, calls))
    await stage.first_of([stage.service_seen(accounting.INITIALIZE.name, callers), ended], within_s=BUSY_LIMIT_S)
    checked.open()
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)], within_s=BUSY_LIMIT_S)
    gate.open()
    await asyncio.gather(*calls)
    await stage.settle(user)


@scenario("insufficient-credit", CHAT, answer=Answer.STREAM, needs=ACCOUNTS)
async def insufficient_credit(stage: Stage) -> None:
    """A stream by a user who has one credit less than the hold, and one by a user who has none."""
    prompts = [stage.prompt(), stage.prompt()]
    hold_credits = stage.tariff(stage.model().id).hold_credits(len(prompts[0].text), None)
    stage.mark("budget", {"callers": 2, "affordable": 0, "hold_credits": hold_credits})
    for prompt, balance in zip(prompts, (0, hold_credits - 1), strict=True):
        user = await stage.user(credits=balance)
        session = await new_session(stage, user)
        await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
        await stage.settle(user)


@scenario("provider-outage", CHAT, answer=Answer.STREAM, outage=True, needs=HELD)
async def provider_outage(stage: Stage) -> None:
    """The provider cannot be reached for one stream; then it is back, and another."""
    user = await stage.user()
    session, api = await new_session(stage, user), stage.chat(user.token)
    prompts = [stage.prompt(), stage.prompt()]
    async with stage.provider_down():
        await api.stream(session, stream_body(stage, prompts[0]), tie=prompts[0].tie)
    await api.stream(session, stream_body(stage, prompts[1]), tie=prompts[1].tie)
    await stage.settle(user)


@scenario("leak", CHAT, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak(stage: Stage) -> None:
    """The same load twice, the target counted at rest after each: what the second left over has leaked."""
    user = await stage.user()

    async def served() -> bool:
        prompt, session = stage.prompt(), await new_session(stage, user)
        await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
        return True

    await loaded_twice(stage, user, served)


@scenario("leak-leaving", CHAT, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak_leaving(stage: Stage) -> None:
    """The same load twice of owners who leave, at one point after the other; the target counted at rest after each."""
    user = await stage.user()

    async def left(pieces: int) -> bool:
        session = await new_session(stage, user)
        leaving = left_after(stage, user, session, pieces) if pieces else _left_before(stage, user, session)
        ended = await leaving
        await stage.gone(user)  # accounting is told of one before the next begins: so one connection does for all
        return ended

    await loaded_twice(stage, user, *(partial(left, pieces) for pieces in (0, *LEAVING)))
