"""Faults by their kind: what went wrong for the target, whichever fault script did it.

The kinds are those by which contracts tell how a provider's exchange went, and four for faults that leave it whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.contracts.upstream import Way
from harness.core.deviation import Polled
from harness.core.fault import FAULTS, Body, Fault, Reach, Then, Usage

HEALTHY = "healthy"
SLOW = "slow"
USAGE = "usage"
FORM = "form"
OTHER = "other"
_POLLED: Mapping[Polled, str] = MappingProxyType(
    {
        Polled.NOTHING: Way.SILENT.value,
        Polled.OTHER_BLOCK: Way.SILENT.value,
        Polled.NOT_JSON: Way.INVALID.value,
        Polled.NO_KEY: Way.INVALID.value,
    }
)
"""What an answer that is polled for comes to; a block that holds no answers is as if none came."""

MANY = 4
"""More kinds than these are counted instead of told."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        HEALTHY: "did nothing wrong",
        SLOW: "was slow",
        FORM: "only wrote its answer in an odd form",
        USAGE: "told its usage wrongly",
        Way.STATUS.value: "answered with an error status",
        Way.UNREACHABLE.value: "could not be reached",
        Way.SILENT.value: "fell silent",
        Way.INVALID.value: "gave an answer that is none",
        Way.INCOMPLETE.value: "broke off",
        Way.IN_BAND.value: "said in band that it failed",
        OTHER: "had a fault that this version does not know",
    }
)
"""Each kind as what the provider did, in the order in which they are shown."""


def kind_of(fault: str) -> str:
    """The kind of a fault by its id."""
    known = FAULTS.get(fault)
    return OTHER if known is None else _kind(known)


def did(kinds: list[str]) -> str:
    """What the provider did, for a sentence: ``the provider broke off or fell silent``."""
    words = [WORDS[kind] for kind in WORDS if kind in kinds]
    if len(words) > MANY:
        return f"the provider did one thing or another ({len(words)} kinds of fault)"
    return f"the provider {' or '.join(words)}"


def _kind(fault: Fault) -> str:
    if fault.reach is not Reach.OK:
        return Way.UNREACHABLE.value
    if fault.status is not None:
        return Way.STATUS.value
    if fault.polled in _POLLED:
        return _POLLED[fault.polled]
    if fault.silent or fault.then is Then.STALL:
        return Way.SILENT.value
    if fault.then in (Then.RESET, Then.CUT):
        return Way.INCOMPLETE.value
    if fault.insert is not None and fault.insert.value.startswith("error"):
        return Way.IN_BAND.value
    if fault.insert is not None or fault.body is not Body.ANSWER or fault.content_type is not None:
        return Way.INVALID.value
    if fault.usage is not Usage.TRUE:
        return USAGE
    if fault.delay_ms or fault.polls:
        return SLOW
    return HEALTHY if fault == Fault(id=fault.id, summary=fault.summary) else FORM
