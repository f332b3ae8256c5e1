"""Every route of chat and of its accounting that wants a token, asked with each kind of bad one, and with none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from harness.core.names import Answer, Capability
from harness.core.user import User
from harness.endpoints.http import Answer as Reply
from harness.systems import accounting

from .chat import CHAT, new_session, stream_body
from .chat_accounting import ACTUAL, DELIVERED, fresh_id, hold_body
from .refused import bad_tokens
from .registry import scenario
from .stage import Stage

TOKENS = (Capability.ACCOUNTS, Capability.TOKENS)
Ask = Callable[[str | None, str], Awaitable[Reply]]
"""Asks something with a token, under a tag."""


async def _each(stage: Stage, user: User, *asks: Ask) -> None:
    """Each of these with each kind of bad token; the mark ``bad-token`` says which is which."""
    for ask in asks:
        for prompt, token in bad_tokens(stage, user):
            await ask(token, prompt.tie)


@scenario("bad-token-sessions", CHAT, answer=Answer.STREAM, needs=TOKENS)
async def bad_token_sessions(stage: Stage) -> None:
    """A session made, observed and deleted by nobody; then its owner streams in it."""
    user = await stage.user()
    session = await new_session(stage, user)
    await _each(
        stage,
        user,
        lambda token, tie: stage.chat(token).create(tie=tie),
        lambda token, tie: stage.chat(token).observe(session, tie=tie),
        lambda token, tie: stage.chat(token).delete(session, tie=tie),
    )
    prompt = stage.prompt()
    await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token-accounting", CHAT, needs=(*TOKENS, Capability.PROVIDER))
async def bad_token_accounting(stage: Stage) -> None:
    """Holds checked, placed and ended by nobody; then by whose account it is."""
    user, session = await stage.user(), fresh_id(stage, 0)
    question = {"userId": user.id, "operation": accounting.OPERATION, "modelId": stage.model().id}
    await _each(
        stage,
        user,
        lambda token, tie: stage.accounting(token).check(question, tie=tie),
        lambda token, tie: stage.accounting(token).initialize(hold_body(stage, user, session), tie=tie),
    )
    api = stage.accounting(user.token)
    await api.check(question)
    await api.initialize(hold_body(stage, user, session))
    await _each(
        stage,
        user,
        lambda token, tie: stage.accounting(token).finalize(session, {"actualTokens": ACTUAL}, tie=tie),
        lambda token, tie: stage.accounting(token).abort(session, {"tokensDelivered": DELIVERED}, tie=tie),
    )
    await api.abort(session, {"tokensDelivered": 0})
    await stage.settle(user)
