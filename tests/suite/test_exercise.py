"""What an execution makes of itself: a harness that stood still blames nobody."""

import pytest

from harness.core.names import Provider
from harness.core.recording import NO_FAULT
from harness.core.verdict import Subject, Verdict
from harness.suite import exercise
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts
from harness.targets.embedded import warm
from harness.targets.profiles import find_profile

REFERENCE = find_profile("reference")
warm(Provider)


@pytest.mark.parametrize("limit_ms", [0.0, 1e9])
async def test_what_was_seen_while_the_harness_stood_still_is_void(tmp_path, monkeypatch, limit_ms):
    monkeypatch.setattr(exercise, "STOOD_STILL_MS", limit_ms)
    planned = plan(REFERENCE, Wanted(systems=("runs",), scenarios=("models",), faults=(NO_FAULT,)))
    contracts = select_contracts((), subject=Subject.TARGET)
    result = await run(REFERENCE, planned, contracts, Options(keep=lambda case: tmp_path / f"{case}.yaml"))
    notes = {one.note for one in result.judgements if one.verdict is Verdict.ERROR}
    told = Verdict.ERROR if limit_ms == 0.0 else Verdict.PASS
    assert result.verdicts == {told, Verdict.NOT_APPLICABLE}
    assert all("the harness itself stood still for 0." in note for note in notes)
