"""Targets with other settings: what they must not start with, or without, and what follows from the numbers in them."""

from __future__ import annotations

from functools import partial

from harness.core.names import Answer, Capability, Provider, System
from harness.systems import gateway, runs

from .gateway import GATEWAY, chat_body
from .registry import scenario
from .stage import Stage

STARTUP = (Capability.STARTUP, Capability.VARIANTS)
WRONG = (("OPENAI_CUSTOM_TOKEN_ESTIMATION", "by_guess"), (gateway.MULTIPLIER_SETTING, "nan"))
"""Settings of the gateway's, and values that they cannot have."""
OTHER_PRICES = {
    gateway.MULTIPLIER_SETTING: "40",
    gateway.CUSTOM_MULTIPLIER_SETTING: "250",
    "OPENAI_CUSTOM_TOKEN_ESTIMATION": "character_count",
}


@scenario("start-without", System.RUNS, needs=STARTUP)
async def runs_start_without(stage: Stage) -> None:
    """Another instance is started without the setting that it needs; the mark ``without`` says which."""
    for setting in runs.REQUIRED_SETTINGS:
        stage.mark("without", {"setting": setting})
        await stage.try_start({setting: None})


@scenario("start-wrong", GATEWAY, once=True, needs=STARTUP)
async def start_wrong(stage: Stage) -> None:
    """Another instance is started with each setting that cannot be; the mark ``wrong`` says which."""
    for setting, value in WRONG:
        stage.mark("wrong", {"setting": setting, "value": value})
        await stage.try_start({setting: value})


async def one_call(stage: Stage, *, stream: bool = False) -> None:
    """A call of a gateway with multipliers of its own, by which a few tokens more are seen in the price."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=stream), tie=prompt.tie)
    await stage.settle(user)


_PRICED = partial(scenario, system=GATEWAY, faults=True, needs=[Capability.VARIANTS], settings=OTHER_PRICES)


@_PRICED("other-prices", answer=Answer.PLAIN, only=[Provider.OPENAI], struck=["no-usage"])
async def other_prices(stage: Stage) -> None:
    """One plain call of a model with a price, counted by its provider or not, by other multipliers."""
    await one_call(stage)


@_PRICED("other-prices-custom", answer=Answer.PLAIN, only=[Provider.COMPATIBLE], struck=["no-usage"])
async def other_prices_custom(stage: Stage) -> None:
    """One plain call of a custom endpoint's model, counted by its provider or not, by another multiplier."""
    await one_call(stage)


@_PRICED("other-prices-stream", answer=Answer.STREAM, only=[Provider.OPENAI], struck=["reset-mid-stream", "cut"])
async def other_prices_stream(stage: Stage) -> None:
    """One stream, which may break off, by other multipliers."""
    await one_call(stage, stream=True)
