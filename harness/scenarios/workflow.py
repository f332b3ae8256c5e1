"""Ways to ask for training plans: plain ones, many at once, and clients that leave while the provider is polled."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from harness.core.names import Answer, Capability, System
from harness.core.race import DOUBLE_SPEND
from harness.core.user import User
from harness.endpoints.workflow import WorkflowClient
from harness.providers import chatkit
from harness.servers.gate import before_headers
from harness.systems import workflow

from .forced import forced
from .gateway import NOTICE_LIMIT_S, leave
from .loads import loaded_twice
from .registry import scenario
from .stage import Prompt, Stage

WORKFLOW = System.WORKFLOW
ACCOUNTS = (Capability.ACCOUNTS,)
HELD = (Capability.ACCOUNTS, Capability.PROVIDER)
AT_ONCE = 5


def plan_body(prompt: Prompt) -> dict[str, Any]:
    """The body of a request for a plan as an application would send it, the prompt in its context."""
    return {
        "user_profile": {"name": "Zoë", "age": 41, "level": "beginner", "injuries": ["left knee"]},
        "questionnaires": [
            {"id": "goals", "answers": {"goal": "run 10 km", "days_a_week": 3}},
            {"id": "health", "answers": {"smoker": False, "sleep_h": 7.5}},
        ],
        "context": {"language": "en", "note": prompt.text},
    }


@scenario("plan", WORKFLOW, answer=Answer.PLAIN, faults=True)
async def plan(stage: Stage) -> None:
    """One plan of one user."""
    user, prompt = await stage.user(), stage.prompt()
    await stage.workflow(user.token).create(plan_body(prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("repeat", WORKFLOW, answer=Answer.PLAIN)
async def repeat(stage: Stage) -> None:
    """The same request twice, one after the other."""
    user, prompt = await stage.user(), stage.prompt()
    for _ in range(2):
        await stage.workflow(user.token).create(plan_body(prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("at-once", WORKFLOW, answer=Answer.PLAIN, needs=HELD)
async def at_once(stage: Stage) -> None:
    """Five plans of one user at once: every session is made before any message is answered."""
    user, prompts = await stage.user(), [stage.prompt() for _ in range(AT_ONCE)]
    gate = stage.gate(before_headers(chatkit.SEND))
    calls = [asyncio.create_task(_create(stage.workflow(user.token), prompt)) for prompt in prompts]
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
    gate.open()
    await asyncio.gather(*calls)
    await stage.settle(user)


@scenario("leave-before-session", WORKFLOW, answer=Answer.PLAIN, needs=HELD)
async def leave_before_session(stage: Stage) -> None:
    """A client that leaves while the provider makes the session."""
    await _leave_at(stage, chatkit.CREATE)


@scenario("leave-mid-poll", WORKFLOW, answer=Answer.PLAIN, needs=HELD)
async def leave_mid_poll(stage: Stage) -> None:
    """A client that leaves while the provider is polled for the first time."""
    await _leave_at(stage, chatkit.LIST)


async def _leave_at(stage: Stage, operation: str) -> None:
    user = await stage.user()
    await _left_at(stage, user, operation)
    await stage.settle(user)


async def _left_at(stage: Stage, user: User, operation: str) -> bool:
    """Leave a plan whose provider is held at a step; whether the target ended its provider's call in time."""
    prompt, gate = stage.prompt(), stage.gate(before_headers(operation))
    call = asyncio.create_task(_create(stage.workflow(user.token), prompt))
    await stage.first_of([asyncio.shield(call), gate.wait_reached()])
    await leave(stage, call)
    tie = None if operation == chatkit.CREATE else prompt.tie
    ended = await stage.provider_ended(tie, within_s=NOTICE_LIMIT_S)
    if not ended:
        stage.mark("gate-opened-late")
        gate.open()
    return ended


@scenario("leak", WORKFLOW, answer=Answer.PLAIN, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak(stage: Stage) -> None:
    """The same load twice, the target counted at rest after each: what the second left over has leaked."""
    user = await stage.user()

    async def planned() -> bool:
        await _create(stage.workflow(user.token), stage.prompt())
        return True

    await loaded_twice(stage, user, planned)


@scenario("leak-leaving", WORKFLOW, answer=Answer.PLAIN, alone=True, needs=[*HELD, Capability.RESOURCES])
async def leak_leaving(stage: Stage) -> None:
    """The same load twice of clients that leave, at one step after the other; the target counted at rest after each."""
    user = await stage.user()
    steps = (chatkit.CREATE, chatkit.SEND, chatkit.LIST)
    await loaded_twice(stage, user, *(partial(_left_at, stage, user, step) for step in steps))


@scenario("balance-race", WORKFLOW, answer=Answer.PLAIN, alone=True, needs=HELD)
async def balance_race(stage: Stage) -> None:
    """Eight plans at once on a balance that pays for three: all are placed before any message is answered."""
    callers, affordable = 8, 3
    price_credits = workflow.price_credits(stage.target.profile.facts(WORKFLOW))
    prompts = [stage.prompt() for _ in range(callers)]
    user = await stage.user(credits=affordable * price_credits)
    stage.mark("budget", {"callers": callers, "affordable": affordable, "hold_credits": price_credits})
    forced(stage, DOUBLE_SPEND, *prompts, moment="before any is answered", affordable=affordable)
    gate = stage.gate(before_headers(chatkit.SEND))
    api = stage.workflow(user.token)
    calls = [asyncio.create_task(_create(api, prompt)) for prompt in prompts]
    for prompt, call in zip(prompts, calls, strict=True):
        await stage.first_of([asyncio.shield(call), stage.script.seen(prompt.tie)])
    gate.open()
    await asyncio.gather(*calls)
    await stage.settle(user)


@scenario("insufficient-credit", WORKFLOW, answer=Answer.PLAIN, needs=ACCOUNTS)
async def insufficient_credit(stage: Stage) -> None:
    """A plan for a user who has one credit less than it costs."""
    price_credits = workflow.price_credits(stage.target.profile.facts(WORKFLOW))
    user, prompt = await stage.user(credits=price_credits - 1), stage.prompt()
    stage.mark("budget", {"callers": 1, "affordable": 0, "hold_credits": price_credits})
    await _create(stage.workflow(user.token), prompt)
    await stage.settle(user)


@scenario("provider-outage", WORKFLOW, answer=Answer.PLAIN, outage=True, needs=HELD)
async def provider_outage(stage: Stage) -> None:
    """The provider cannot be reached for one plan; then it is back, and another."""
    user = await stage.user()
    api = stage.workflow(user.token)
    async with stage.provider_down():
        await _create(api, stage.prompt())
    await _create(api, stage.prompt())
    await stage.settle(user)


async def _create(api: WorkflowClient, prompt: Prompt) -> None:
    await api.create(plan_body(prompt), tie=prompt.tie)
