import pytest

from harness.core.verdict import Pointer, Verdict, exit_code


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ({Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE}, 2),
        ({Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE}, 1),
        ({Verdict.PASS, Verdict.INCONCLUSIVE}, 3),
        ({Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE, Verdict.UNSUPPORTED}, 0),
        (set(), 0),
    ],
    ids=["ours-first", "failed", "inconclusive", "all-hold", "nothing"],
)
def test_the_exit_code_is_the_first_that_applies(verdicts, code):
    assert exit_code(verdicts) == code


def test_a_pointer_reads_as_text():
    pointer = Pointer("c1", start=3, end=9, event=2, at_ns=12_400_000)
    assert str(pointer) == "c1 bytes 3-9 event 2 at 12.4 ms"
    assert str(Pointer()) == "the recording as a whole"
