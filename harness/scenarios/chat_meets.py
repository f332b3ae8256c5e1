"""Two requests for one session at once, as it is measured on anybody's target: two messages, or one and a deletion."""

from __future__ import annotations

import asyncio

from harness.core.names import Answer, Capability, System
from harness.core.race import DELETE, DOUBLE_SUBMIT, SWEEP
from harness.core.user import User
from harness.endpoints.lastbyte import Entrant, facts
from harness.servers.gate import BEFORE_HEADERS
from harness.systems import chat

from .chat import new_session, stream_body
from .gateway import NOTICE_LIMIT_S
from .registry import scenario
from .stage import CLIENT_LIMIT_S, Prompt, Stage

RACES = 4
"""Races of two messages: one of them met on any machine that is worth measuring on."""
BEFORE, OFFSETS_MS = None, (None, -2.0, -0.5, 0.0, 0.0, 1.0, 3.0)
"""When a deletion is let go, after the stream's owner has the headers; before them (negative) by the least that a
stream took so far. ``BEFORE``: its answer is there before the stream is let go."""
HELD_AFTER = 2
"""Content events after which a provider of ours waits for the deletion, so that there is something to end."""


@scenario("measured-double-submit", System.CHAT, answer=Answer.STREAM, alone=True)
async def double_submit(stage: Stage) -> None:
    """Two messages for one session let go at once, by their last bytes; several times, each in a new session."""
    owner = await stage.user()
    for _ in range(RACES):
        session, prompts = await new_session(stage, owner), [stage.prompt(), stage.prompt()]
        entrants = [_message(stage, owner, session, prompt) for prompt in prompts]
        gate = stage.gate(BEFORE_HEADERS) if stage.target.has(Capability.PROVIDER) else None
        async with stage.race(DOUBLE_SUBMIT, entrants) as heat:
            if gate is not None:
                for prompt, call in zip(prompts, heat.calls, strict=True):
                    await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
                gate.open()
    await stage.settle(owner)


def _message(stage: Stage, owner: User, session: str, prompt: Prompt) -> Entrant:
    path, body = {"session_id": session}, stream_body(stage, prompt)
    return Entrant(route=chat.STREAM, token=owner.token, json=body, tie=prompt.tie, path=path)


@scenario("measured-delete", System.CHAT, answer=Answer.STREAM, alone=True)
async def delete(stage: Stage) -> None:
    """Streams, each with a deletion of its session whose last byte leaves a little before or after the headers.

    One more is left alone: whatever the races come to, there is a whole stream to judge.
    """
    owner, prompt = await stage.user(), stage.prompt()
    await stage.chat(owner.token).stream(await new_session(stage, owner), stream_body(stage, prompt), tie=prompt.tie)
    took_ns: list[int] = []
    for offset_ms in (0.0, *OFFSETS_MS):
        took_ns += await _deleted(stage, owner, offset_ms, min(took_ns, default=0))
    await stage.settle(owner)


async def _deleted(stage: Stage, owner: User, offset_ms: float | None, expected_ns: int) -> list[int]:
    """One stream and the deletion of its session; gives how long the headers took. The mark ``sweep`` tells."""
    session, prompt = await new_session(stage, owner), stage.prompt()
    deleting = Entrant(route=chat.DELETE, token=owner.token, path={"session_id": session})
    gate = stage.gate(HELD_AFTER) if stage.target.has(Capability.PROVIDER) else None
    offset_ns = int((offset_ms or 0) * 1e6)
    async with stage.held(_message(stage, owner, session, prompt)) as own, stage.held(deleting) as other:
        if offset_ms is BEFORE:
            other.release()
            await stage.first_of([other.headed()], within_s=NOTICE_LIMIT_S)
        own.release()
        if offset_ns < 0:
            await asyncio.sleep(max(0, expected_ns + offset_ns) / 1e9)
        elif offset_ms is not BEFORE:
            await stage.first_of([own.headed()], within_s=NOTICE_LIMIT_S)
            await asyncio.sleep(offset_ns / 1e9)
        if offset_ms is not BEFORE:
            other.release()
            await stage.first_of([other.headed()], within_s=NOTICE_LIMIT_S)
        if gate is not None:
            gate.open()
            del stage.script.gates[HELD_AFTER]
        await asyncio.gather(*(one.answer(limit_s=CLIENT_LIMIT_S) for one in (own, other)))
        head_ns = await own.headed()
        if head_ns is None:
            return []
        told = {"kind": DELETE, "origin_ns": head_ns, "stream": prompt.tie, "gated": gate is not None}
        stage.mark(SWEEP, told | facts([other.start(offset_ns)]))
        return [head_ns - (own.released_ns or 0)] if offset_ms is not BEFORE else []
