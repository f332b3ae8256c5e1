"""What the agent's list of models promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.providers.vertex import MODELS
from harness.systems import agent

from .agent_calls import object_of
from .registry import Findings, contract
from .scope import AGENT

TOKEN_ALONE = "models-no-project"
STACK = (b"Traceback", b'File "', b".py")


def _lists(recording: Recording) -> list[Exchange]:
    return [e for e in recording.side(Side.CLIENT) if e.operation == agent.MODELS.name and e.response is not None]


MISSING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "models-no-credentials": agent.MISSING_SETTINGS,
        "models-no-key": tuple(name for name in agent.MISSING_SETTINGS if name != agent.PROJECT_SETTING),
    }
)
"""Scenario -> the settings that are not there."""


def _without_credentials(recording: Recording) -> list[Exchange]:
    return _lists(recording) if recording.header.scenario in MISSING else []


@contract(
    "models.no-credentials-said",
    select=_without_credentials,
    systems=AGENT,
    source="house: 503, and which settings are missing",
    breakers=("agent-no-token-stack-trace", "agent-no-token-unnamed"),
)
def no_credentials_said(exchange: Exchange, recording: Recording) -> Findings:
    """Without credentials for Vertex the list is a 503 that says so and names the settings that are missing.

    A stack trace told whoever asked how the service is built, and nobody what to do.
    """
    error = object_of(exchange.body).get("error")
    words = str(error.get("message") if isinstance(error, dict) else "")
    message = agent.NO_TOKEN.message or ""
    if exchange.status != agent.NO_TOKEN.status or not words.startswith(message):
        yield Violation(f"The answer was {exchange.status} {words[:80]!r}.", (Pointer(exchange.id),))
    lacking = [name for name in MISSING[str(recording.header.scenario)] if name not in words]
    if lacking:
        yield Violation(f"The answer does not name {', '.join(lacking)}.", (Pointer(exchange.id),))
    if any(mark in exchange.body for mark in STACK):
        yield Violation("The answer holds a stack trace.", (Pointer(exchange.id),))


def _with_token(recording: Recording) -> list[Exchange]:
    return _lists(recording) if recording.header.scenario == TOKEN_ALONE else []


@contract(
    "models.token-is-enough",
    select=_with_token,
    systems=AGENT,
    source="house: missing are a service account and its project, or an access token",
    breakers=("agent-list-wants-project",),
)
def token_is_enough(exchange: Exchange, _recording: Recording) -> Findings:
    """An access token is all that the list of models takes: no project stands in its path.

    Who has set a token and reads that there is none looks in the wrong place.
    """
    if exchange.status != 200:
        error = object_of(exchange.body).get("error")
        words = str(error.get("message") if isinstance(error, dict) else "")
        yield Violation(
            f"There is a token, and the answer was {exchange.status} {words[:80]!r}.", (Pointer(exchange.id),)
        )


def _read(recording: Recording) -> Iterator[tuple[Exchange, tuple[Exchange, ...]]]:
    """Each list that a client read, with what the target had read of Vertex while it was still good."""
    theirs = [e for e in recording.side(Side.PROVIDER) if e.operation == MODELS]
    advances = [mark.at_ns for mark in recording.marks if mark.name == "advanced"]
    for listed in _lists(recording):
        since_ns = max((at for at in advances if at <= listed.request.sent_ns), default=None)
        if listed.status == 200 and since_ns is not None:
            yield listed, tuple(e for e in theirs if since_ns <= e.request.sent_ns <= listed.ended_ns)


@contract(
    "models.list-kept-for-a-while",
    select=_read,
    systems=AGENT,
    needs=[Capability.PROVIDER, Capability.CLOCK],
    source="house: read from Vertex and cached",
    breakers=("agent-models-not-cached", "agent-models-cached-for-ever"),
)
def list_kept_for_a_while(subject: tuple[Exchange, tuple[Exchange, ...]], _recording: Recording) -> Findings:
    """The list is read from Vertex once, kept for a while, and read again when it is old.

    Every page that shows a choice of models asks for it; Vertex need not be asked by each of them, and a model that is
    new today shall not wait for a restart.
    """
    listed, read = subject
    if len(read) != 1:
        yield Violation(
            f"Vertex was asked {len(read)} times for a list that is good for a while.",
            tuple(Pointer(one.id) for one in (listed, *read)),
        )
