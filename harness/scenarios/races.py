"""Races that are measured: requests held at their last byte and let go together, on anybody's target."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.core.names import Answer, Capability, System
from harness.core.race import RACE_BUDGET
from harness.endpoints.lastbyte import Entrant
from harness.systems import gateway, runs

from .gateway import chat_body
from .registry import scenario
from .runs import run_body
from .stage import Prompt, Stage

CALLERS, AFFORDABLE = 8, 3
SMALL_ANSWER_TOKENS = 16
"""So few that what is held is what a call costs, one credit: nothing comes back that might pay for one more."""


@scenario("measured-double-spend", System.GATEWAY, answer=Answer.PLAIN, alone=True)
async def gateway_double_spend(stage: Stage) -> None:
    """Eight calls let go at once, by their last bytes, on a balance that pays for three."""
    prompts = [stage.prompt() for _ in range(CALLERS)]
    hold_credits = stage.tariff(stage.model().id).hold_credits(len(prompts[0].text), SMALL_ANSWER_TOKENS)
    user = await stage.user(credits=AFFORDABLE * hold_credits)
    entrants = [
        Entrant(
            route=gateway.CHAT,
            token=user.token,
            json=chat_body(stage, prompt, max_tokens=SMALL_ANSWER_TOKENS),
            tie=prompt.tie,
        )
        for prompt in prompts
    ]
    await _double_spend(stage, prompts, entrants, AFFORDABLE if hold_credits == 1 else None)
    await stage.settle(user)


@scenario("measured-double-spend", System.RUNS, answer=Answer.PLAIN, alone=True)
async def runs_double_spend(stage: Stage) -> None:
    """Eight runs let go at once, by their last bytes, on a balance that pays for three."""
    prompts = [stage.prompt() for _ in range(CALLERS)]
    user = await stage.user(credits=AFFORDABLE * runs.price_credits(stage.target.profile.facts(System.RUNS)))
    path = {"project_id": await stage.project(user)}
    entrants = [
        Entrant(route=runs.RUN, token=user.token, json=run_body(stage, prompt), tie=prompt.tie, path=path)
        for prompt in prompts
    ]
    await _double_spend(stage, prompts, entrants, AFFORDABLE)
    await stage.settle(user)


async def _double_spend(
    stage: Stage, prompts: Sequence[Prompt], entrants: Sequence[Entrant], affordable: int | None
) -> None:
    """Race them; a provider of ours answers once each call was placed or refused, so that none ends before the others.

    Where users cannot be made, the profile's number ``race_affordable`` says for how many its own user can pay.
    """
    if not stage.target.has(Capability.ACCOUNTS):
        told = stage.target.profile.systems[stage.system].numbers.get(RACE_BUDGET)
        affordable = None if told is None else int(told)
    gate = stage.gate("before-headers") if stage.target.has(Capability.PROVIDER) else None
    async with stage.race("double-spend", entrants, affordable=affordable) as heat:
        if gate is not None:
            for prompt, call in zip(prompts, heat.calls, strict=True):
                await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
            gate.open()
