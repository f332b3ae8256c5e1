"""What happens around the gateway: a provider that goes away and comes back, a client that does not read."""

from __future__ import annotations

from contextlib import suppress

from harness.core.names import Answer, Capability, System
from harness.endpoints.http import FAILURES
from harness.providers.reply import Reply, count_tokens

from .gateway import chat_body, has_words
from .registry import scenario
from .stage import Stage

GATEWAY = System.GATEWAY
HELD = (Capability.ACCOUNTS, Capability.PROVIDER)
PIECE = "The tide comes in and goes out again. " * 430
PIECES = 136  # of 16 KiB each: more than the buffers of a connection hold between two processes


@scenario("provider-outage", GATEWAY, answer=Answer.PLAIN, outage=True, needs=HELD)
async def provider_outage(stage: Stage) -> None:
    """The provider cannot be reached for one call, plain and streamed; then it is back, and the same again."""
    user = await stage.user()

    async def both() -> None:
        for stream in (False, True):
            prompt = stage.prompt()
            await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=stream), tie=prompt.tie)

    async with stage.provider_down():
        await both()
    await both()
    await stage.settle(user)


@scenario("slow-reader", GATEWAY, answer=Answer.STREAM, once=True, needs=HELD)
async def slow_reader(stage: Stage) -> None:
    """A client stops reading a long stream; another is served meanwhile; then the first reads on to the end."""
    user, slow, quick = await stage.user(), stage.prompt(), stage.prompt()
    stage.script.reply = long_reply(slow.text, stage.model().id)
    with suppress(*FAILURES):
        async with stage.slow_gateway(user.token).open_chat(chat_body(stage, slow, stream=True), tie=slow.tie) as live:
            await live.read_until(has_words(1))
            stage.script.reply = None
            stage.mark("reading-stopped", {"tie": slow.tie})
            await stage.gateway(user.token).chat(chat_body(stage, quick, stream=True), tie=quick.tie)
            stage.mark("reading-resumed", {"tie": slow.tie})
            live.hurry()
            await live.read_all()
    await stage.settle(user)


def long_reply(prompt: str, model: str) -> Reply:
    """More words than a connection holds for a client that does not read."""
    return Reply((PIECE,) * PIECES, count_tokens(prompt), count_tokens(PIECE) * PIECES, model)
