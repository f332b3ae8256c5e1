"""Requests for plans that must be refused, and settings with which the workflow must not start."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from harness.core.names import Capability, System
from harness.systems import workflow

from .refused import bad_tokens, send_bad_input, send_odd_input
from .registry import scenario
from .stage import Stage
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
    }
)
"""Kind -> (the field that the answer must name, what to put into a good body; None takes the field away)."""


@scenario("bad-input", WORKFLOW)
async def bad_input(stage: Stage) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    await send_bad_input(stage, plan_body, stage.workflow(user.token).raw_create, BAD_FIELDS, "user_profile")
    await stage.settle(user)


@scenario("odd-input", WORKFLOW, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served.

    Of these one whose context is a text: nothing says that it is an object.
    """
    user = await stage.user()
    await send_odd_input(stage, plan_body, stage.workflow(user.token).raw_create)
    prompt = stage.prompt()
    stage.mark("odd-input", {"tie": prompt.tie, "kind": "context-text", "accept": True})
    await stage.workflow(user.token).create(plan_body(prompt) | {"context": prompt.text}, tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token", WORKFLOW, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    for prompt, token in bad_tokens(stage, user):
        await stage.workflow(token).create(plan_body(prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("start-without", WORKFLOW, needs=[Capability.STARTUP, Capability.VARIANTS])
async def start_without(stage: Stage) -> None:
    """Another instance is started without each of the settings that it needs; the mark ``without`` says which."""
    for setting in workflow.REQUIRED_SETTINGS:
        stage.mark("without", {"setting": setting})
        await stage.try_start({setting: None})
