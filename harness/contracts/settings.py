"""What is promised of settings: what is needed is there, what cannot be is refused, and defaults are kept."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Mark, Probe, Recording
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems import runs

from .config import banners
from .registry import Findings, contract
from .scope import GATEWAY, RUNS

STARTUP = (Capability.STARTUP,)
HERE = (Pointer(probe="startup"),)
Start = tuple[Mark, Probe | None]
"""The mark before a start, and what came of it."""


def starts(recording: Recording, name: str) -> Iterator[Start]:
    """Each start that a mark of this name announced."""
    probes = [probe for probe in recording.probes if probe.name == "startup"]
    for mark in recording.marks:
        if mark.name == name:
            yield mark, next((probe for probe in probes if probe.at_ns >= mark.at_ns), None)


def refused_naming(start: Start, what: str) -> Findings:
    """What is wrong with a start that has to be refused, by the name of its mark's setting."""
    mark, probe = start
    setting = str(mark.data["setting"])
    if probe is None:
        yield Doubt("What came of the start is not in the recording.")
    elif probe.data.get("started"):
        yield Violation(f"It started {what} {setting}.", HERE)
    elif setting not in str(probe.data.get("error")):
        yield Violation(f"The refusal does not name {setting}: {probe.data.get('error')!r}.", HERE)


@contract(
    "config.runs-settings-required",
    select=lambda recording: starts(recording, "without"),
    systems=RUNS,
    needs=STARTUP,
    source="house: GROQ_API_KEY is required",
    breakers=("runs-starts-without-key",),
)
def runs_settings_required(start: Start, _recording: Recording) -> Findings:
    """Without its provider's key runs do not start, and say which setting is missing.

    Started all the same, every run is charged, fails, and is given back.
    """
    yield from refused_naming(start, "without")


@contract(
    "config.wrong-setting-refused",
    select=lambda recording: starts(recording, "wrong"),
    systems=GATEWAY,
    needs=STARTUP,
    source="house: CREDIT_MULTIPLIER is a number, OPENAI_CUSTOM_TOKEN_ESTIMATION is character_count",
    breakers=("wrong-setting-left-alone",),
)
def wrong_setting_refused(start: Start, _recording: Recording) -> Findings:
    """A setting with a value that it cannot have stops the start, by its name.

    Left alone, it is believed by whoever wrote it, and every charge is made by a rule that nobody chose.
    """
    yield from refused_naming(start, f"with {start[0].data['value']!r} for")


def _with_defaults(recording: Recording) -> Iterator[tuple[str, str, list[str]]]:
    """Each setting with a default that was not set, the default, and the banner."""
    settings = recording.header.asked.get("settings") or {}
    for banner in banners(recording):
        for name, value in runs.DEFAULTS.items():
            if settings.get(name, value) is None:
                yield name, value, banner


@contract(
    "config.defaults-kept",
    select=_with_defaults,
    systems=RUNS,
    needs=STARTUP,
    source="house: PORT (4000)",
    breakers=("runs-other-default-port",),
)
def defaults_kept(subject: tuple[str, str, list[str]], _recording: Recording) -> Findings:
    """A setting that nobody set has its documented default, and the banner says so.

    What is in front of the service was told 4000.
    """
    name, value, banner = subject
    said = next((line for line in banner if name in line.partition("=")[0].split()), "")
    if value not in said.partition("=")[2].split():
        yield Violation(f"{name} is not set, its default is {value}; the banner says {said!r}.", HERE)
