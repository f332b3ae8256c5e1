"""The pytest plugin: the only module that imports pytest.

Cassettes are test files: an item for each contract that has something to judge in one, with the node id
``<file>::<contract>``. A recording that declares what a defect breaks has one item, ``<file>::declared-violations``:
judging must find exactly those contracts. ``pytest --pyargs harness.cases`` collects the cases of a target instead,
with the node ids ``harness.cases::<case>::<contract>``. Every node id can be pasted back.

What needs more than pytest is imported when it is used: the plugin is loaded in every test run of whoever installed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from harness.leaks import hooks

if TYPE_CHECKING:
    from harness.contracts.registry import Contract
    from harness.core.profile import Profile
    from harness.core.recording import Recording
    from harness.core.verdict import Judgement
    from harness.suite.live import LiveSession
    from harness.suite.select import Planned

DECLARED = "declared-violations"
CASES = Path(__file__).with_name("cases.py")
CASES_NODE = "harness.cases"
REPLAY, LIVE, RECORD = "replay", "live", "record"
QUIET = {"not-applicable": "n", "unsupported": "u"}
"""Verdicts that are neither pass nor fail, and how a line of dots shows them."""

OPTIONS = {
    "contract_target": ("NAME|FILE", "reference", "the target: a shipped one, or a profile"),
    "contract_mode": ("MODE", REPLAY, "replay cassettes (the default), live, or record: live, and keep the cassettes"),
    "contract_cassettes": ("FOLDER", "cassettes", "where cassettes are replayed from and recorded to"),
}
LISTS = {
    "contract": ("ID", "only these contracts (id, family or glob)"),
    "system": ("NAME", "only these systems"),
    "scenario": ("ID", "only these scenarios (id or glob)"),
    "provider": ("NAME", "only these providers"),
    "fault": ("ID", "only these faults (id, group or glob)"),
}
SESSION = pytest.StashKey["LiveSession"]()
FAMILIES = pytest.StashKey[frozenset[str]]()
VERDICT = "contract_verdict"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite; each is an ini option of the same name too."""
    group = parser.getgroup("contracts", "contract tests of LLM backends")
    for name, (metavar, default, words) in OPTIONS.items():
        choices = {"choices": (REPLAY, LIVE, RECORD)} if name == "contract_mode" else {}
        group.addoption(f"--{name.replace('_', '-')}", default=None, metavar=metavar, help=words, **choices)
        parser.addini(name, words, default=default)
    for name, (metavar, words) in LISTS.items():
        group.addoption(f"--{name}", action="append", default=[], metavar=metavar, help=words)
        parser.addini(name, words, type="args", default=[])
    parser.addini(hooks.MARK, "check each test for what it leaves open", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers: one for each family and level."""
    for level in ("must", "should"):
        config.addinivalue_line("markers", f"contract_{level}: an item that judges a {level.upper()}")
    config.addinivalue_line("markers", hooks.WORDS)
    for name in hooks.WRAPPERS:
        pytest.hookimpl(wrapper=True, tryfirst=True)(getattr(hooks.LeakHooks, name))
    config.pluginmanager.register(hooks.LeakHooks(pytest, runtestprotocol), "llm_contract_harness_leaks")
    ours = any(word.startswith(CASES_NODE) for word in config.args)
    if ours and getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadscope"  # the contracts of one case belong together: it is exercised once


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exercise only the cases of which something is left to be judged: a pasted node id costs one of them."""
    live = session.config.stash.get(SESSION, None)
    if live is not None:
        nodes = [item.parent for item in session.items]
        live.choose([node.planned for node in nodes if isinstance(node, CaseNode)])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started for live cases."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Cassettes of ours are test files; other YAML files are left alone."""
    if file_path == CASES:
        return CasesModule.from_parent(parent, path=file_path, nodeid=CASES_NODE)
    if file_path.suffix in (".yaml", ".yml"):
        from harness.cassettes.file import is_ours

        if is_ours(file_path):
            return CassetteFile.from_parent(parent, path=file_path)
    return None


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, str] | None:
    """What is not applicable or unsupported is counted by itself, neither passed nor skipped."""
    if not isinstance(report, pytest.TestReport):
        return None
    verdict = dict(report.user_properties).get(VERDICT)
    if report.skipped and report.when == "call" and verdict in QUIET:
        return str(verdict), QUIET[str(verdict)], str(verdict).upper()
    return None


def option(config: pytest.Config, name: str) -> str:
    """An option's value: the command line's, else the ini file's."""
    return str(config.getoption(name) or config.getini(name))


def options(config: pytest.Config, name: str) -> tuple[str, ...]:
    """A list option's values: the command line's, else the ini file's."""
    return tuple(config.getoption(name) or config.getini(name))


def selected(config: pytest.Config) -> tuple[Contract, ...]:
    """The contracts that were asked for.

    Raises:
        pytest.UsageError: nothing is called so.
    """
    from harness.core.errors import UsageError
    from harness.suite.select import select_contracts

    try:
        found = select_contracts(options(config, "contract"))
    except UsageError as wrong:
        raise pytest.UsageError(str(wrong)) from wrong
    known = config.stash.get(FAMILIES, frozenset())
    config.stash[FAMILIES] = known | {one.family for one in found}
    for family in config.stash[FAMILIES] - known:
        config.addinivalue_line("markers", f"contract_{family}: an item that judges a contract of the family {family}")
    return found


class CassetteFile(pytest.File):
    """A cassette, judged again by every contract that has a subject in it."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a contract; for a recording that declares what a defect breaks one item in all."""
        from harness.cassettes.file import load
        from harness.contracts.registry import judge
        from harness.core.verdict import Verdict

        recording, contracts = load(self.path), selected(self.config)
        if not self._asked_for(recording):
            return
        if recording.header.defect is not None and "violations" in recording.header.asked:
            yield DeclaredItem.from_parent(self, name=DECLARED, recording=recording)
            return
        for contract in contracts:
            if judge(contract, recording).verdict is not Verdict.NOT_APPLICABLE:
                yield ReplayedItem.from_parent(self, name=contract.id, contract=contract, recording=recording)

    def _asked_for(self, recording: Recording) -> bool:
        header = recording.header
        is_what = {
            "system": header.system,
            "scenario": header.scenario,
            "provider": header.provider,
            "fault": header.fault,
        }
        return all(
            not patterns or any(fnmatchcase(value or "", pattern) for pattern in patterns)
            for patterns, value in ((options(self.config, name), value) for name, value in is_what.items())
        )


class CasesModule(pytest.File):
    """The cases of a target, or all cassettes of a folder."""

    def collect(self) -> Iterator[pytest.Collector]:
        """A collector for each case; in replay mode one for each cassette.

        Raises:
            pytest.UsageError: the selection, the target or the folder cannot be used.
        """
        from harness.core.errors import HarnessError

        try:
            if option(self.config, "contract_mode") == REPLAY:
                yield from self._cassettes()
            else:
                yield from self._cases()
        except HarnessError as wrong:
            raise pytest.UsageError(str(wrong)) from wrong

    def _cassettes(self) -> Iterator[pytest.Collector]:
        from harness.suite.replay import find_cassettes

        folder = self.config.rootpath / option(self.config, "contract_cassettes")
        for path in find_cassettes([folder]):
            yield CassetteFile.from_parent(self, path=path)

    def _cases(self) -> Iterator[pytest.Collector]:
        from harness.suite.select import Wanted, plan
        from harness.targets.profiles import find_profile

        profile = find_profile(option(self.config, "contract_target"))
        wanted = Wanted(
            systems=options(self.config, "system"),
            scenarios=options(self.config, "scenario"),
            providers=options(self.config, "provider"),
            faults=options(self.config, "fault"),
        )
        planned, contracts = plan(profile, wanted), selected(self.config)
        live = self._live(profile, planned, contracts)
        for one in planned:
            yield CaseNode.from_parent(self, name=str(one.case), planned=one, profile=profile, live=live)

    def _live(self, profile: Profile, planned: tuple[Planned, ...], contracts: tuple[Contract, ...]) -> LiveSession:
        from harness.results.store import RunFolder, new_run_id
        from harness.suite.live import LiveSession, Work
        from harness.suite.run import Options

        root = self.config.rootpath
        if option(self.config, "contract_mode") == RECORD:
            folder = root / option(self.config, "contract_cassettes")
            how = Options(keep=lambda case: folder / f"{case}.yaml")
        else:
            how = Options(keep=RunFolder(new_run_id(), root=root / "results").cassette)
        shared = hasattr(self.config, "workerinput")
        live = LiveSession(Work(profile, planned, contracts, how), ahead=not shared)
        self.config.stash[SESSION] = live
        return live


class CaseNode(pytest.Collector):
    """One case of a target."""

    def __init__(self, *, planned: Planned, profile: Profile, live: LiveSession, **known: Any) -> None:
        super().__init__(**known)
        self.planned = planned
        self.profile = profile
        self.live = live

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each promise of the case's system; the profile's expected failures are strict."""
        for contract in selected(self.config):
            if self.planned.case.system in contract.systems:
                item = LiveItem.from_parent(self, name=contract.id, contract=contract)
                reason = expected(self.profile, contract.id, str(self.planned.case))
                if reason is not None:
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=BrokenPromise))
                yield item


def expected(profile: Profile, contract: str, case: str) -> str | None:
    """Why a contract is known to fail on a case: keys are ``<contract>`` or ``<contract>@<glob over cases>``."""
    for key, reason in profile.expected_failures.items():
        name, _, cases = key.partition("@")
        if fnmatchcase(contract, name) and fnmatchcase(case, cases or "*"):
            return reason
    return None


class ContractItem(pytest.Item):
    """One contract on one case."""

    def __init__(self, *, contract: Contract, **known: Any) -> None:
        super().__init__(**known)
        self.contract = contract
        self.cassette: Path | None = None
        for word in (contract.family, contract.level.value.lower()):
            self.add_marker(f"contract_{word}")

    def judged(self) -> Judgement:
        """The judgement, now or when the case has been exercised."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Fail with the evidence where the promise is broken, or where nothing could be decided."""
        judgement = self.judged()
        verdict = judgement.verdict.value
        self.user_properties.append((VERDICT, verdict))
        if verdict in QUIET:
            pytest.skip(f"{verdict}: {judgement.note}")
        if verdict != "pass":
            raise BrokenPromise(judgement)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The promise, the sentences and the evidence instead of a traceback of the judge."""
        from harness.core.errors import HarnessError
        from harness.report.words import told

        if isinstance(excinfo.value, BrokenPromise):
            return told(self.contract, excinfo.value.judgement, self.cassette)
        if isinstance(excinfo.value, HarnessError):
            return f"harness error, no verdict: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says the item is."""
        return self.path, None, f"{self.contract.id} on {self.parent.name if self.parent else ''}"


class ReplayedItem(ContractItem):
    """A contract judging a cassette."""

    def __init__(self, *, recording: Recording, **known: Any) -> None:
        super().__init__(**known)
        self.recording = recording
        self.cassette = self.path

    def judged(self) -> Judgement:
        """Judge now: there is nothing to wait for."""
        from harness.contracts.registry import judge

        return judge(self.contract, self.recording)


class LiveItem(ContractItem):
    """A contract judging a case that is exercised in this session."""

    def judged(self) -> Judgement:
        """Wait for the case, and take this contract's judgement."""
        node = self.parent
        if not isinstance(node, CaseNode):
            raise TypeError(f"{self.nodeid} is not below a case")
        done = node.live.result(node.planned)
        self.cassette = done.cassette
        return next(one for one in done.judgements if one.contract == self.contract.id)


class DeclaredItem(pytest.Item):
    """The recording of a defect: exactly the violations that it declares are found."""

    def __init__(self, *, recording: Recording, **known: Any) -> None:
        super().__init__(**known)
        self.recording = recording

    def runtest(self) -> None:
        """Judge with every contract and compare."""
        from harness.suite.judge import broken
        from harness.suite.select import select_contracts

        declared = set(self.recording.header.asked.get("violations", ()))
        found = broken(self.recording, select_contracts(()))
        if found != declared or not declared:
            raise OtherViolations(declared, found)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Both sets instead of a traceback."""
        if isinstance(excinfo.value, OtherViolations):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says the item is."""
        return self.path, None, self.nodeid


class BrokenPromise(Exception):
    """A contract that did not hold; carries the judgement."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        super().__init__(f"{judgement.contract}: {judgement.verdict.value}")


class OtherViolations(Exception):
    """Judging the recording of a defect found other violations than it declares."""

    def __init__(self, declared: Iterable[str], found: Iterable[str]) -> None:
        lost, new = set(declared) - set(found), set(found) - set(declared)
        super().__init__(
            f"declared and not found: {', '.join(sorted(lost)) or 'none'}; "
            f"found and not declared: {', '.join(sorted(new)) or 'none'}"
        )
