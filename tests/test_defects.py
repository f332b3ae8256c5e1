"""The kill matrix: with no defect nothing fails; with each defect the contracts that name it fail, and no others."""

import asyncio
import json
import os
from pathlib import Path
from zlib import crc32

import pytest

from harness import contracts, scenarios
from harness.backend.defects import DEFECTS
from harness.cassettes import file
from harness.contracts.calls import ChatCall
from harness.contracts.chat_calls import StreamCall
from harness.contracts.subjects import calls
from harness.core.fault import FAULTS
from harness.core.names import Answer, Provider, System
from harness.core.recording import NO_FAULT
from harness.core.verdict import Subject, Verdict
from harness.providers.mutate import MUTATIONS
from harness.providers.mutate_anthropic import MUTATIONS as ANTHROPIC_MUTATIONS
from harness.providers.mutate_bedrock import MUTATIONS as BEDROCK_MUTATIONS
from harness.providers.mutate_chatkit import MUTATIONS as CHATKIT_MUTATIONS
from harness.providers.mutate_gemini import MUTATIONS as GEMINI_MUTATIONS
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts, variant
from harness.systems.chat import ERROR
from harness.systems.outcomes import row
from harness.targets.embedded import warm
from harness.targets.profiles import find_profile

REFERENCE = find_profile("reference")
warm(Provider)
TARGET_CONTRACTS = select_contracts((), subject=Subject.TARGET)
BREAKS = {defect: {one.id for one in TARGET_CONTRACTS if defect in one.breakers} for defect in DEFECTS}
BROKEN = (Verdict.FAIL, Verdict.WARN)
ALIKE = {
    *("http-403", "http-408", "http-413", "http-502", "http-503", "http-504", "http-529"),
    *("model-not-ready", "quota-exceeded", "no-finish"),
    *("crlf", "comments", "coalesced", "one-byte-segments", "split-utf8", "duplicate-done", "after-done"),
    *("slow-first-token", "host-not-found", "reset-plain", "bad-prelude-crc", "half-frame"),
}
"""Faults that strike as another one does: with no defect they are all exercised, with one their like is enough."""
LONG = {"slow-reader"}
"""Scenarios of megabytes, whose subjects the short ones have as well."""
TWINS = {"chat-stream-bare", *(one.id for one in scenarios.load().values() if one.family)}
"""Scenarios whose faults strike as they do in another one: with a defect they meet the healthy provider only."""
ONE_OF_A_KIND = {
    (System.GATEWAY, "chat-plain"): Answer.PLAIN,
    (System.GATEWAY, "chat-stream"): Answer.STREAM,
    (System.AGENT, "chat-plain"): Answer.PLAIN,
    (System.AGENT, "chat-stream"): Answer.STREAM,
    (System.RUNS, "run"): Answer.PLAIN,
    (System.CHAT, "stream"): Answer.STREAM,
    **{(one.system, one.id): one.answer for one in scenarios.load().values() if one.family},
    (System.WORKFLOW, "plan"): Answer.PLAIN,
}
"""Scenarios of one call, which faults strike, and the kind of answer."""


SHARED_FIRST = System.GATEWAY
"""A part that all systems share is exercised in this one first, which has both kinds of answers, and in one other."""
OTHERS = [system for system in REFERENCE.systems if system is not SHARED_FIRST]
SAMPLED = 5
"""Of the cases that a defect may not need it meets so many, of several systems as many of each: always the same, by the
checksum of both names."""
KILLS = json.loads(Path(__file__).with_name("kills.json").read_text(encoding="utf-8"))
"""Defect -> cases in which it is known to break all that it must. Kept by ``benchmarks/kills.py``."""
PROOFS = json.loads(Path(__file__).with_name("proofs.json").read_text(encoding="utf-8"))
"""Contract of several systems -> system -> the defect by which it is seen to fail there. Kept likewise."""
WHOLE = os.environ.get("KILL_MATRIX") == "whole"
"""Whether nothing is left out: every defect meets every case of every system that it touches."""
AT_ONCE = 3
"""Defects that are exercised beside each other: one waits for a time limit while another has something to do."""
JOBS = 6
"""Cases at once of each of them, so that together they are no heavier than a run."""


def systems(defect):
    """The systems whose parts a defect touches; all where it touches what they share, unless it says which."""
    wrong = DEFECTS[defect]
    shared = wrong.touches or tuple(REFERENCE.systems) if wrong.shared else ()
    return tuple(one for one in REFERENCE.systems if one in shared or getattr(wrong, one.value, None))


def near(defect):
    """Of the systems that a defect touches those in which it shows first: of many like each other, two."""
    touched = systems(defect)
    if set(touched) != set(REFERENCE.systems):
        return touched
    other = OTHERS[crc32(defect.encode()) % len(OTHERS)]
    return tuple(one for one in touched if one in (SHARED_FIRST, other) or defect.startswith(f"{one}-"))


def cases(systems=tuple(REFERENCE.systems)):
    """All cases of these systems, each with its first provider, or with those that its scenario is only for."""
    first = {system: REFERENCE.systems[system].providers[0] for system in systems}
    planned = plan(REFERENCE, Wanted(systems=tuple(system.value for system in systems)))
    return [one for one in planned if one.case.provider == first_of(one.scenario, first[one.case.system])]


def first_of(scenario, provider):
    """The first provider that a scenario is for, by the first of its system."""
    return provider if scenario.only is None or provider in scenario.only else min(scenario.only)


def batches():
    """The defects in batches, those that touch most systems in different ones."""
    ordered = sorted(DEFECTS, key=lambda defect: (-len(near(defect)), defect))
    number = -(-len(ordered) // AT_ONCE)
    return [ordered[first::number] for first in range(number)]


async def exercised(tmp_path, planned, **how):
    """What came of these cases."""
    options = Options(keep=lambda case: tmp_path / f"{case}.yaml", **how)
    result = await run(REFERENCE, planned, TARGET_CONTRACTS, options)
    assert len(result.results) == len(planned)
    return result


async def test_with_no_defect_nothing_fails_and_every_contract_has_subjects_in_each_system_that_it_is_of(tmp_path):
    result = await exercised(tmp_path, cases())
    assert {one.verdict for one in result.judgements} == {Verdict.PASS, Verdict.NOT_APPLICABLE}
    judged = {
        (done.case.system, one.contract)
        for done in result.results
        for one in done.judgements
        if one.verdict is Verdict.PASS
    }
    assert judged == {(system, one.id) for one in TARGET_CONTRACTS for system in one.systems}
    assert_as_told(
        [done.cassette for done in result.results if (done.case.system, done.case.scenario) in ONE_OF_A_KIND]
    )


def assert_as_told(cassettes):
    """What the clients read is what the table of faults says."""
    assert cassettes
    for path in cassettes:
        recording = file.load(path)
        (call,) = calls(recording)
        header = recording.header
        system = System(header.system)
        wanted = row(system, ONE_OF_A_KIND[system, header.scenario], header.fault)
        if isinstance(call, StreamCall):
            events = [event for event in call.terminals if event.name == ERROR]
            codes = [call.code]
        else:
            events = call.stream.errors if isinstance(call, ChatCall) and call.stream else ()
            codes = [event.data["error"]["code"] for event in events] or [call.code]
        assert (call.client.status, bool(events)) == (wanted.status, wanted.begun), path
        assert codes == [wanted.outcome and wanted.outcome.code], path


@pytest.mark.parametrize("batch", batches(), ids="+".join)
async def test_a_defect_breaks_exactly_the_contracts_that_name_it(tmp_path, batch):
    async with asyncio.TaskGroup() as group:
        tasks = {defect: group.create_task(broken_by(tmp_path / defect, defect)) for defect in batch}
    told = {defect: task.result() for defect, task in tasks.items()}
    missing = "Where a contract is missing that tests/kills.json knows no case for: python benchmarks/kills.py DEFECT"
    assert {defect: {contract for contract, _ in told[defect]} for defect in batch} == {
        defect: BREAKS[defect] for defect in batch
    }, missing
    owed = {(one, system): defect for one, proof in PROOFS.items() for system, defect in proof.items()}
    assert [pair for pair, defect in owed.items() if defect in batch and pair not in told[defect]] == [], missing


def steps(defect):
    """The cases in which to look for what a defect breaks, step by step.

    First those in which it is known to show and a sample of all others, which is what it meets here; then, where
    ``benchmarks/kills.py`` looks for it, the healthy rest, then the faults, then the other systems.
    """
    every = cases(systems(defect))
    if WHOLE:
        return [every]
    every = [one for one in every if one.case.fault not in ALIKE and one.case.scenario not in LONG]
    every = [one for one in every if one.case.scenario not in TWINS or one.case.fault == NO_FAULT]
    here = [one for one in every if one.case.system in near(defect)]
    known = KILLS.get(defect, ())
    first = [one for one in every if str(one.case) in known]
    first += [one for system in near(defect) for one in sample(defect, here, system) if one not in first]
    healthy = [one for one in here if one.case.fault == NO_FAULT and one not in first]
    rest = [one for one in here if one not in first and one not in healthy]
    return [first, healthy, rest, [one for one in every if one not in here and one not in first]]


def sample(defect, planned, system):
    """Cases of a system that a defect meets though it may not need them: none that wants an instance of its own."""
    many = -(-SAMPLED // len(near(defect)))
    spare = [one for one in planned if one.case.system == system and not variant(one)]
    return sorted(spare, key=lambda one: crc32(f"{defect} {one.case}".encode()))[:many]


async def broken_by(tmp_path, defect):
    """The contracts that fail with a defect, each with the system that it fails in."""
    result = await exercised(tmp_path, steps(defect)[0], defect=defect, jobs=JOBS)
    assert not {one.note for one in result.judgements if one.verdict is Verdict.ERROR}, defect
    return {
        (one.contract, done.case.system) for done in result.results for one in done.judgements if one.verdict in BROKEN
    }


def test_every_contract_names_what_exists_and_every_defect_is_named():
    named = {name for one in contracts.load().values() for name in one.breakers}
    assert {name for one in TARGET_CONTRACTS for name in one.breakers} <= set(DEFECTS)
    mutations = {*MUTATIONS, *ANTHROPIC_MUTATIONS, *BEDROCK_MUTATIONS, *CHATKIT_MUTATIONS, *GEMINI_MUTATIONS}
    assert named <= set(DEFECTS) | set(FAULTS) | mutations
    assert set(DEFECTS) <= named


def test_what_is_known_of_a_defect_is_of_one_and_of_a_case_that_there_is():
    there = {str(one.case) for one in cases()}
    assert set(KILLS) <= set(DEFECTS)
    assert {name for names in KILLS.values() for name in names} <= there


def test_every_contract_is_seen_to_fail_in_each_system_that_it_is_of():
    """What a defect breaks in one system says nothing of another, where the same promise is judged on other traffic."""
    several = [one for one in TARGET_CONTRACTS if len(one.systems) > 1]
    proven = {one: set(proof) for one, proof in PROOFS.items()}
    missing = "Give the contract a defect there, then: python benchmarks/kills.py DEFECT"
    assert proven == {one.id: set(one.systems) for one in several}, missing
    for one in several:
        for system, defect in PROOFS[one.id].items():
            assert defect in one.breakers, (one.id, system)
            assert system in systems(defect), (one.id, system)


def test_every_defect_touches_a_system():
    assert all(systems(defect) for defect in DEFECTS)


def test_faults_that_are_left_out_have_their_like_among_those_that_are_not():
    for (system, _), answer in ONE_OF_A_KIND.items():
        told = {
            row(system, answer, one).outcome for one in FAULTS if one not in ALIKE and answer in FAULTS[one].applies
        }
        assert {row(system, answer, one).outcome for one in ALIKE if answer in FAULTS[one].applies} <= told
