"""What a correct backend does under each fault of its provider: one table, from which documentation is made.

Contracts judge by what the provider really did (``contracts.upstream``), never by the name of a fault. This table says
the same from the other end, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from harness.core.fault import FAULTS, PLAIN, STREAM, Fault
from harness.core.names import Answer, Provider, System

from . import agent, chat, gateway, runs, workflow
from .route import Outcome, ProviderTable


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does to a call.

    ``row`` is a status of the provider's, or a field of ``ProviderTable``; None: the answer is right all the same.
    ``begun``: the client's stream had begun by then. ``tokens``: whether the provider's own count can be used.
    """

    row: int | str | None = None
    begun: bool = False
    tokens: bool = True


WHOLE = Effect()
UNCOUNTED = Effect(tokens=False)
UNREACHABLE = Effect("unreachable")
TIMEOUT = Effect("timeout")
INVALID = Effect("invalid")
BROKEN = Effect("incomplete", begun=True)

_EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "none": WHOLE,
        "http-400": Effect(400),
        "http-401": Effect(401),
        "http-403": Effect(403),
        "http-404": Effect(404),
        "http-408": Effect(408),
        "http-413": Effect(413),
        "http-429": Effect(429),
        "http-429-date": Effect(429),
        "http-429-bare": Effect(429),
        "http-500": Effect(500),
        "http-502": Effect(502),
        "http-503": Effect(503),
        "http-504": Effect(504),
        "http-529": Effect(529),
        "refused": UNREACHABLE,
        "host-not-found": UNREACHABLE,
        "no-headers": TIMEOUT,
        "slow-first-token": WHOLE,
        "reset-before-first": Effect("incomplete"),
        "reset-plain": INVALID,
        "reset-mid-stream": BROKEN,
        "cut": BROKEN,
        "no-finish": BROKEN,
        "stall-mid-stream": Effect("timeout", begun=True),
        "error-event": Effect(500, begun=True),
        "error-chunk": Effect(500, begun=True),
        "malformed-chunk": Effect("invalid", begun=True),
        "not-json": INVALID,
        "empty-body": INVALID,
        "empty-choices": INVALID,
        "wrong-content-type": INVALID,
        "json-on-stream": INVALID,
        "no-usage": UNCOUNTED,
        "zero-usage": UNCOUNTED,
        "absurd-usage-negative": UNCOUNTED,
        "absurd-usage-huge": UNCOUNTED,
        "absurd-usage-nan": UNCOUNTED,
        "no-done": WHOLE,
        "duplicate-done": WHOLE,
        "after-done": WHOLE,
        "split-utf8": WHOLE,
        "one-byte-segments": WHOLE,
        "coalesced": WHOLE,
        "crlf": WHOLE,
        "comments": WHOLE,
        "overloaded-in-band": Effect(529, begun=True),
        "ping-in-odd-places": WHOLE,
        "http-424": Effect(424),
        "model-not-ready": Effect(429),
        "quota-exceeded": Effect(400),
        "throttled-in-band": Effect(429, begun=True),
        "bad-crc": Effect("invalid", begun=True),
        "bad-prelude-crc": Effect("invalid", begun=True),
        "half-frame": BROKEN,
        "expired-token": WHOLE,  # a new one is asked for, and the call is made once more
        "json-labelled-stream": Effect(503),
        "never-answers": TIMEOUT,
        "answers-late": WHOLE,
        "text-block": WHOLE,
        "wrong-block-type": TIMEOUT,
        "session-vanishes": Effect(404),
        "session-vanishes-later": Effect(404),
        "message-rejected": Effect(400),
        "answer-not-json": INVALID,
        "answer-lacks-key": INVALID,
        "message-503": Effect(503),
        "message-silent": TIMEOUT,
        "message-not-json": WHOLE,  # that it was taken is all that its status says
        "poll-429": Effect(429),
        "poll-503": Effect(503),
        "poll-silent": TIMEOUT,
        "poll-reset": INVALID,
        "poll-not-json": INVALID,
    }
)
"""Fault -> what it does, to either kind of answer that it can strike."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a system speaks: its table, the kinds of answer it has, and its words for an answer that is right.

    ``providers`` are those that it may ask: a fault that none of them has cannot strike it. ``closing`` is what comes
    after an error event.
    """

    table: ProviderTable
    answers: frozenset[Answer]
    served: str
    uncounted: str
    spared: str
    status: int
    providers: frozenset[Provider] = frozenset(Provider)
    closing: str = ", then `[DONE]`"

    def struck(self, fault: Fault, answer: Answer) -> bool:
        """Whether a fault can spoil this kind of answer, of one of its providers."""
        return answer in self.answers and any(fault.strikes(provider, answer) for provider in self.providers)


BEHAVIOURS: Mapping[System, Behaviour] = MappingProxyType(
    {
        System.RUNS: Behaviour(
            runs.PROVIDER_TABLE,
            PLAIN,
            "201 and the run, 1 credit",
            "",
            "; the credit is refunded",
            runs.CREATED_STATUS,
            frozenset({Provider.GROQ}),
        ),
        System.CHAT: Behaviour(
            chat.PROVIDER_TABLE,
            STREAM,
            "200 and the whole stream, then `done`",
            ", charged by the estimate",
            "; nothing is charged",
            200,
            frozenset({Provider.BEDROCK}),
            "",
        ),
        System.WORKFLOW: Behaviour(
            workflow.PROVIDER_TABLE,
            PLAIN,
            "201 and the plan, 5 credits",
            "",
            "; the credits are refunded",
            workflow.CREATED_STATUS,
            frozenset({Provider.CHATKIT}),
        ),
        System.GATEWAY: Behaviour(
            gateway.PROVIDER_TABLE,
            PLAIN | STREAM,
            "200 and the whole answer",
            ", charged by the estimate, which is marked as one",
            "; nothing is charged",
            200,
            frozenset(Provider) - {Provider.CHATKIT},
        ),
        System.AGENT: Behaviour(
            agent.PROVIDER_TABLE,
            PLAIN | STREAM,
            "200 and the whole answer",
            ", charged by the estimate, which is marked as one",
            "; nothing is charged, and nothing is stored",
            200,
            frozenset({Provider.ANTHROPIC, Provider.VERTEX}),
        ),
    }
)
"""The systems that the table speaks of."""

NOTES: Mapping[tuple[System, str], str] = MappingProxyType(
    {
        **{
            (system, fault): " with the provider's message"
            for system in (System.GATEWAY, System.AGENT)
            for fault in ("http-400", "http-413", "quota-exceeded")
        },
        (System.GATEWAY, "model-not-ready"): " without `retry-after`",
        (System.WORKFLOW, "http-400"): " with the provider's message",
        (System.WORKFLOW, "message-rejected"): " with the provider's message",
        (System.WORKFLOW, "never-answers"): " after exactly 60 polls",
        (System.WORKFLOW, "wrong-block-type"): " after exactly 60 polls",
        (System.GATEWAY, "http-401"): " without the provider's words",
        (System.GATEWAY, "http-403"): " without the provider's words",
        **{
            (system, fault): f" {words} `retry-after`"
            for system in (System.GATEWAY, System.WORKFLOW)
            for fault, words in {
                "http-429": "with the provider's",
                "http-429-date": "with the provider's",
                "http-429-bare": "without",
            }.items()
        },
        (System.WORKFLOW, "poll-429"): " with the provider's `retry-after`",
        **{
            (System.AGENT, fault): words
            for fault, words in {
                "http-401": " without the provider's words",
                "http-403": " without the provider's words",
                "http-429": " with the provider's `retry-after`",
                "http-429-date": " with the provider's `retry-after`",
                "http-429-bare": " without `retry-after`",
                "reset-before-first": " after three tries",
                "reset-plain": " after three tries",
            }.items()
        },
    }
)
"""What is to be said beside the code."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a correct system does when this fault strikes this kind of answer.

    ``outcome`` is None where the client gets its answer all the same. ``status`` is what the client reads first.
    """

    system: System
    answer: Answer
    fault: str
    outcome: Outcome | None
    begun: bool
    status: int
    words: str


def row(system: System, answer: Answer, fault: str) -> Row:
    """One row of the table."""
    behaviour, effect = BEHAVIOURS[system], _EFFECTS[fault]
    outcome = _outcome(behaviour.table, effect)
    begun = outcome is not None and effect.begun
    status = behaviour.status if outcome is None or begun else outcome.status
    return Row(system, answer, fault, outcome, begun, status, _words(system, behaviour, effect, outcome, fault))


def rows(fault: str) -> tuple[Row, ...]:
    """The rows of a fault: each system, and each kind of its answers that the fault can strike."""
    return tuple(
        row(system, answer, fault)
        for system, behaviour in BEHAVIOURS.items()
        for answer in Answer
        if behaviour.struck(FAULTS[fault], answer)
    )


def _outcome(table: ProviderTable, effect: Effect) -> Outcome | None:
    if effect.row is None:
        return None
    if isinstance(effect.row, int):
        return table.for_status(effect.row)
    found: Outcome = getattr(table, effect.row)
    return found


def _words(system: System, behaviour: Behaviour, effect: Effect, outcome: Outcome | None, fault: str) -> str:
    if outcome is None:
        return behaviour.served + ("" if effect.tokens else behaviour.uncounted)
    if effect.begun:
        told = f"200, then one error event with `{outcome.code}`{behaviour.closing}"
        return f"{told}; what was delivered is charged"
    said = f", “{outcome.message}”" if outcome.message else ""
    return f"{outcome.status} `{outcome.code}`{said}{NOTES.get((system, fault), '')}{behaviour.spared}"
