"""Providers that fall silent again and again: what is left of each call is counted.

The target's time limits are fractions of a second, so that giving up costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, Provider, System

from .chat import new_session, stream_body
from .gateway import HELD, chat_body
from .loads import loaded_twice
from .registry import scenario
from .stage import Stage

STALLED = (*HELD, Capability.RESOURCES, Capability.VARIANTS)
ROUNDS = 4
"""Calls of one load: each of them lasts as long as a time limit."""
SILENT, STALLS = "no-headers", "stall-mid-stream"
SHORT: Mapping[str, str] = MappingProxyType({"TIMEOUT_BETWEEN_SEGMENTS_S": "0.05"})
SHORT_TOO: Mapping[str, str] = MappingProxyType(
    {**SHORT, "TIMEOUT_FIRST_BYTE_S": "0.1", "VERTEX_AI_ACCESS_TOKEN": "ya29.given"}
)
"""The same before the headers; with a token at hand, since fetching one has that limit too."""
KINDS_OF_CLIENTS = (Provider.OPENAI, Provider.ANTHROPIC, Provider.BEDROCK, Provider.VERTEX)
"""A provider for each way in which the gateway asks one."""
ID = "leak-stalled"


async def completions_stalled(stage: Stage) -> None:
    """The same load twice of streams whose provider is silent, or falls silent; the target counted after each."""
    user = await stage.user()

    async def stalled(fault: str) -> bool:
        prompt = stage.prompt()
        with stage.struck(FAULTS[fault]):
            await stage.gateway(user.token).chat(chat_body(stage, prompt, stream=True), tie=prompt.tie)
        return True

    await loaded_twice(stage, user, partial(stalled, SILENT), partial(stalled, STALLS), rounds=ROUNDS)


_stalling: Callable[..., Any] = partial(
    scenario, ID, answer=Answer.STREAM, alone=True, needs=STALLED, settings=SHORT_TOO
)
_stalling(System.GATEWAY, only=KINDS_OF_CLIENTS)(completions_stalled)
_stalling(System.AGENT, once=True)(completions_stalled)


@scenario(ID, System.CHAT, answer=Answer.STREAM, alone=True, needs=STALLED, settings=SHORT)
async def chat_stalled(stage: Stage) -> None:
    """The same load twice of streams whose provider falls silent; the target counted at rest after each.

    Before the headers the time limit is the usual one: the calls to accounting have it too.
    """
    user = await stage.user()

    async def stalled() -> bool:
        prompt, session = stage.prompt(), await new_session(stage, user)
        with stage.struck(FAULTS[STALLS]):
            await stage.chat(user.token).stream(session, stream_body(stage, prompt), tie=prompt.tie)
        return True

    await loaded_twice(stage, user, stalled, rounds=ROUNDS)
