"""Races that are measured: requests held at their last byte and let go together, on anybody's target."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.core.names import Answer, Capability, System
from harness.core.race import DOUBLE_SPEND, RACE_BUDGET
from harness.endpoints.lastbyte import Entrant
from harness.providers import chatkit
from harness.servers.gate import BEFORE_HEADERS, before_headers
from harness.systems import chat, gateway, runs, workflow

from .chat import new_session, stream_body
from .gateway import chat_body
from .registry import scenario
from .runs import run_body
from .stage import Prompt, Stage
from .workflow import plan_body

CALLERS, AFFORDABLE = 8, 3
SMALL_ANSWER_TOKENS = 16
"""So few that what is held is what a call costs, one credit: nothing comes back that might pay for one more."""
ESTIMATE_TOKENS = 200
"""More than an answer has. What comes back when a stream ends would pay for another: who is to be served is known only
where all are placed before any ends."""
ID = "measured-double-spend"


async def completions_double_spend(stage: Stage) -> None:
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


scenario(ID, System.GATEWAY, answer=Answer.PLAIN, alone=True)(completions_double_spend)
scenario(ID, System.AGENT, answer=Answer.PLAIN, alone=True)(completions_double_spend)


@scenario(ID, System.RUNS, answer=Answer.PLAIN, alone=True)
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


@scenario(ID, System.CHAT, answer=Answer.STREAM, alone=True)
async def chat_double_spend(stage: Stage) -> None:
    """Eight streams let go at once, by their last bytes, each in a session of its own, on a balance for three."""
    prompts = [stage.prompt() for _ in range(CALLERS)]
    hold_credits = stage.tariff(stage.model().id).price_credits(0, ESTIMATE_TOKENS)
    user = await stage.user(credits=AFFORDABLE * hold_credits)
    entrants = [
        Entrant(
            route=chat.STREAM,
            token=user.token,
            json=stream_body(stage, prompt, estimatedTokens=ESTIMATE_TOKENS),
            tie=prompt.tie,
            path={"session_id": await new_session(stage, user)},
        )
        for prompt in prompts
    ]
    await _double_spend(stage, prompts, entrants, AFFORDABLE if stage.target.has(Capability.PROVIDER) else None)
    await stage.settle(user)


@scenario(ID, System.WORKFLOW, answer=Answer.PLAIN, alone=True)
async def workflow_double_spend(stage: Stage) -> None:
    """Eight plans let go at once, by their last bytes, on a balance that pays for three."""
    prompts = [stage.prompt() for _ in range(CALLERS)]
    user = await stage.user(credits=AFFORDABLE * workflow.price_credits(stage.target.profile.facts(System.WORKFLOW)))
    entrants = [
        Entrant(route=workflow.PLAN, token=user.token, json=plan_body(prompt), tie=prompt.tie) for prompt in prompts
    ]
    await _double_spend(stage, prompts, entrants, AFFORDABLE, point=before_headers(chatkit.SEND))
    await stage.settle(user)


async def _double_spend(
    stage: Stage,
    prompts: Sequence[Prompt],
    entrants: Sequence[Entrant],
    affordable: int | None,
    *,
    point: str = BEFORE_HEADERS,
) -> None:
    """Race them; a provider of ours answers once each call was placed or refused, so that none ends before the others.

    Where users cannot be made, the profile's number ``race_affordable`` says for how many its own user can pay.
    """
    if not stage.target.has(Capability.ACCOUNTS):
        told = stage.target.profile.systems[stage.system].numbers.get(RACE_BUDGET)
        affordable = None if told is None else int(told)
    gate = stage.gate(point) if stage.target.has(Capability.PROVIDER) else None
    async with stage.race(DOUBLE_SPEND, entrants, affordable=affordable) as heat:
        if gate is not None:
            for prompt, call in zip(prompts, heat.calls, strict=True):
                await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
            gate.open()
