"""All five systems on PostgreSQL: what is promised is kept there as on SQLite, and what is broken is seen."""

import asyncio

import msgspec
import pytest

from harness.cassettes import file
from harness.contracts.subjects import sent
from harness.core.names import Provider
from harness.core.recording import NO_FAULT
from harness.core.verdict import Subject, Verdict
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts, variant
from harness.targets.embedded import warm
from harness.targets.profiles import find_profile

REFERENCE = find_profile("reference")
warm(Provider)
JOBS = 8
"""Cases at once on each database: both together are no heavier than a run."""
CONTRACTS = select_contracts((), subject=Subject.TARGET)
BROKEN = {
    "chat-checked-then-spent": ("chat", "balance-race", NO_FAULT),
    "racy-hold": ("gateway", "*-race", NO_FAULT),
    "runs-no-refund": ("runs", "*", "http-500"),
    "runs-refund-twice": ("runs", "*", "http-500"),
    "workflow-refund-short": ("workflow", "*", "http-500"),
}
"""Defect -> the system, scenarios and fault that show it."""


def once(planned):
    """Of the cases that differ only in the provider, the first: the records are the same behind each."""
    first = {(one.case.system, one.case.scenario, one.case.fault): one for one in reversed(planned)}
    return [one for one in planned if one in first.values()]


async def judged(folder, planned, address, defect=None):
    """Case and contract -> verdict, on the database of this address; empty: SQLite."""
    profile = msgspec.structs.replace(REFERENCE, settings={**REFERENCE.settings, "DATABASE_URL": address})
    options = Options(keep=lambda case: folder / f"{case}.yaml", defect=defect, jobs=JOBS)
    result = await run(profile, planned, CONTRACTS, options)
    assert not {one.note for one in result.judgements if one.verdict is Verdict.ERROR}
    return {(done.case, one.contract): one.verdict for done in result.results for one in done.judgements}


async def test_every_healthy_scenario_comes_out_as_on_sqlite(postgres, tmp_path):
    """Those of one instance: an instance with other settings has the same records."""
    planned = [one for one in once(plan(REFERENCE, Wanted(faults=(NO_FAULT,)))) if not variant(one)]
    address = postgres.database()
    verdicts, on_sqlite = await asyncio.gather(
        judged(tmp_path / "postgresql", planned, address), judged(tmp_path / "sqlite", planned, "")
    )
    assert set(verdicts.values()) == {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert {case.system for case, _ in verdicts} == set(REFERENCE.systems)
    refused = [what for what in postgres.complaints(address) if "duplicate key" not in what]
    assert refused == []
    assert verdicts.keys() == on_sqlite.keys()
    assert {key: (found, on_sqlite[key]) for key, found in verdicts.items() if found is not on_sqlite[key]} == {}


@pytest.mark.parametrize("defect", BROKEN)
async def test_a_defect_breaks_its_contracts_there_too(postgres, tmp_path, defect):
    system, scenarios, fault = BROKEN[defect]
    planned = once(plan(REFERENCE, Wanted(systems=(system,), scenarios=(scenarios,), faults=(fault,))))
    verdicts = await judged(tmp_path, planned, postgres.database(), defect)
    broken = {contract for (_, contract), verdict in verdicts.items() if verdict is Verdict.FAIL}
    assert broken
    assert broken <= {one.id for one in CONTRACTS if defect in one.breakers}


async def test_an_id_that_is_none_is_refused_by_the_column_and_the_client_reads_500(postgres, tmp_path):
    """Whatever is no UUID never gets past the column's type: the driver says so, or the server (22P02)."""
    (junk,) = once(plan(REFERENCE, Wanted(systems=("agent",), scenarios=("session-junk-ids",))))
    verdicts = await judged(tmp_path, [junk], postgres.database(), "agent-junk-id-reaches-store")
    assert verdicts[junk.case, "ids.junk-session-refused"] is Verdict.FAIL
    recording = file.load(tmp_path / f"{junk.case}.yaml")
    answers = {one.kind: one.exchange.status for one in sent(recording, "junk-id")}
    assert {kind for kind, status in answers.items() if status != 500} == {"00000000000040008000000000000000"}
    told = [line for line in recording.probe("log").data["lines"] if "asyncpg" in line]
    assert told
    assert all("invalid UUID" in line for line in told)
