"""Targets with other settings: what they must not start with, or without, and what follows from the numbers in them."""

from __future__ import annotations

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


async def one_call(stage: Stage) -> None:
    """A call of a gateway with multipliers of its own, counted by its provider or not."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.gateway(user.token).chat(chat_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


for name, only in (("other-prices", Provider.OPENAI), ("other-prices-custom", Provider.COMPATIBLE)):
    scenario(
        name,
        GATEWAY,
        answer=Answer.PLAIN,
        faults=True,
        needs=[Capability.VARIANTS],
        settings=OTHER_PRICES,
        only=[only],
        struck=["no-usage"],
    )(one_call)
