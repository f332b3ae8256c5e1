"""Ways to use the agent: the gateway's, in sessions; sessions themselves; and its list of models."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, System
from harness.core.user import User
from harness.endpoints.http import Answer as Reply
from harness.systems import agent

from . import gateway, gateway_outages, gateway_refusals
from .gateway import HELD, chat_body
from .refused import bad_tokens
from .registry import Drive, scenario
from .stage import Prompt, Stage

AGENT = System.AGENT
MADE_AT_ONCE = 24
OLD_STYLE = "session-1712345678901-k3j9x2"
OLD_STYLE_ODD = "session-1712-0.k3-j9_x2~"
"""One from a clock that was wrong, and with all that a client may have drawn from."""
JUNK_IDS = (
    "junk",
    "0",
    "session-",
    "session-abc-k3j9x2",
    "session-1712345678901-",
    "session-1712345678901-k3j 9x2",
    "00000000000040008000000000000000",
    "{00000000-0000-4000-8000-000000000000}",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
    "00000000-0000-4000-8000-00000000000g",
    "' OR 1=1 --",
    "\N{GREEK SMALL LETTER ALPHA}" * 8,
    "\0",
    "x" * 4000,
)
"""Ids that are none: neither a UUID in canonical form nor of the old style."""
STRANGER = "00000000-0000-4000-8000-000000000000"


def _like_the_gateways(id: str, drive: Drive, **how: Any) -> None:
    """The gateway's scenario of that name, driven against the agent's like face."""
    scenario(id, AGENT, **how)(drive)


_like_the_gateways("chat-plain", gateway.chat_plain, answer=Answer.PLAIN, faults=True)
_like_the_gateways("chat-stream", gateway.chat_stream, answer=Answer.STREAM, faults=True)
_like_the_gateways("chat-stream-bare", gateway.chat_stream_bare, answer=Answer.STREAM)
_like_the_gateways("stream-paced", gateway.stream_paced, answer=Answer.STREAM, needs=[Capability.PROVIDER])
_like_the_gateways("leave-before-headers", gateway.leave_before_headers, answer=Answer.PLAIN, needs=HELD)
_like_the_gateways("leave-after-first", gateway.leave_after_first, answer=Answer.STREAM, needs=HELD)
_like_the_gateways("leave-mid-stream", gateway.leave_mid_stream, answer=Answer.STREAM, needs=HELD)
_like_the_gateways("leave-at-end", gateway.leave_at_end, answer=Answer.STREAM, needs=HELD)
_like_the_gateways("balance-race", gateway.balance_race, answer=Answer.PLAIN, alone=True, needs=HELD)
_like_the_gateways("insufficient-credit", gateway.insufficient_credit, answer=Answer.PLAIN, needs=gateway.ACCOUNTS)
_like_the_gateways("shortfall", gateway.shortfall, answer=Answer.PLAIN, needs=HELD)
_like_the_gateways("unknown-model", gateway.unknown_model, once=True)
_like_the_gateways("repeat", gateway.repeat, answer=Answer.PLAIN)
_like_the_gateways("leak", gateway.leak, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
_like_the_gateways(
    "leak-leaving", gateway.leak_leaving, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES]
)
_like_the_gateways("provider-outage", gateway_outages.provider_outage, answer=Answer.PLAIN, outage=True, needs=HELD)
_like_the_gateways("bad-input", gateway_refusals.bad_input, once=True)
_like_the_gateways("odd-input", gateway_refusals.odd_input, once=True, alone=True)
_like_the_gateways("bad-token", gateway_refusals.bad_token, once=True, needs=[Capability.ACCOUNTS, Capability.TOKENS])


async def chat(
    stage: Stage,
    user: User,
    session_id: str | None,
    *,
    stream: bool = False,
    foreign: bool = False,
    prompt: Prompt | None = None,
) -> Reply:
    """One chat in a session, or in none; ``foreign``: in another user's, as the mark of that name says."""
    prompt = prompt or stage.prompt()
    if foreign:
        stage.mark("foreign", {"tie": prompt.tie})
    body = chat_body(stage, prompt, stream=stream)
    named = {} if session_id is None else {"session_id": session_id}
    return await stage.agent(user.token).chat(body | named, tie=prompt.tie)


async def made(stage: Stage, user: User, **body: Any) -> str:
    """The id of a new session; of an answer that has none an id that nothing has."""
    return session_of((await stage.agent(user.token).create(body)).body) or STRANGER


def session_of(body: bytes) -> str | None:
    """The session's id in an answer."""
    try:
        found = json.loads(body)["session_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


async def look(stage: Stage, user: User, session_id: str, *, foreign: bool = False) -> None:
    """Read a session and its messages; ``foreign``: another user's, as the mark of that name says."""
    api = stage.agent(user.token)
    for call in (api.session, api.messages):
        tie = stage.prompt().tie
        if foreign:
            stage.mark("foreign", {"tie": tie})
        await call(session_id, tie=tie)


@scenario("session-life", AGENT, answer=Answer.PLAIN)
async def session_life(stage: Stage) -> None:
    """Every step that a session can take, legal or not: before it is made, empty, used, and after a refused chat."""
    user, other = await stage.user(), await stage.user()
    await look(stage, user, STRANGER)
    await chat(stage, user, STRANGER)
    session_id = await made(stage, user)
    await look(stage, user, session_id)
    await chat(stage, user, session_id)
    await look(stage, user, session_id)
    await chat(stage, user, session_id, stream=True)
    await look(stage, user, session_id)
    await look(stage, other, session_id, foreign=True)
    await chat(stage, other, session_id, foreign=True)
    await stage.settle(user)


@scenario("session-failed-chat", AGENT, answer=Answer.STREAM, needs=[Capability.PROVIDER])
async def session_failed_chat(stage: Stage) -> None:
    """A chat that breaks off in the middle, in a session that holds one that did not."""
    user = await stage.user()
    session_id = await made(stage, user, user_id="somebody")
    await chat(stage, user, session_id)
    with stage.struck(FAULTS["reset-mid-stream"]):
        await chat(stage, user, session_id, stream=True)
    await look(stage, user, session_id)
    await stage.settle(user)


@scenario("sessions-at-once", AGENT, once=True)
async def sessions_at_once(stage: Stage) -> None:
    """Many sessions made at the same moment, with and without a user's id, each read afterwards."""
    user = await stage.user()
    api = stage.agent(user.token)
    bodies = [{} if number % 2 else {"user_id": f"user-{number}"} for number in range(MADE_AT_ONCE)]
    answers = await asyncio.gather(*(api.create(body) for body in bodies))
    for answer in answers[:4]:
        await look(stage, user, session_of(answer.body) or STRANGER)
    await stage.settle(user)


@scenario("session-none-named", AGENT, answer=Answer.PLAIN)
async def session_none_named(stage: Stage) -> None:
    """Two chats that name no session; then the sessions that they were given are read."""
    user = await stage.user()
    for stream in (False, True):
        answer = await chat(stage, user, None, stream=stream)
        await look(stage, user, answer.headers.get(agent.SESSION_HEADER) or STRANGER)
    await stage.settle(user)


@scenario("session-old-style", AGENT, answer=Answer.PLAIN)
async def session_old_style(stage: Stage) -> None:
    """Chats under an old-style id, which is read back by that id and by the one that it was mapped to.

    Then one under an id that is an odd one, and as good.
    """
    user = await stage.user()
    tie = stage.prompt().tie.partition(".")[0]
    old = f"{OLD_STYLE}{tie}"
    await look(stage, user, old)
    for _ in range(2):
        answer = await chat(stage, user, old)
    await look(stage, user, old)
    await look(stage, user, answer.headers.get(agent.SESSION_HEADER) or STRANGER)
    await chat(stage, user, f"{OLD_STYLE_ODD}{tie}")
    await stage.settle(user)


@scenario("session-junk-ids", AGENT, once=True)
async def session_junk_ids(stage: Stage) -> None:
    """Every call that takes a session's id, with ids that are none; the mark ``junk-id`` says which."""
    user = await stage.user()
    api = stage.agent(user.token)
    for junk in JUNK_IDS:
        for call in (api.session, api.messages):
            tie = stage.prompt().tie
            stage.mark("junk-id", {"tie": tie, "kind": junk[:40]})
            await call(junk, tie=tie)
    for junk in JUNK_IDS[:6]:
        prompt = stage.prompt()
        stage.mark("junk-id", {"tie": prompt.tie, "kind": junk[:40]})
        await api.chat(chat_body(stage, prompt, session_id=junk), tie=prompt.tie)
    await stage.settle(user)


@scenario("session-bad-token", AGENT, once=True, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def session_bad_token(stage: Stage) -> None:
    """Sessions made, read and chatted in by nobody; then their owner looks what is in one.

    The mark ``bad-token`` says which token was which.
    """
    user = await stage.user()
    session_id = await made(stage, user)
    for prompt, token in bad_tokens(stage, user):
        await stage.agent(token).create({}, tie=prompt.tie)
    for prompt, token in bad_tokens(stage, user):
        await stage.agent(token).session(session_id, tie=prompt.tie)
    for prompt, token in bad_tokens(stage, user):
        await stage.agent(token).messages(session_id, tie=prompt.tie)
    for prompt, token in bad_tokens(stage, user):
        await stage.agent(token).chat(chat_body(stage, prompt, session_id=session_id), tie=prompt.tie)
    await look(stage, user, session_id)
    await stage.settle(user)


@scenario("health", AGENT, answer=Answer.PLAIN, outage=True, needs=[Capability.PROVIDER])
async def health(stage: Stage) -> None:
    """The health check while all is well, asked for by a user too, while the provider is gone, and afterwards."""
    user, api = await stage.user(), stage.agent(None)
    for token in (None, user.token):
        await stage.agent(token).health()
    async with stage.provider_down():
        await api.health()
    await api.health()
    await stage.settle(user)


@scenario("health-store-down", AGENT, answer=Answer.PLAIN, alone=True, needs=[Capability.PROVIDER, Capability.STORE])
async def health_store_down(stage: Stage) -> None:
    """The health check while the store cannot be asked, and once it is back."""
    api = stage.agent(None)
    async with stage.store_down():
        await api.health()
    await api.health()
