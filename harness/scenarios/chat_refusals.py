"""Streams that must be refused: bad input, unknown models, bad tokens, another user's id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from harness.core.names import Capability

from .chat import CHAT, new_session, stream_body
from .refused import bad_tokens, send_bad_input, send_odd_input
from .registry import scenario
from .stage import Stage

_WORDS = [{"role": "user", "content": "hello"}]
BAD_FIELDS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "message-missing": ("message", {"message": None}),
        "message-empty": ("message", {"message": ""}),
        "message-number": ("message", {"message": 7}),
        "message-list": ("message", {"message": ["hello"]}),
        "message-and-messages": ("messages", {"messages": _WORDS}),
        "messages-empty": ("messages", {"message": None, "messages": []}),
        "messages-text": ("messages", {"message": None, "messages": "hello"}),
        "messages-role": ("messages", {"message": None, "messages": [{"role": "bird", "content": "hello"}]}),
        "messages-content": ("messages", {"message": None, "messages": [{"role": "user", "content": 7}]}),
        "messages-block": ("messages", {"message": None, "messages": [{"role": "user", "content": [{"text": 7}]}]}),
        "history-text": ("messageHistory", {"messageHistory": "hello"}),
        "model-missing": ("modelId", {"modelId": None}),
        "model-number": ("modelId", {"modelId": 7}),
        "estimate-text": ("estimatedTokens", {"estimatedTokens": "many"}),
        "estimate-negative": ("estimatedTokens", {"estimatedTokens": -1}),
        "estimate-true": ("estimatedTokens", {"estimatedTokens": True}),
        "estimate-fraction": ("estimatedTokens", {"estimatedTokens": 1.5}),
        "estimate-64-bit": ("estimatedTokens", {"estimatedTokens": 2**63}),
        "user-number": ("userId", {"userId": 7}),
    }
)
"""Kind -> (the field that the answer must name, what to put into a good body; None takes the field away)."""

UNKNOWN_MODELS = (
    "no-such-model-anywhere",
    "amazon.nova-lite-v1",
    "AMAZON.NOVA-LITE-V1:0",
    "amazon.nova-lite-v1:0 ",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
)


@scenario("bad-input", CHAT)
async def bad_input(stage: Stage) -> None:
    """One request of each bad kind; the mark ``bad-input`` says which is which."""
    user = await stage.user()
    send = partial(stage.chat(user.token).raw_stream, await new_session(stage, user))
    await send_bad_input(stage, partial(stream_body, stage), send, BAD_FIELDS, "message")
    await stage.settle(user)


@scenario("odd-input", CHAT, alone=True)
async def odd_input(stage: Stage) -> None:
    """One request of each strange kind; the mark ``odd-input`` says which is which, and which must be served."""
    user = await stage.user()
    send = partial(stage.chat(user.token).raw_stream, await new_session(stage, user))
    await send_odd_input(stage, partial(stream_body, stage), send)
    await stage.settle(user)


@scenario("unknown-model", CHAT)
async def unknown_model(stage: Stage) -> None:
    """Models that are not offered, among them near misses of ones that are, and one that only the provider has."""
    user = await stage.user()
    session = await new_session(stage, user)
    for name in UNKNOWN_MODELS:
        prompt = stage.prompt()
        stage.mark("unknown-model", {"tie": prompt.tie, "kind": name})
        await stage.chat(user.token).stream(session, stream_body(stage, prompt, modelId=name), tie=prompt.tie)
    await stage.settle(user)


@scenario("bad-token", CHAT, needs=[Capability.ACCOUNTS, Capability.TOKENS])
async def bad_token(stage: Stage) -> None:
    """One request with each kind of bad token, and one with none; the mark ``bad-token`` says which is which."""
    user = await stage.user()
    session = await new_session(stage, user)
    for prompt, token in bad_tokens(stage, user):
        await stage.chat(token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)


@scenario("foreign-user", CHAT, needs=[Capability.ACCOUNTS])
async def foreign_user(stage: Stage) -> None:
    """A stream in the name of another user, who would have to pay for it."""
    user, other = await stage.user(), await stage.user()
    session, prompt = await new_session(stage, user), stage.prompt()
    stage.mark("foreign-user", {"tie": prompt.tie, "kind": "foreign-user"})
    await stage.chat(user.token).stream(session, stream_body(stage, prompt, userId=other.id), tie=prompt.tie)
    await stage.settle(user)
