"""The pytest plugin: cassettes are test files, one item for each contract that has something to judge in them.

The only module that imports pytest. A cassette's item has the node id ``<file>::<contract id>``, which can be pasted
back. A recording of a defect (its header names one) has a single item, ``<file>::declared-violations``: judging must
find exactly the contracts that the recording declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cassettes import file
from harness.contracts.registry import Contract, judge
from harness.core.recording import Recording
from harness.core.verdict import Judgement, Verdict
from harness.report.words import told
from harness.suite.select import select_contracts

DECLARED = "declared-violations"
FAMILY_MARKER = "contract_family(name): the family of the contract that the item judges"
LEVEL_MARKER = "contract_level(name): MUST or SHOULD"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("contracts", "contract tests of LLM backends")
    group.addoption(
        "--contract", action="append", default=[], metavar="ID", help="only these contracts (id, family or glob)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", FAMILY_MARKER)
    config.addinivalue_line("markers", LEVEL_MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Cassettes of ours are test files; other YAML files are left alone."""
    if file_path.suffix in (".yaml", ".yml") and file.is_ours(file_path):
        return CassetteFile.from_parent(parent, path=file_path)
    return None


class CassetteFile(pytest.File):
    """A cassette, judged again by every contract that has a subject in it."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a contract; for the recording of a defect one item in all."""
        recording = file.load(self.path)
        contracts = select_contracts(self.config.getoption("--contract"))
        if recording.header.defect is not None:
            yield DeclaredItem.from_parent(self, name=DECLARED, recording=recording)
            return
        for contract in contracts:
            judgement = judge(contract, recording)
            if judgement.verdict is not Verdict.NOT_APPLICABLE:
                yield ContractItem.from_parent(self, name=contract.id, contract=contract, recording=recording)


class ContractItem(pytest.Item):
    """One contract judging one recording."""

    def __init__(self, *, contract: Contract, recording: Recording, **known: object) -> None:
        super().__init__(**known)  # type: ignore[arg-type]  # pytest hands its own arguments on
        self.contract = contract
        self.recording = recording
        self.add_marker(pytest.mark.contract_family(contract.family))
        self.add_marker(pytest.mark.contract_level(contract.level.value))

    def runtest(self) -> None:
        """Judge, and fail with the evidence where the promise is broken or nothing could be decided."""
        judgement = judge(self.contract, self.recording)
        if judgement.verdict is Verdict.UNSUPPORTED:
            pytest.skip(f"unsupported: {judgement.note}")
        if judgement.verdict is not Verdict.PASS:
            raise BrokenPromise(judgement)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The promise, the sentences and the evidence instead of a traceback of the judge."""
        if isinstance(excinfo.value, BrokenPromise):
            return told(self.contract, excinfo.value.judgement, self.path)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says the item is."""
        return self.path, None, f"{self.path.stem} {self.name}"


class DeclaredItem(pytest.Item):
    """The recording of a defect: exactly the violations that it declares are found."""

    def __init__(self, *, recording: Recording, **known: object) -> None:
        super().__init__(**known)  # type: ignore[arg-type]  # pytest hands its own arguments on
        self.recording = recording

    def runtest(self) -> None:
        """Judge with every contract and compare."""
        declared = set(self.recording.header.asked.get("violations", ()))
        found = {
            one.id
            for one in select_contracts(())
            if judge(one, self.recording).verdict in (Verdict.FAIL, Verdict.WARN, Verdict.ERROR)
        }
        if found != declared or not declared:
            raise OtherViolations(declared, found)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Both sets instead of a traceback."""
        if isinstance(excinfo.value, OtherViolations):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says the item is."""
        return self.path, None, f"{self.path.stem} {self.name}"


class BrokenPromise(Exception):
    """A contract that did not hold; carries the judgement."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        super().__init__(f"{judgement.contract}: {judgement.verdict.value}")


class OtherViolations(Exception):
    """Judging the recording of a defect found other violations than it declares."""

    def __init__(self, declared: set[str], found: set[str]) -> None:
        super().__init__(
            f"declared and not found: {', '.join(sorted(declared - found)) or 'none'}; "
            f"found and not declared: {', '.join(sorted(found - declared)) or 'none'}"
        )
