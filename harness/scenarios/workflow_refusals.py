"""Requests for plans that must be refused, and settings with which the workflow must not start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from harness.core.names import Capability, System
from harness.systems import workflow

from .bodies import BAD_TOKENS, ODD_BODIES, bad_bytes
from .registry import scenario
from .stage import Prompt, Stage
from .workflow import plan_body

WORKFLOW = System.WORKFLOW

BAD_FIELDS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "profile-missing": ("user_profile", {"user_profile": None}),
        "profile-text": ("user_profile", {"user_profile": "Zoë, 41"}),
        "profile-list": ("user_profile", {"user_profile": ["Zoë", 41]}),
        "questionnaires-missing": ("questionnaires", {"questionnaires": None}),
        "questionnaires-object": ("questionnaires", {"questionnaires": {"goals": {}}}),
        "questionnaires-text": ("questionnaires", {"questionnaires": "none"}),
        "questionnaires-of-texts": ("questionnaires", {"questionnaires": ["goals"]}),
        "context-missing": ("context", {"context": None}),
        "context-number": ("context", {"context": 7}),
        "context-true": ("context", {"context": True}),
    }
)
"""Kind -> (the field that the answer must name, what to put into a good body; None takes the field away)."""


@scenario("bad-input", WORKFLOW)
async def bad_input(stage: Stage) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    api = stage.workflow(user.token)
    for kind, (field, change) in BAD_FIELDS.items():
        prompt = stage.prompt()
        body = {key: value for key, value in {**plan_body(prompt), **change}.items() if value is not None}
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": field})
        await api.raw_create(json.dumps(body).encode(), tie=prompt.tie)
    good = json.dumps(plan_body(stage.prompt())).encode()
    for kind, raw in bad_bytes(good, "user_profile").items():
        prompt = stage.prompt()
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": None})
        await api.raw_create(raw, tie=prompt.tie)
    await stage.settle(user)


@scenario("odd-input", WORKFLOW, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    user = await stage.user()
    api = stage.workflow(user.token)
    for odd in ODD_BODIES:
        prompt = stage.prompt()
        body = plan_body(Prompt(odd.text(prompt.text), prompt.tie))
        stage.mark("odd-input", {"tie": prompt.tie, "kind": odd.kind, "accept": odd.unknown})
        await api.raw_create(odd.raw(body), tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token", WORKFLOW, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    for kind in ("missing", *BAD_TOKENS):
        prompt = stage.prompt()
        token = None if kind == "missing" else stage.target.token(kind, user.id or "")
        stage.mark("bad-token", {"tie": prompt.tie, "kind": kind})
        await stage.workflow(token).create(plan_body(prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("start-without", WORKFLOW, needs=[Capability.STARTUP, Capability.VARIANTS])
async def start_without(stage: Stage) -> None:
    """Another instance is started without each of the settings that it needs; the mark ``without`` says which."""
    for setting in workflow.REQUIRED_SETTINGS:
        stage.mark("without", {"setting": setting})
        await stage.try_start({setting: None})
