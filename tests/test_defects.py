"""The kill matrix: with no defect nothing fails; with each defect the contracts that name it fail, and no others."""

import pytest

from harness import contracts
from harness.backend.defects import DEFECTS
from harness.core.fault import FAULTS
from harness.core.verdict import Subject, Verdict
from harness.providers.mutate import MUTATIONS
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts
from harness.targets.profiles import find_profile

REFERENCE = find_profile("reference")
TARGET_CONTRACTS = select_contracts((), subject=Subject.TARGET)
BREAKS = {defect: {one.id for one in TARGET_CONTRACTS if defect in one.breakers} for defect in DEFECTS}
BROKEN = (Verdict.FAIL, Verdict.WARN)
PROVIDERS = {}
"""Defects that one provider alone can show; the others are shown by the first."""


async def broken(tmp_path, defect):
    """The contracts that were broken, and the verdicts that are no verdict, over all cases of one provider."""
    planned = plan(REFERENCE, Wanted(providers=(PROVIDERS.get(defect, "openai"),)))
    options = Options(keep=lambda case: tmp_path / f"{case}.yaml", defect=defect)
    result = await run(REFERENCE, planned, TARGET_CONTRACTS, options)
    assert len(result.results) == len(planned)
    void = {one.note for one in result.judgements if one.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE)}
    return {one.contract for one in result.judgements if one.verdict in BROKEN}, void


async def test_with_no_defect_nothing_fails(tmp_path):
    assert await broken(tmp_path, None) == (set(), set())


@pytest.mark.parametrize("defect", DEFECTS)
async def test_a_defect_breaks_exactly_the_contracts_that_name_it(tmp_path, defect):
    found, void = await broken(tmp_path, defect)
    assert found == BREAKS[defect]
    assert not {note for note in void if "void" in note}


def test_every_contract_names_what_exists_and_every_defect_is_named():
    named = {name for one in contracts.load().values() for name in one.breakers}
    assert {name for one in TARGET_CONTRACTS for name in one.breakers} <= set(DEFECTS)
    assert named <= set(DEFECTS) | set(FAULTS) | set(MUTATIONS)
    assert set(DEFECTS) <= named
