"""Runs that must be refused: bad input, unknown models, bad tokens, projects that are not the caller's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

from harness.core.names import Capability, System

from .refused import bad_tokens, send_bad_input, send_odd_input
from .registry import scenario
from .runs import run_body
from .stage import Stage

RUNS = System.RUNS

BAD_FIELDS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "input-missing": ("input", {"input": None}),
        "input-empty": ("input", {"input": ""}),
        "input-blank": ("input", {"input": " \t\n"}),
        "input-number": ("input", {"input": 7}),
        "input-list": ("input", {"input": ["hello"]}),
        "input-object": ("input", {"input": {"text": "hello"}}),
        "input-true": ("input", {"input": True}),
        "model-wrong-type": ("model", {"model": 7}),
        "model-list": ("model", {"model": ["gpt-4"]}),
    }
)
"""Kind -> (the field that the answer must name, what to put into a good body; None takes the field away)."""

UNKNOWN_MODELS = ("no-such-model-anywhere", "GPT-4", "gpt-4 ", "llama-3.1-8b-instantPORT=4000")
NOT_UUIDS = ("not-a-uuid", "0", "1; drop table projects", "../../etc/passwd", "\0", "é" * 40)


@scenario("bad-input", RUNS)
async def bad_input(stage: Stage) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    send = partial(stage.runs(user.token).raw_create, await stage.project(user))
    await send_bad_input(stage, partial(run_body, stage), send, BAD_FIELDS, "input")
    await stage.settle(user)


@scenario("odd-input", RUNS, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    user = await stage.user()
    send = partial(stage.runs(user.token).raw_create, await stage.project(user))
    await send_odd_input(stage, partial(run_body, stage), send)
    await stage.settle(user)


@scenario("unknown-model", RUNS)
async def unknown_model(stage: Stage) -> None:
    """Models that nobody has, among them near misses of ones that are there."""
    user = await stage.user()
    project = await stage.project(user)
    for name in UNKNOWN_MODELS:
        prompt = stage.prompt()
        stage.mark("unknown-model", {"tie": prompt.tie, "kind": name})
        await stage.runs(user.token).create(project, run_body(stage, prompt, model=name), tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token", RUNS, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    project = await stage.project(user)
    for prompt, token in bad_tokens(stage, user):
        await stage.runs(token).create(project, run_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("strange-project", RUNS, needs=[Capability.ACCOUNTS])
async def strange_project(stage: Stage) -> None:
    """Runs in a project that is not there, in one of another user's, and under ids that are no UUIDs.

    The mark ``strange-project`` says which is which: ``absent``, ``foreign`` or ``not-uuid``.
    """
    user, other = await stage.user(), await stage.user()
    absent = UUID(bytes=hashlib.sha256(str(stage.case).encode()).digest()[:16], version=4)
    projects = [("absent", str(absent)), ("foreign", await stage.project(other))]
    projects += [("not-uuid", text) for text in NOT_UUIDS]
    for kind, project in projects:
        prompt = stage.prompt()
        stage.mark("strange-project", {"tie": prompt.tie, "kind": kind, "id": project})
        await stage.runs(user.token).create(project, run_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)
