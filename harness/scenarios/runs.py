"""Ways to use project runs: plain ones, each model, and what may go wrong around them."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.core.names import Answer, Capability, System
from harness.core.race import DOUBLE_SPEND
from harness.core.user import User
from harness.endpoints.runs import RunsClient
from harness.systems import runs

from .forced import forced
from .gateway import leave, noticed
from .loads import loaded_twice
from .registry import scenario
from .stage import Prompt, Stage

RUNS = System.RUNS
ACCOUNTS = (Capability.ACCOUNTS,)
HELD = (Capability.ACCOUNTS, Capability.PROVIDER)
VARIANT = (Capability.VARIANTS,)
OTHER_DEFAULT = "gemma-7b-it"
MAPPED_DEFAULT = "gpt-4o"
WRONG_DEFAULT = "no-such-model-anywhere"


def run_body(stage: Stage, prompt: Prompt, **more: Any) -> dict[str, Any]:
    """The body of a run as an application would send it, with white space around the input as people leave it."""
    return {"input": f"  {prompt.text}\n", "model": stage.model().id} | more


async def one_run(stage: Stage, body: dict[str, Any] | None = None) -> None:
    """One run of one user, in a project of that user's."""
    user, prompt = await stage.user(), stage.prompt()
    project = await stage.project(user)
    wanted = {"input": prompt.text} if body is None else {**run_body(stage, prompt), **body}
    await stage.runs(user.token).create(project, wanted, tie=prompt.tie)
    await stage.settle(user)


@scenario("run", RUNS, answer=Answer.PLAIN, faults=True)
async def run(stage: Stage) -> None:
    """One run, of a model that the provider calls by another name."""
    await one_run(stage, {})


@scenario("models", RUNS, answer=Answer.PLAIN)
async def models(stage: Stage) -> None:
    """A run of each model that may be named."""
    user = await stage.user()
    project = await stage.project(user)
    for model in stage.models():
        prompt = stage.prompt()
        await stage.runs(user.token).create(project, run_body(stage, prompt, model=model.id), tie=prompt.tie)
    await stage.settle(user)


@scenario("default-model", RUNS, answer=Answer.PLAIN)
async def default_model(stage: Stage) -> None:
    """A run that names no model."""
    await one_run(stage)


@scenario(
    "default-model-set",
    RUNS,
    answer=Answer.PLAIN,
    needs=VARIANT,
    settings={runs.DEFAULT_MODEL_SETTING: OTHER_DEFAULT},
)
async def default_model_set(stage: Stage) -> None:
    """A run that names no model, where another default is configured."""
    await one_run(stage)


@scenario(
    "default-model-mapped",
    RUNS,
    answer=Answer.PLAIN,
    needs=VARIANT,
    settings={runs.DEFAULT_MODEL_SETTING: MAPPED_DEFAULT},
)
async def default_model_mapped(stage: Stage) -> None:
    """A run that names no model, where the configured default is one that the provider calls by another name."""
    await one_run(stage)


@scenario(
    "default-model-wrong",
    RUNS,
    answer=Answer.PLAIN,
    needs=(*VARIANT, Capability.PROVIDER),
    settings={runs.DEFAULT_MODEL_SETTING: WRONG_DEFAULT},
)
async def default_model_wrong(stage: Stage) -> None:
    """A run that names no model, where the configured default is one that the provider does not have."""
    await one_run(stage)


@scenario("repeat", RUNS, answer=Answer.PLAIN)
async def repeat(stage: Stage) -> None:
    """The same request twice, one after the other."""
    user, prompt = await stage.user(), stage.prompt()
    project = await stage.project(user)
    for _ in range(2):
        await stage.runs(user.token).create(project, run_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("leave-before-headers", RUNS, answer=Answer.PLAIN, needs=HELD)
async def leave_before_headers(stage: Stage) -> None:
    """A client that leaves while the provider is still thinking."""
    user = await stage.user()
    await _left(stage, user, await stage.project(user))
    await stage.settle(user)


async def _left(stage: Stage, user: User, project: str) -> bool:
    """Leave a run whose provider is thinking; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate("before-headers")
    call = asyncio.create_task(_create(stage, stage.runs(user.token), project, prompt))
    await stage.provider_seen(prompt.tie)
    await leave(stage, call)
    return await noticed(stage, prompt, gate)


@scenario("balance-race", RUNS, answer=Answer.PLAIN, alone=True, needs=HELD)
async def balance_race(stage: Stage) -> None:
    """Eight runs at once on a balance that pays for three: all are placed before any answer is let go."""
    callers, affordable = 8, 3
    price_credits = runs.price_credits(stage.target.profile.facts(RUNS))
    prompts = [stage.prompt() for _ in range(callers)]
    user = await stage.user(credits=affordable * price_credits)
    project = await stage.project(user)
    stage.mark("budget", {"callers": callers, "affordable": affordable, "hold_credits": price_credits})
    forced(stage, DOUBLE_SPEND, *prompts, moment="before any is answered", affordable=affordable)
    gate = stage.gate("before-headers")
    api = stage.runs(user.token)
    calls = [asyncio.create_task(_create(stage, api, project, prompt)) for prompt in prompts]
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
    gate.open()
    await asyncio.gather(*calls)
    await stage.settle(user)


async def _create(stage: Stage, api: RunsClient, project: str, prompt: Prompt) -> None:
    await api.create(project, run_body(stage, prompt), tie=prompt.tie)


@scenario("insufficient-credit", RUNS, answer=Answer.PLAIN, needs=ACCOUNTS)
async def insufficient_credit(stage: Stage) -> None:
    """A run by a user who has one credit less than it costs."""
    price_credits = runs.price_credits(stage.target.profile.facts(RUNS))
    user, prompt = await stage.user(credits=price_credits - 1), stage.prompt()
    project = await stage.project(user)
    stage.mark("budget", {"callers": 1, "affordable": 0, "hold_credits": price_credits})
    await _create(stage, stage.runs(user.token), project, prompt)
    await stage.settle(user)


@scenario("provider-outage", RUNS, answer=Answer.PLAIN, outage=True, needs=HELD)
async def provider_outage(stage: Stage) -> None:
    """The provider cannot be reached for one run; then it is back, and another."""
    user = await stage.user()
    project, api = await stage.project(user), stage.runs(user.token)
    async with stage.provider_down():
        await _create(stage, api, project, stage.prompt())
    await _create(stage, api, project, stage.prompt())
    await stage.settle(user)


@scenario("leak", RUNS, answer=Answer.PLAIN, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak(stage: Stage) -> None:
    """The same load twice, the target counted at rest after each: what the second left over has leaked."""
    user = await stage.user()
    project = await stage.project(user)

    async def made() -> bool:
        prompt = stage.prompt()
        await stage.runs(user.token).create(project, run_body(stage, prompt), tie=prompt.tie)
        return True

    await loaded_twice(stage, user, made)


@scenario("leak-leaving", RUNS, answer=Answer.PLAIN, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak_leaving(stage: Stage) -> None:
    """The same load twice of clients that leave while the provider thinks, the target counted at rest after each."""
    user = await stage.user()
    project = await stage.project(user)
    await loaded_twice(stage, user, lambda: _left(stage, user, project))
