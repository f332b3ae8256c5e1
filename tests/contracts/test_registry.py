import inspect

import pytest

from harness import contracts
from harness.contracts import registry
from harness.contracts.registry import Contract, contract, judge
from harness.core.errors import ProbeError
from harness.core.names import Capability
from harness.core.recording import Header, Recording, Source
from harness.core.verdict import Doubt, Level, Subject, Verdict, Violation

ALL = contracts.load()


def recording(**header):
    return Recording(header=Header(source=Source.SIMULATOR, system="gateway", **header))


def made(findings, *, subjects=(1,), level=Level.MUST, needs=()):
    """A contract of the gateway's that finds these things in each of these subjects."""
    return Contract(
        id="test.made",
        family="test",
        level=level,
        subject=Subject.TARGET,
        source="house",
        systems=frozenset({"gateway"}),
        select=lambda _recording: subjects,
        judge=lambda _subject, _recording: iter(findings),
        breakers=(),
        needs=frozenset(needs),
    )


@pytest.mark.parametrize(
    ("findings", "options", "verdict"),
    [
        ([], {}, Verdict.PASS),
        ([Violation("x")], {}, Verdict.FAIL),
        ([Violation("x")], {"level": Level.SHOULD}, Verdict.WARN),
        ([Doubt("x"), Violation("y")], {}, Verdict.FAIL),
        ([Doubt("x")], {}, Verdict.INCONCLUSIVE),
        ([], {"subjects": ()}, Verdict.NOT_APPLICABLE),
        ([Violation("x")], {"needs": [Capability.LEDGER]}, Verdict.UNSUPPORTED),
    ],
    ids=["pass", "fail", "warn", "fail-beats-doubt", "inconclusive", "no-subject", "unsupported"],
)
def test_a_verdict_follows_from_the_findings(findings, options, verdict):
    assert judge(made(findings, **options), recording()).verdict is verdict


def test_a_void_recording_is_our_error_whatever_it_holds():
    judgement = judge(made([Violation("x")]), recording(void="the probe did not answer"))
    assert (judgement.verdict, judgement.note) == (Verdict.ERROR, "the probe did not answer")


def test_of_a_void_recording_only_what_its_system_promises_is_our_error():
    void = Recording(header=Header(source=Source.SIMULATOR, system="runs", void="no token"))
    assert judge(made([Violation("x")]), void).verdict is Verdict.NOT_APPLICABLE
    of_provider = {name: getattr(made([]), name) for name in Contract.__slots__} | {"subject": Subject.PROVIDER}
    assert judge(Contract(**of_provider), void).verdict is Verdict.NOT_APPLICABLE
    strangers = Recording(header=Header(source=Source.THIRD_PARTY, void="unreadable"))
    assert judge(Contract(**of_provider), strangers).verdict is Verdict.ERROR


def test_a_probe_of_another_shape_is_our_error():
    def broken(_subject, _recording):
        raise ProbeError("no balance")
        yield

    one = made([])
    fields = {name: getattr(one, name) for name in one.__slots__} | {"judge": broken}
    assert judge(Contract(**fields), recording()).verdict is Verdict.ERROR


def test_another_systems_promise_is_not_applicable():
    other = Recording(header=Header(source=Source.SIMULATOR, system="runs"))
    assert judge(made([Violation("x")]), other).verdict is Verdict.NOT_APPLICABLE


def test_an_id_is_never_used_twice():
    taken = next(iter(ALL))
    with pytest.raises(ValueError, match="never used twice"):
        contract(taken, select=lambda _recording: (), source="house", breakers=())(lambda _s, _r: iter(()))


@pytest.mark.parametrize("one", ALL.values(), ids=ALL)
def test_every_contract_is_whole(one):
    assert one.id.startswith(f"{one.family}.")
    assert one.promise.endswith((".", "]"))
    assert one.source
    assert one.breakers, "a contract that nothing breaks cannot fail"
    assert inspect.isgeneratorfunction(one.judge)
    assert one.subject is Subject.PROVIDER or one.systems


def test_at_least_twenty_contracts_judge_the_target():
    assert sum(1 for one in ALL.values() if one.subject is Subject.TARGET) >= 20
    assert registry.CONTRACTS.keys() == set(ALL)
