"""Ways to use the gateway: plain and streamed calls, and what may go wrong around them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, Provider, System
from harness.core.race import DOUBLE_SPEND
from harness.core.user import User
from harness.endpoints.http import FAILURES, Live
from harness.providers.openai import decode_stream
from harness.providers.reply import Reply
from harness.servers.gate import Gate

from .forced import forced
from .loads import loaded_twice
from .registry import scenario
from .stage import Prompt, Stage

GATEWAY = System.GATEWAY
PIECES = 8
"""Content events of a usual answer."""
LEAVING = (1, 3, PIECES)
"""How many of them a client has read who leaves: the first, some, or all but the end."""
NOTICE_LIMIT_S = 3.5
"""How long a target is waited for to notice something; shorter than the time limits that it has for its providers."""
SHORTFALL_TOKENS = 100_000
CREDITS_AT_MOST = 2**63 - 1
"""The greatest balance that a 64-bit column has room for."""
IN_STREAMS = tuple(one.id for one in FAULTS.values() if Answer.STREAM in one.applies and one.status is None)
"""What can spoil a stream once it is let in: a refusal is the same whatever the stream was to hold."""
ACCOUNTS = (Capability.ACCOUNTS,)
HELD = (Capability.ACCOUNTS, Capability.PROVIDER)


def chat_body(
    stage: Stage, prompt: Prompt, *, stream: bool = False, include_usage: bool = False, **more: Any
) -> dict[str, Any]:
    """The body of a chat completion as an application would send it."""
    body: dict[str, Any] = {"model": stage.model().id, "messages": [{"role": "user", "content": prompt.text}]}
    if stream:
        body["stream"] = True
    if include_usage:
        body["stream_options"] = {"include_usage": True}
    return body | more


@scenario("chat-plain", GATEWAY, answer=Answer.PLAIN, faults=True)
async def chat_plain(stage: Stage) -> None:
    """One plain chat completion."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("chat-stream", GATEWAY, answer=Answer.STREAM, faults=True)
async def chat_stream(stage: Stage) -> None:
    """One streamed chat completion that asks for its usage."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=True, include_usage=True), tie=prompt.tie)
    await stage.settle(user)


@scenario("chat-stream-bare", GATEWAY, answer=Answer.STREAM, faults=True, struck=IN_STREAMS)
async def chat_stream_bare(stage: Stage) -> None:
    """One streamed chat completion that does not ask for its usage."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=True), tie=prompt.tie)
    await stage.settle(user)


@scenario("stream-paced", GATEWAY, answer=Answer.STREAM, needs=[Capability.PROVIDER])
async def stream_paced(stage: Stage) -> None:
    """A stream whose provider waits after its first words until the client has read them."""
    user, prompt, gate = await stage.user(), stage.prompt(), stage.gate(1)
    opening = stage.gateway(user.token).open_chat(chat_body(stage, prompt, stream=True), tie=prompt.tie)
    await paced(stage, gate, opening, has_words(1))
    await stage.settle(user)


@scenario("leave-before-headers", GATEWAY, answer=Answer.PLAIN, needs=HELD)
async def leave_before_headers(stage: Stage) -> None:
    """A client that leaves while the provider is still thinking."""
    user = await stage.user()
    await _left_before(stage, user)
    await stage.settle(user)


@scenario("leave-after-first", GATEWAY, answer=Answer.STREAM, needs=HELD)
async def leave_after_first(stage: Stage) -> None:
    """A client that leaves a stream after its first words."""
    await _leave_after(stage, 1)


@scenario("leave-mid-stream", GATEWAY, answer=Answer.STREAM, needs=HELD)
async def leave_mid_stream(stage: Stage) -> None:
    """A client that leaves in the middle of a stream."""
    await _leave_after(stage, 3)


@scenario("leave-at-end", GATEWAY, answer=Answer.STREAM, needs=HELD)
async def leave_at_end(stage: Stage) -> None:
    """A client that leaves when all words are there, and the end is not."""
    await _leave_after(stage, PIECES)


async def _leave_after(stage: Stage, pieces: int) -> None:
    user = await stage.user()
    await left_after(stage, user, pieces)
    await stage.settle(user)


async def _left_before(stage: Stage, user: User, *, stream: bool = False) -> bool:
    """Leave a call before its headers; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate("before-headers")
    body = chat_body(stage, prompt, stream=stream)
    call = asyncio.create_task(stage.gateway(user.token).chat(body, tie=prompt.tie))
    await stage.provider_seen(prompt.tie)
    await leave(stage, call)
    return await noticed(stage, prompt, gate)


async def left_after(stage: Stage, user: User, pieces: int) -> bool:
    """Leave a stream after so many pieces; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate(pieces)
    with suppress(*FAILURES):
        async with stage.gateway(user.token).open_chat(chat_body(stage, prompt, stream=True), tie=prompt.tie) as live:
            reading = asyncio.create_task(live.read_until(has_words(pieces)))
            await stage.first_of([asyncio.shield(reading)])
            reading.cancel()
            live.leave()
            stage.mark("left", {"tie": prompt.tie})
    return await noticed(stage, prompt, gate)


async def paced(
    stage: Stage, gate: Gate, opening: AbstractAsyncContextManager[Live], begun: Callable[[bytes], bool]
) -> None:
    """Read a stream whose provider goes on once its first words were read, or nobody waits for them any more."""
    first_words_read = asyncio.Event()

    async def read() -> None:
        with suppress(*FAILURES):
            async with opening as live:
                await live.read_until(begun)
                first_words_read.set()
                await live.read_all()

    reading = asyncio.create_task(read())
    await stage.first_of([first_words_read.wait(), asyncio.shield(reading)], within_s=NOTICE_LIMIT_S)
    stage.mark("gate-opened")
    gate.open()
    await reading


async def leave(stage: Stage, call: asyncio.Task[Any]) -> None:
    """Break off a call that waits for its answer."""
    call.cancel()
    stage.mark("left")
    with suppress(asyncio.CancelledError):
        await call


async def noticed(stage: Stage, prompt: Prompt, gate: Gate) -> bool:
    """Give the target time to end its provider's call; then let the provider go on, to whoever still listens.

    Gives whether the call was ended in time.
    """
    ended = await stage.provider_ended(prompt.tie, within_s=NOTICE_LIMIT_S)
    if not ended:
        stage.mark("gate-opened-late")
        gate.open()
    return ended


def has_words(pieces: int) -> Callable[[bytes], bool]:
    """Whether that many content events of a stream have come."""
    return lambda received: len(decode_stream(received).content_events) >= pieces


@scenario("balance-race", GATEWAY, answer=Answer.PLAIN, alone=True, needs=HELD)
async def balance_race(stage: Stage) -> None:
    """Eight calls at once on a balance that pays for three: all are placed before any answer is let go."""
    callers, affordable = 8, 3
    prompts = [stage.prompt() for _ in range(callers)]
    hold_credits = stage.tariff(stage.model().id).hold_credits(len(prompts[0].text), None)
    user = await stage.user(credits=affordable * hold_credits)
    stage.mark("budget", {"callers": callers, "affordable": affordable, "hold_credits": hold_credits})
    forced(stage, DOUBLE_SPEND, *prompts, moment="before any is answered", affordable=affordable)
    gate = stage.gate("before-headers")
    api = stage.gateway(user.token)
    calls = [asyncio.create_task(api.chat(chat_body(stage, prompt), tie=prompt.tie)) for prompt in prompts]
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
    gate.open()
    await asyncio.gather(*calls)
    await stage.settle(user)


@scenario("insufficient-credit", GATEWAY, answer=Answer.PLAIN, needs=ACCOUNTS)
async def insufficient_credit(stage: Stage) -> None:
    """A call, plain and streamed, by a user who has one credit less than the hold."""
    prompts = [stage.prompt(), stage.prompt()]
    hold_credits = stage.tariff(stage.model().id).hold_credits(len(prompts[0].text), None)
    user = await stage.user(credits=hold_credits - 1)
    stage.mark("budget", {"callers": 2, "affordable": 0, "hold_credits": hold_credits})
    for prompt, stream in zip(prompts, (False, True), strict=True):
        await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=stream), tie=prompt.tie)
    await stage.settle(user)


@scenario("balance-at-the-edge", GATEWAY, answer=Answer.PLAIN, once=True, needs=ACCOUNTS)
async def balance_at_the_edge(stage: Stage) -> None:
    """Calls, plain and streamed, by a user with as many credits as 64 bits can count."""
    user = await stage.user(credits=CREDITS_AT_MOST)
    for stream in (False, True):
        prompt = stage.prompt()
        await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=stream), tie=prompt.tie)
    await stage.settle(user)


@scenario("shortfall", GATEWAY, answer=Answer.PLAIN, needs=HELD)
async def shortfall(stage: Stage) -> None:
    """An answer that costs more than was held and more than is left: the provider wrote more than it was allowed."""
    prompt = stage.prompt()
    model = stage.model().id
    price = stage.tariff(model)
    user = await stage.user(credits=price.hold_credits(len(prompt.text), 1))
    stage.script.reply = Reply(("Far more than was asked for.",), 10, SHORTFALL_TOKENS, model)
    await stage.gateway(user.token).chat(chat_body(stage, prompt, max_tokens=1), tie=prompt.tie)
    await stage.settle(user)


@scenario("models", GATEWAY, answer=Answer.PLAIN)
async def models(stage: Stage) -> None:
    """The list of models, asked for by nobody in particular, then a call of each that may be this provider's."""
    user = await stage.user()
    api = stage.gateway(user.token)
    listed = await stage.gateway(None).models()
    known = {model.id: model.provider for model in stage.target.profile.systems[stage.system].models}
    for model in model_ids(listed.body):
        if known.get(model, stage.provider) is stage.provider:
            prompt = stage.prompt()
            await api.chat(chat_body(stage, prompt, model=model), tie=prompt.tie)
    await stage.settle(user)


@scenario(
    "models-half-credentials",
    GATEWAY,
    answer=Answer.PLAIN,
    needs=[Capability.VARIANTS],
    settings={"AWS_ACCESS_KEY_ID": None, "GOOGLE_CLOUD_PROJECT": None},
    only=[Provider.BEDROCK, Provider.VERTEX],
)
async def models_half_credentials(stage: Stage) -> None:
    """The list of models where two providers lack half of what they want, then a call of each that is theirs."""
    await models(stage)


@scenario("tier-refused", GATEWAY, needs=ACCOUNTS, only=[one for one in Provider if one is not Provider.COMPATIBLE])
async def tier_refused(stage: Stage) -> None:
    """A user of the free tier asks for a model of the paid one."""
    user, prompt = await stage.user(tier="free"), stage.prompt()
    model = stage.model(tier="pro").id
    await stage.gateway(user.token).chat(chat_body(stage, prompt, model=model), tie=prompt.tie)
    await stage.settle(user)


@scenario(
    "not-priced", GATEWAY, needs=[Capability.VARIANTS], settings={"OPENAI_BASE_URL": None}, only=[Provider.OPENAI]
)
async def not_priced(stage: Stage) -> None:
    """Models without a price, one of them without a provider too, on a gateway that has no custom endpoint either."""
    user = await stage.user()
    for model in stage.target.profile.systems[GATEWAY].models:
        if model.input_usd_per_million is None:
            prompt = stage.prompt()
            await stage.gateway(user.token).chat(chat_body(stage, prompt, model=model.id), tie=prompt.tie)
    await stage.settle(user)


@scenario("unknown-model", GATEWAY, once=True)
async def unknown_model(stage: Stage) -> None:
    """A model that nobody has."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt, model="no-such-model-anywhere"), tie=prompt.tie)
    await stage.settle(user)


@scenario("repeat", GATEWAY, answer=Answer.PLAIN)
async def repeat(stage: Stage) -> None:
    """The same request twice, one after the other, plain and streamed."""
    user, prompt = await stage.user(), stage.prompt()
    for stream in (False, False, True, True):
        await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=stream), tie=prompt.tie)
    await stage.settle(user)


@scenario("leak", GATEWAY, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak(stage: Stage) -> None:
    """The same load twice, the target counted at rest after each: what the second left over has leaked."""
    user = await stage.user()

    async def served() -> bool:
        prompt = stage.prompt()
        await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=True), tie=prompt.tie)
        return True

    await loaded_twice(stage, user, served)


@scenario("leak-leaving", GATEWAY, answer=Answer.STREAM, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak_leaving(stage: Stage) -> None:
    """The same load twice of clients that leave, at one point after another; the target counted at rest after each."""
    user = await stage.user()
    after = [partial(left_after, stage, user, pieces) for pieces in LEAVING]
    await loaded_twice(stage, user, partial(_left_before, stage, user, stream=True), *after)


def model_ids(body: bytes) -> list[str]:
    """The ids of a model list, as far as it is one."""
    try:
        rows = json.loads(body)["data"]
        return [row["id"] for row in rows if isinstance(row.get("id"), str)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
