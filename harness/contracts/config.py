"""What start-up promises: settings are read as they were meant, and shown without their secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.core.names import Capability
from harness.core.recording import Json, Mark, Probe, Recording
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems import runs

from .registry import Findings, contract

RUNS = ("runs",)
STARTUP = (Capability.STARTUP,)
HERE = (Pointer(probe="startup"),)
SECRET = re.compile(r"\[REDACTED:[a-z0-9:-]+\]")
FILE_NAME = ".env"
MASKED = re.compile(r"[^*]{0,8}[*]+")
"""A short prefix, then asterisks: 8 characters tell whose key it is, more of them what it is."""


def banners(recording: Recording) -> Iterator[list[str]]:
    """What was said at each start that came to something, line by line."""
    for probe in recording.probes:
        if probe.name == "startup" and probe.data.get("started"):
            yield [str(line) for line in probe.data.get("banner", ())]


@contract(
    "config.banner-masked",
    select=banners,
    systems=RUNS,
    needs=STARTUP,
    source="house; CWE-532: sensitive information in a log file",
    breakers=("runs-banner-unmasked", "runs-banner-half-masked", "runs-banner-ends-shown"),
)
def banner_masked(banner: list[str], recording: Recording) -> Findings:
    """The start-up banner lists the settings: secrets masked, and those that are not set as `(not set - optional)`.

    It is the first thing that anybody looks at, and the first that is pasted into a ticket.
    """
    for line in banner:
        found = SECRET.search(line)
        if found:
            yield Violation(f"The banner held a secret: {found[0]}.", HERE)
    settings: Mapping[str, Json] = recording.header.asked.get("settings") or {}
    for name in runs.BANNER_SETTINGS:
        said = next((line for line in banner if name in line), "")
        if not said:
            yield Violation(f"The banner does not list {name}.", HERE)
        elif settings.get(name, "set") is None and name not in runs.DEFAULTS and runs.NOT_SET not in said:
            yield Violation(f"{name} is not set, the banner says {said!r}.", HERE)
        elif name in runs.SECRET_SETTINGS and runs.NOT_SET not in said and not SECRET.search(said):
            shown = said.partition(name)[2].strip(" \t:='\"")
            if not MASKED.fullmatch(shown):
                yield Violation(f"The banner does not show {name} as a short prefix and asterisks: {said!r}.", HERE)


def _starts(recording: Recording) -> Iterator[tuple[Mark, Probe | None]]:
    """Each start with a ``.env`` file, and what came of it."""
    probes = [probe for probe in recording.probes if probe.name == "startup"]
    for mark in recording.marks:
        if mark.name == "env-file":
            yield mark, next((probe for probe in probes if probe.at_ns >= mark.at_ns), None)


@contract(
    "config.run-together-refused",
    select=_starts,
    systems=RUNS,
    needs=[*STARTUP, Capability.VARIANTS],
    source="house: GROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000 was one line, and was believed",
    breakers=(
        "runs-env-run-together-accepted",
        "runs-env-one-pair-known",
        "runs-env-quotes-trusted",
        "runs-env-comments-read",
    ),
)
def run_together_refused(subject: tuple[Mark, Probe | None], _recording: Recording) -> Findings:
    """Two settings that have run together on one line of `.env` stop the start, by file, line and both names.

    Believed, the first has a value that nobody wrote, the second none, and both are found out in production. Whichever
    two they are, however they are written; a line that only looks like two is one, and is read.
    """
    mark, probe = subject
    if probe is None:
        yield Doubt("What came of the start is not in the recording.")
        return
    started, error, names = bool(probe.data.get("started")), str(probe.data.get("error") or ""), mark.data["names"]
    if names is None:
        if not started:
            yield Violation(f"A good {FILE_NAME} file was refused: {error!r}.", HERE)
    elif started:
        yield Violation(f"It started, though line {names['line']} of {FILE_NAME} holds two settings.", HERE)
    else:
        wanted = [FILE_NAME, *names["keys"]]
        lacking = [word for word in wanted if word not in error]
        lacking += [] if re.search(rf"\b{names['line']}\b", error) else [f"line {names['line']}"]
        if lacking:
            yield Violation(f"The refusal does not name {', '.join(lacking)}: {error!r}.", HERE)
