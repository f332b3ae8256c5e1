"""Requests that the gateway must refuse: bad input and bad tokens, many kinds in one recording."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from harness.core.names import Capability, System

from .bodies import BAD_TOKENS, ODD_BODIES, bad_bytes
from .gateway import chat_body
from .registry import scenario
from .stage import Prompt, Stage

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
    api = stage.gateway(user.token)
    for kind, (field, change) in BAD_FIELDS.items():
        prompt = stage.prompt()
        body = {key: value for key, value in {**chat_body(stage, prompt), **change}.items() if value is not None}
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": field})
        await api.raw_chat(json.dumps(body).encode(), tie=prompt.tie)
    good = json.dumps(chat_body(stage, stage.prompt())).encode()
    for kind, raw in bad_bytes(good, "messages").items():
        prompt = stage.prompt()
        stage.mark("bad-input", {"tie": prompt.tie, "kind": kind, "field": None})
        await api.raw_chat(raw, tie=prompt.tie)
    await stage.settle(user)


@scenario("odd-input", GATEWAY, once=True, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    user = await stage.user()
    for odd in ODD_BODIES:
        prompt = stage.prompt()
        body = chat_body(stage, Prompt(odd.text(prompt.text), prompt.tie))
        stage.mark("odd-input", {"tie": prompt.tie, "kind": odd.kind, "accept": odd.unknown})
        await stage.gateway(user.token).raw_chat(odd.raw(body), tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token", GATEWAY, once=True, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    for kind in ("missing", *BAD_TOKENS):
        prompt = stage.prompt()
        token = None if kind == "missing" else stage.target.token(kind, user.id or "")
        stage.mark("bad-token", {"tie": prompt.tie, "kind": kind})
        await stage.gateway(token).chat(chat_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)
