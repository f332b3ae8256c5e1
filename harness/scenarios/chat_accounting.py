"""Accounting beside chat: what becomes of a stream where it fails, and what it promises to whoever calls it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from harness.core.names import Answer, Capability
from harness.core.user import User
from harness.servers.service import Trouble, claims_of
from harness.systems import accounting

from .chat import CHAT, new_session, one_stream, stream_body
from .chat_sessions import NOT_UUIDS
from .registry import scenario
from .stage import Stage

SEEN = (Capability.ACCOUNTS, Capability.PROVIDER)
EXPIRED_S = 0.02
"""How long after its end a token has expired for everybody."""
ESTIMATE, ACTUAL, DELIVERED = 2000, 900, 300
"""Tokens: what is held for, what a whole stream used, and what of one was delivered."""

BAD_HOLDS: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        **{f"{field}-missing": (field, None) for field in accounting.INITIALIZE_FIELDS},
        "estimate-text": ("estimatedTokens", "2000"),
        "estimate-fraction": ("estimatedTokens", 1.5),
        "estimate-true": ("estimatedTokens", True),
        "estimate-negative": ("estimatedTokens", -5),
        "session-not-uuid": ("sessionId", "session-17"),
        "session-number": ("sessionId", 17),
        "user-not-uuid": ("userId", "me"),
        "model-list": ("modelId", ["amazon.nova-lite-v1:0"]),
    }
)
"""Kind -> (the field that the answer must name, what is in it; None takes it away)."""


def fresh_id(stage: Stage, number: int) -> str:
    """The id of a session, the same in every run of the case."""
    return str(UUID(bytes=hashlib.sha256(f"{stage.case} {number}".encode()).digest()[:16], version=4))


def hold_body(stage: Stage, user: User, session: str, **changes: Any) -> dict[str, Any]:
    """The body of a hold; None takes a field away."""
    body = {"sessionId": session, "userId": user.id, "modelId": stage.model().id, "estimatedTokens": ESTIMATE}
    return {name: value for name, value in (body | changes).items() if value is not None}


@scenario("accounting-refuses", CHAT, answer=Answer.STREAM, needs=SEEN)
async def accounting_refuses(stage: Stage) -> None:
    """Accounting answers 400 when a stream is to be initialized."""
    stage.service.troubles[accounting.INITIALIZE.name] = Trouble(400, b'{"message": "estimatedTokens is required"}')
    await one_stream(stage)


@scenario("accounting-down", CHAT, answer=Answer.STREAM, needs=SEEN)
async def accounting_down(stage: Stage) -> None:
    """Accounting breaks off every call."""
    for route in accounting.ROUTES:
        stage.service.troubles[route.name] = Trouble(None)
    await one_stream(stage)


@scenario("finalize-fails", CHAT, answer=Answer.STREAM, needs=SEEN)
async def finalize_fails(stage: Stage) -> None:
    """Accounting fails when a stream is to be settled that went well."""
    stage.service.troubles[accounting.FINALIZE.name] = Trouble(500)
    await one_stream(stage)


@scenario("token-expires-mid-stream", CHAT, answer=Answer.STREAM, needs=(*SEEN, Capability.TOKENS))
async def token_expires_mid_stream(stage: Stage) -> None:
    """A stream whose owner's token expires while the provider speaks, and another one of the same session."""
    user, prompt, gate = await stage.user(), stage.prompt(), stage.gate(1)
    session = await new_session(stage, user)
    brief = stage.target.token("brief", user.id or "")
    ends_s = float(claims_of(brief).get("exp", 0))
    call = asyncio.create_task(stage.chat(brief).stream(session, stream_body(stage, prompt), tie=prompt.tie))
    if await stage.provider_seen(prompt.tie):
        await asyncio.sleep(ends_s + EXPIRED_S - time.time())
        stage.mark("expired", {"tie": prompt.tie})
    gate.open()
    await call
    prompt = stage.prompt()
    await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("initialize-fails-late", CHAT, answer=Answer.STREAM, needs=SEEN)
async def initialize_fails_late(stage: Stage) -> None:
    """Accounting places holds and then fails to say so: by a status, by no answer, and in words nobody can read."""
    user = await stage.user()
    for trouble in (Trouble(500, late=True), Trouble(None, late=True), Trouble(201, b"<html>", late=True)):
        stage.service.troubles[accounting.INITIALIZE.name] = trouble
        prompt, session = stage.prompt(), await new_session(stage, user)
        await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("settle-again", CHAT, needs=SEEN)
async def settle_again(stage: Stage) -> None:
    """Streams that are finalized or aborted twice, one way, the other, and both ways."""
    user = await stage.user()
    api = stage.accounting(user.token)
    for number, ends in enumerate((("finalize", "finalize"), ("abort", "abort"), ("finalize", "abort"))):
        session = fresh_id(stage, number)
        await api.initialize(hold_body(stage, user, session))
        for end in ends:
            if end == "finalize":
                await api.finalize(session, {"actualTokens": ACTUAL})
            else:
                await api.abort(session, {"tokensDelivered": DELIVERED})
    await stage.settle(user)


@scenario("abort-nothing", CHAT, needs=SEEN)
async def abort_nothing(stage: Stage) -> None:
    """A stream that is aborted before anything was delivered."""
    user, session = await stage.user(), fresh_id(stage, 0)
    api = stage.accounting(user.token)
    await api.initialize(hold_body(stage, user, session))
    await api.abort(session, {"tokensDelivered": 0})
    await stage.settle(user)


@scenario("accounting-bad-input", CHAT, needs=SEEN)
async def accounting_bad_input(stage: Stage) -> None:
    """Holds with a field that is missing or of the wrong type; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    api = stage.accounting(user.token)
    for number, (kind, (field, value)) in enumerate(BAD_HOLDS.items()):
        tie = stage.prompt().tie
        stage.mark("bad-input", {"tie": tie, "kind": kind, "field": field})
        await api.initialize(hold_body(stage, user, fresh_id(stage, number), **{field: value}), tie=tie)
    await stage.settle(user)


@scenario("accounting-strangers", CHAT, needs=SEEN)
async def accounting_strangers(stage: Stage) -> None:
    """Another user's stream and account, streams that are not there, and ids that are no UUIDs.

    The marks ``strange-session`` say which is which.
    """
    user, other, session = await stage.user(), await stage.user(), fresh_id(stage, 0)
    await stage.accounting(other.token).initialize(hold_body(stage, other, session))
    api = stage.accounting(user.token)
    for kind, name in [("foreign", session), ("absent", fresh_id(stage, 1)), *(("not-uuid", one) for one in NOT_UUIDS)]:
        for end in ("finalize", "abort"):
            tie = stage.prompt().tie
            stage.mark("strange-session", {"tie": tie, "kind": kind, "step": end})
            if end == "finalize":
                await api.finalize(name, {"actualTokens": ACTUAL}, tie=tie)
            else:
                await api.abort(name, {"tokensDelivered": DELIVERED}, tie=tie)
    tie = stage.prompt().tie
    stage.mark("foreign-user", {"tie": tie, "kind": "foreign-user"})
    await api.initialize(hold_body(stage, other, fresh_id(stage, 2)), tie=tie)
    for name in (session, fresh_id(stage, 2)):
        await stage.accounting(other.token).abort(name, {"tokensDelivered": 0})
    await stage.settle(other)
