"""Streams that cost more than was held for them: the client said too little of what would come."""

from __future__ import annotations

from harness.core.fault import FAULTS
from harness.core.names import Answer, System
from harness.providers.reply import Reply

from .chat import new_session, stream_body
from .gateway import HELD, chat_body
from .registry import scenario
from .stage import Stage

LONG_PIECES = tuple(f"{number}{' and so it goes on' * 450}." for number in range(5))
"""Words of which the first three pieces cost more than one credit whatever the model."""
WHOLE_TOKENS = 40_000


def _long_answer(stage: Stage) -> None:
    """From now on the provider says far more than it was asked for."""
    stage.script.reply = Reply(LONG_PIECES, 10, WHOLE_TOKENS, stage.model().id)


async def _break_off_completion(stage: Stage) -> None:
    """A stream that breaks off when it has delivered more than was held for."""
    user, prompt = await stage.user(), stage.prompt()
    _long_answer(stage)
    with stage.struck(FAULTS["reset-mid-stream"]):
        await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=True, max_tokens=1), tie=prompt.tie)
    await stage.settle(user)


scenario("overrun-broken-off", System.GATEWAY, answer=Answer.STREAM, once=True, needs=HELD)(_break_off_completion)
scenario("overrun-broken-off", System.AGENT, answer=Answer.STREAM, once=True, needs=HELD)(_break_off_completion)


@scenario("overrun-broken-off", System.CHAT, answer=Answer.STREAM, needs=HELD)
async def overrun_broken_off(stage: Stage) -> None:
    """A stream that breaks off when it has delivered more than its owner had estimated."""
    user, prompt = await stage.user(), stage.prompt()
    session = await new_session(stage, user)
    _long_answer(stage)
    with stage.struck(FAULTS["reset-mid-stream"]):
        body = stream_body(stage, prompt, estimatedTokens=1)
        await stage.chat(user.token).stream(session, body, tie=prompt.tie)
    await stage.settle(user)


@scenario("shortfall", System.CHAT, answer=Answer.STREAM, needs=HELD)
async def shortfall(stage: Stage) -> None:
    """A stream that costs more than its owner had estimated, and more than is left."""
    user, prompt = await stage.user(credits=5), stage.prompt()
    session = await new_session(stage, user)
    _long_answer(stage)
    await stage.chat(user.token).stream(session, stream_body(stage, prompt, estimatedTokens=1), tie=prompt.tie)
    await stage.settle(user)
