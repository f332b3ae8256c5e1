"""Requests that the gateway must refuse: bad input and bad tokens, many kinds in one recording."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from harness.core.names import Capability, System

from .gateway import chat_body
from .refused import bad_tokens, send_bad_input, send_odd_input
from .registry import scenario
from .stage import Stage

GATEWAY = System.GATEWAY

BAD_FIELDS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "model-missing": ("model", {"model": None}),
        "model-empty": ("model", {"model": ""}),
        "model-wrong-type": ("model", {"model": 7}),
        "messages-missing": ("messages", {"messages": None}),
        "messages-empty": ("messages", {"messages": []}),
        "messages-wrong-type": ("messages", {"messages": "hello"}),
        "message-not-an-object": ("messages", {"messages": ["hello"]}),
        "content-wrong-type": ("messages", {"messages": [{"role": "user", "content": 7}]}),
        "stream-wrong-type": ("stream", {"stream": "yes"}),
        "max-tokens-negative": ("max_tokens", {"max_tokens": -1}),
        "max-tokens-wrong-type": ("max_tokens", {"max_tokens": "many"}),
    }
)
"""Kind -> (the field that the answer must name, what to put into a good body; None takes the field away)."""


@scenario("bad-input", GATEWAY, once=True)
async def bad_input(stage: Stage) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    await send_bad_input(stage, partial(chat_body, stage), stage.gateway(user.token).raw_chat, BAD_FIELDS, "messages")
    await stage.settle(user)


@scenario("odd-input", GATEWAY, once=True, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    user = await stage.user()
    await send_odd_input(stage, partial(chat_body, stage), stage.gateway(user.token).raw_chat)
    await stage.settle(user)


@scenario("bad-token", GATEWAY, once=True, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    for prompt, token in bad_tokens(stage, user):
        await stage.gateway(token).chat(chat_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)
