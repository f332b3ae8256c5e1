"""What a list of models promises, and who may use which."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.errors import DecodeError
from harness.core.names import Capability
from harness.core.recording import NO_FAULT, Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.framing.json import loads
from harness.systems import gateway

from .agent_lists import refused_lists
from .calls import Call, ChatCall, chat_calls, failures
from .registry import Findings, contract
from .scope import COMPLETIONS, GATEWAY, RUNS
from .subjects import completed


def _lists(recording: Recording) -> Iterator[Exchange]:
    return (e for e in recording.side(Side.CLIENT) if e.operation == gateway.MODELS.name and e.response is not None)


def _ids(exchange: Exchange) -> list[str]:
    """The ids of a model list; empty where it is none."""
    try:
        document = loads(exchange.body)
    except DecodeError:
        return []
    rows = document.get("data") if isinstance(document, dict) else None
    return [row["id"] for row in rows or () if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _lists_to_be_had(recording: Recording) -> list[Exchange]:
    """There is none without credentials, nor where Vertex refuses its own: how that is said is the agent's promise."""
    without = recording.header.scenario in ("models-no-credentials", "models-no-project", "models-no-key")
    refused = {listed.id for listed, _, _ in refused_lists(recording)}
    return [] if without else [one for one in _lists(recording) if one.id not in refused]


@contract(
    "models.list-shape",
    select=_lists_to_be_had,
    systems=COMPLETIONS,
    source="OpenAI API reference, list models",
    breakers=("model-list-bare", "models-need-token", "agent-models-failure-kept"),
)
def list_shape(exchange: Exchange, _recording: Recording) -> Findings:
    """The list is `{"object": "list", "data": [{"id", "object": "model", ...}]}`, and is not empty."""
    try:
        document = loads(exchange.body)
    except DecodeError:
        document = None
    rows = document.get("data") if isinstance(document, dict) and document.get("object") == "list" else None
    good = isinstance(rows, list) and rows and all(isinstance(r, dict) and r.get("object") == "model" for r in rows)
    if exchange.status != 200 or not good or len(_ids(exchange)) != len(rows or ()):
        yield Violation(
            f"The answer ({exchange.status}) is no list of models: {exchange.body[:60]!r}.",
            (Pointer(exchange.id, start=0, end=len(exchange.body)),),
        )


def _called_from_list(recording: Recording) -> Iterator[ChatCall]:
    listed = {name for exchange in _lists(recording) for name in _ids(exchange)}
    for call in chat_calls(recording):
        if call.request is not None and call.request.model in listed and not _theirs(call, recording):
            yield call


def _theirs(call: ChatCall, recording: Recording) -> bool:
    """Whether a call failed by its provider's fault. A healthy one that refuses the target's credentials has none."""
    status = call.upstream.exchange.status if call.upstream is not None else None
    ours = status in (401, 403) and recording.header.fault == NO_FAULT
    return bool(failures(call, recording)) and not ours


@contract(
    "models.listed-can-be-called",
    select=_called_from_list,
    systems=COMPLETIONS,
    source="house: every listed model can be called",
    breakers=("lists-uncallable-model", "half-credentials-count"),
)
def listed_can_be_called(call: ChatCall, _recording: Recording) -> Findings:
    """Every model on the list can be called.

    People choose from the list; a name on it that fails is found out by them, one by one.
    """
    model = call.request.model if call.request else ""
    if not call.succeeded:
        code = call.error.code if call.error else None
        yield call.violation(f"'{model}' is on the list, and a call of it was answered by {call.client.status} {code}.")


@contract(
    "models.name-echoed",
    select=completed,
    systems=(*COMPLETIONS, *RUNS),
    source="house: the client reads the name that it asked for",
    breakers=("upstream-model-echoed", "runs-mapped-model-echoed"),
)
def name_echoed(call: Call, _recording: Recording) -> Findings:
    """An answer names the model that was asked for, whatever the provider calls it."""
    asked = call.asked_model
    others = sorted(call.named_models - {asked})
    if asked is not None and others:
        yield call.violation(f"'{asked}' was asked for, the answer names {', '.join(others)}.")


def _asked_for(recording: Recording, scenario: str) -> list[ChatCall]:
    return list(chat_calls(recording)) if recording.header.scenario == scenario else []


@contract(
    "models.tier-respected",
    select=lambda recording: _asked_for(recording, "tier-refused"),
    systems=GATEWAY,
    needs=[Capability.ACCOUNTS],
    source="house: 403 model_not_in_tier",
    breakers=("tier-ignored",),
)
def tier_respected(call: ChatCall, _recording: Recording) -> Findings:
    """A model of a higher tier is refused with 403 `model_not_in_tier`, before any provider is called."""
    yield from _refused_with(call, gateway.TIER_REFUSED.status, gateway.TIER_REFUSED.code)


@contract(
    "models.unpriced-refused",
    select=lambda recording: _asked_for(recording, "not-priced"),
    systems=GATEWAY,
    source="house: 400 model_not_priced",
    breakers=("unpriced-called", "unserved-not-found"),
)
def unpriced_refused(call: ChatCall, _recording: Recording) -> Findings:
    """A model without a row for its price or its provider is refused with 400 `model_not_priced`; nobody is called.

    What cannot be priced cannot be charged: it would be given away, or charged at a guess.
    """
    yield from _refused_with(call, gateway.NOT_PRICED.status, gateway.NOT_PRICED.code)


@contract(
    "models.unknown-refused",
    select=lambda recording: _asked_for(recording, "unknown-model"),
    systems=COMPLETIONS,
    source="house: 404 model_not_found",
    breakers=("unknown-model-500",),
)
def unknown_refused(call: ChatCall, _recording: Recording) -> Findings:
    """A model that nobody has is answered by 404 `model_not_found`."""
    yield from _refused_with(call, gateway.NOT_FOUND.status, gateway.NOT_FOUND.code)


def _refused_with(call: ChatCall, status: int, code: str) -> Findings:
    said = call.error.code if call.error else None
    if call.client.status != status or said != code:
        yield call.violation(f"The answer was {call.client.status} {said}, not {status} {code}.")
    if call.upstream is not None:
        yield call.violation("The provider was called.", Pointer(call.upstream.exchange.id))
