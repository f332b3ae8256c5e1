"""Amounts at the edges of what 64 bits can count: balances as great as can be, and numbers of tokens."""

from __future__ import annotations

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, System

from .chat import CHAT, new_session, stream_body
from .chat_accounting import fresh_id, hold_body
from .gateway import ACCOUNTS, CREDITS_AT_MOST, GATEWAY, balance_at_the_edge, chat_body
from .registry import scenario
from .runs import RUNS, run_body
from .stage import Stage
from .workflow import WORKFLOW, plan_body

AGENT = System.AGENT
SEEN = (*ACCOUNTS, Capability.PROVIDER)
TOKENS = (2**63 - 1, 2**31, 10_000_000)
"""Numbers of tokens that somebody may ask for: the greatest of 64 bits, one more than that of 32, and much."""

scenario("balance-at-the-edge", AGENT, answer=Answer.PLAIN, once=True, needs=ACCOUNTS)(balance_at_the_edge)


@scenario("balance-at-the-edge", RUNS, answer=Answer.PLAIN, needs=SEEN)
async def runs_balance(stage: Stage) -> None:
    """A run that is charged, and one that is refunded, of a user with as many credits as 64 bits can count."""
    user = await stage.user(credits=CREDITS_AT_MOST)
    project, prompts = await stage.project(user), (stage.prompt(), stage.prompt())
    await stage.runs(user.token).create(project, run_body(stage, prompts[0]), tie=prompts[0].tie)
    with stage.struck(FAULTS["http-500"]):
        await stage.runs(user.token).create(project, run_body(stage, prompts[1]), tie=prompts[1].tie)
    await stage.settle(user)


@scenario("balance-at-the-edge", WORKFLOW, answer=Answer.PLAIN, needs=ACCOUNTS)
async def workflow_balance(stage: Stage) -> None:
    """A plan for a user with as many credits as 64 bits can count."""
    user, prompt = await stage.user(credits=CREDITS_AT_MOST), stage.prompt()
    await stage.workflow(user.token).create(plan_body(prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("balance-at-the-edge", CHAT, answer=Answer.STREAM, needs=ACCOUNTS)
async def chat_balance(stage: Stage) -> None:
    """A stream of a user with as many credits as 64 bits can count."""
    user, prompt = await stage.user(credits=CREDITS_AT_MOST), stage.prompt()
    session = await new_session(stage, user)
    await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


async def completions(stage: Stage) -> None:
    """Chat completions that may have more tokens than anybody has; the mark ``odd-input`` says how many."""
    user = await stage.user(credits=CREDITS_AT_MOST)
    for tokens in TOKENS:
        prompt = stage.prompt()
        stage.mark("odd-input", {"tie": prompt.tie, "kind": f"max_tokens {tokens}", "accept": False})
        await stage.gateway(user.token).chat(chat_body(stage, prompt, max_tokens=tokens), tie=prompt.tie)
    await stage.settle(user)


scenario("tokens-at-the-edge", GATEWAY, answer=Answer.PLAIN, once=True, needs=ACCOUNTS)(completions)
scenario("tokens-at-the-edge", AGENT, answer=Answer.PLAIN, once=True, needs=ACCOUNTS)(completions)


@scenario("tokens-at-the-edge", CHAT, answer=Answer.STREAM, needs=SEEN)
async def chat_tokens(stage: Stage) -> None:
    """Streams of more estimated tokens than anybody has, and holds that are settled for as many.

    The mark ``odd-input`` says how many.
    """
    user = await stage.user(credits=CREDITS_AT_MOST)
    api, session = stage.accounting(user.token), await new_session(stage, user)
    for number, tokens in enumerate(TOKENS):
        prompt, held = stage.prompt(), fresh_id(stage, number)
        stage.mark("odd-input", {"tie": prompt.tie, "kind": f"estimatedTokens {tokens}", "accept": False})
        body = stream_body(stage, prompt, estimatedTokens=tokens)
        await stage.chat(user.token).stream(session, body, tie=prompt.tie)
        await api.initialize(hold_body(stage, user, held))
        tie = stage.prompt().tie
        stage.mark("odd-input", {"tie": tie, "kind": f"actualTokens {tokens}", "accept": False})
        await api.finalize(held, {"actualTokens": tokens}, tie=tie)
        await api.abort(held, {"tokensDelivered": 0}, tie=stage.prompt().tie)
    await stage.settle(user)
