"""What the log promises to whoever has to find out what happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.core.errors import DecodeError
from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer, Violation
from harness.framing.json import loads

from .calls import ChatCall, chat_calls, failures
from .registry import Findings, contract
from .scope import COMPLETIONS, EVERY

LOG = (Capability.LOG,)
HERE = (Pointer(probe="log"),)
SECRET = re.compile(r"\[REDACTED:[a-z0-9:-]+\]")
CREDENTIALS_IN_URL = re.compile(r"://[^/@\s\"]+@")
FIELDS = ("model", "provider", "userId", "baseURL", "chunkCount", "completionLength", "estimatedTokens", "estimated")
PHASES = frozenset({"lookup", "provider", "cost", "settle", "usage"})


def log_lines(recording: Recording) -> Iterator[list[str]]:
    """The log's lines, where they were probed."""
    probe = recording.probe("log")
    if probe is not None:
        yield [str(line) for line in probe.data.get("lines", ())]


def parsed(lines: list[str]) -> list[dict[str, Any]]:
    """The lines that are JSON objects."""
    found = []
    for line in lines:
        try:
            row = loads(line)
        except DecodeError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


@dataclass(frozen=True)
class Logged:
    """The only call of a user that reached a provider, with the log's lines about models."""

    call: ChatCall
    rows: tuple[dict[str, Any], ...]


def _logged(recording: Recording) -> Iterator[Logged]:
    calls = chat_calls(recording)
    for lines in log_lines(recording):
        if len(calls) == 1 and calls[0].upstream is not None:
            yield Logged(calls[0], tuple(row for row in parsed(lines) if "model" in row))


def _logged_failures(recording: Recording) -> list[Logged]:
    return [logged for logged in _logged(recording) if not logged.call.left and failures(logged.call, recording)]


@contract(
    "log.json-lines",
    select=log_lines,
    systems=EVERY,
    needs=LOG,
    source="house: JSON lines",
    breakers=("log-plain-text",),
)
def json_lines(lines: list[str], _recording: Recording) -> Findings:
    """Every line of the log is one JSON object: what a machine cannot read is not searched when it matters."""
    for number, line in enumerate(lines):
        if len(parsed([line])) != 1:
            yield Violation(f"Line {number} of the log is no JSON object: {line[:60]!r}.", HERE)
            return


@contract(
    "log.call-logged",
    select=_logged,
    systems=COMPLETIONS,
    needs=LOG,
    source="house: one line for each call",
    breakers=("log-missing-call",),
)
def call_logged(logged: Logged, _recording: Recording) -> Findings:
    """A call that reached a provider is in the log, once, with model, provider, user, address, counts and estimate.

    These are the questions that every incident begins with.
    """
    if len(logged.rows) != 1:
        yield logged.call.violation(f"The call has {len(logged.rows)} lines in the log.", *HERE)
        return
    lacking = [field for field in FIELDS if field not in logged.rows[0]]
    if lacking:
        yield logged.call.violation(f"The call's line lacks {', '.join(lacking)}.", *HERE)


@contract(
    "log.failure-has-its-phase",
    select=_logged_failures,
    systems=COMPLETIONS,
    needs=(*LOG, Capability.PROVIDER),
    source="house: lookup, provider, cost, settle or usage",
    breakers=("log-without-phase",),
)
def failure_has_its_phase(logged: Logged, _recording: Recording) -> Findings:
    """A failed call's line has the error, its stack, and the phase that it failed in."""
    for row in logged.rows:
        lacking = [field for field in ("error", "stack") if not row.get(field)]
        if row.get("phase") not in PHASES:
            lacking.append("phase")
        if lacking:
            yield logged.call.violation(f"The failed call's line lacks {', '.join(lacking)}.", *HERE)


@contract(
    "log.counts-true",
    select=_logged,
    systems=COMPLETIONS,
    needs=(*LOG, Capability.PROVIDER),
    source="house: completionLength is what was passed on",
    breakers=("log-counts-wrong",),
)
def counts_true(logged: Logged, recording: Recording) -> Findings:
    """The log's `completionLength` is the number of characters that the client was given."""
    call = logged.call
    if call.left or not (call.succeeded or failures(call, recording)):
        return
    for row in logged.rows:
        if row.get("completionLength") != len(call.text):
            yield call.violation(
                f"The log says {row.get('completionLength')} characters, the client read {len(call.text)}.", *HERE
            )


@contract(
    "log.no-secret",
    select=log_lines,
    systems=EVERY,
    needs=LOG,
    source="house; CWE-532: sensitive information in a log file",
    breakers=("key-in-log", "runs-key-in-log"),
)
def no_secret(lines: list[str], _recording: Recording) -> Findings:
    """No line of the log holds a key or a token.

    Logs are read by more people, kept for longer and copied to more places than any key should be. Redaction put a
    marker where a secret was.
    """
    for number, line in enumerate(lines):
        found = SECRET.search(line)
        if found:
            yield Violation(f"Line {number} of the log held a secret: {found[0]}.", HERE)


@contract(
    "log.no-credentials-in-address",
    select=log_lines,
    systems=EVERY,
    needs=LOG,
    source="house; RFC 3986, 3.2.1: credentials in a URI are a risk",
    breakers=("base-url-credentials-in-log",),
)
def no_credentials_in_address(lines: list[str], _recording: Recording) -> Findings:
    """An address in the log has no user and password in it."""
    for number, line in enumerate(lines):
        if CREDENTIALS_IN_URL.search(line):
            yield Violation(f"Line {number} of the log has credentials in an address.", HERE)
