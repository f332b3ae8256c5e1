"""The observation race as it is measured on anybody's target: an observer let go around the owner's headers."""

from __future__ import annotations

import asyncio

from harness.core.names import Answer, Capability, System
from harness.core.race import OBSERVE, SWEEP
from harness.core.user import User
from harness.endpoints.lastbyte import Entrant, Held, facts
from harness.systems import chat

from .chat import new_session, stream_body
from .gateway import NOTICE_LIMIT_S
from .registry import scenario
from .stage import CLIENT_LIMIT_S, Stage

OFFSETS_MS = (0.0, 0.0, -4.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
"""When the observer is let go, after the owner has the headers; before them (negative) by the least that a stream took
so far, which the first ones find out."""
HELD_AFTER = 2
"""Content events after which a provider of ours waits for the observer, so that there is something to observe."""


@scenario("measured-observe", System.CHAT, answer=Answer.STREAM, alone=True)
async def measured_observe(stage: Stage) -> None:
    """Streams, each with an observer whose last byte leaves a little before or after the owner has the headers."""
    owner, observer = await stage.user(), await stage.user(role="supervisor")
    # One has certainly asked before any stream: what is said of those who do is then judged, however the others fare.
    await stage.chat(observer.token).observe(await new_session(stage, owner))
    took_ns: list[int] = []
    for offset_ms in OFFSETS_MS:
        took_ns += await _point(stage, owner, observer, int(offset_ms * 1e6), min(took_ns, default=0))
    await stage.settle(owner)


async def _point(stage: Stage, owner: User, observer: User, offset_ns: int, expected_ns: int) -> list[int]:
    """One stream and its observer; gives how long the headers took, if any came. The mark ``sweep`` tells."""
    session, prompt = await new_session(stage, owner), stage.prompt()
    path = {"session_id": session}
    streaming = Entrant(
        route=chat.STREAM, token=owner.token, json=stream_body(stage, prompt), tie=prompt.tie, path=path
    )
    looking = Entrant(route=chat.OBSERVE, token=observer.token, path=path)
    gate = stage.gate(HELD_AFTER) if stage.target.has(Capability.PROVIDER) else None
    async with stage.held(streaming) as own, stage.held(looking) as eyes:
        own.release()
        if offset_ns < 0:
            await asyncio.sleep(max(0, expected_ns + offset_ns) / 1e9)
        else:
            await stage.first_of([own.headed()], within_s=NOTICE_LIMIT_S)
            await asyncio.sleep(offset_ns / 1e9)
        eyes.release()
        await stage.first_of([eyes.headed()], within_s=NOTICE_LIMIT_S)
        if gate is not None:
            gate.open()
            del stage.script.gates[HELD_AFTER]
        await asyncio.gather(*(one.answer(limit_s=CLIENT_LIMIT_S) for one in (own, eyes)))
        return await _noted(stage, own, eyes, offset_ns)


async def _noted(stage: Stage, own: Held, eyes: Held, offset_ns: int) -> list[int]:
    """Mark how the observer was let go, and give how long the owner's headers took."""
    head_ns = await own.headed()
    if head_ns is None:
        return []
    stage.mark(SWEEP, {"kind": OBSERVE, "origin_ns": head_ns, **facts([eyes.start(offset_ns)])})
    return [head_ns - (own.released_ns or 0)]
