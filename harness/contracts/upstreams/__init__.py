"""The decoders of the protocols that providers speak: one module for each, and here which call is in which.

A new protocol is a module with ``asked`` and ``answer``, and its calls in ``PROTOCOLS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.contracts.upstream import Answer, Asked, Upstream, way_of
from harness.core.recording import Exchange

from . import anthropic, bedrock, openai, vertex


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one protocol is read: what was asked (None where that cannot be read), and what came."""

    asked: Callable[[Exchange], Asked | None]
    answer: Callable[[Exchange], Answer]


_BEDROCK = Protocol(bedrock.asked, bedrock.answer)
_VERTEX = Protocol(vertex.asked, vertex.answer)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        openai.CHAT: Protocol(openai.asked, openai.answer),
        "messages": Protocol(anthropic.asked, anthropic.answer),
        **dict.fromkeys(bedrock.CALLS, _BEDROCK),
        **dict.fromkeys(vertex.CALLS, _VERTEX),
    }
)
"""The calls that make a model speak, by the operation's name in a recording, each with its protocol."""


def is_model_call(exchange: Exchange) -> bool:
    """Whether an exchange of a provider's is one that makes a model speak."""
    return exchange.operation in PROTOCOLS


def decode_upstream(exchange: Exchange) -> Upstream:
    """A provider's exchange that is a model call.

    Raises:
        KeyError: it is none.
    """
    protocol = PROTOCOLS[exchange.operation]
    asked = protocol.asked(exchange)
    answer = protocol.answer(exchange) if exchange.response is not None else Answer()
    if exchange.status == 200 and asked is not None and asked.stream and not answer.streamed:
        answer = Answer()  # a stream was asked for: one document is no answer
    return Upstream(exchange, asked, answer, way_of(exchange, asked, answer))
