"""The mark, wherever it stands, and what becomes of a test's reports."""

import textwrap

import pytest

MARKS = """
    import asyncio
    import socket

    import pytest

    KEPT = []


    def leak():
        KEPT.append(socket.socket())


    def test_unmarked():
        leak()


    @pytest.mark.leak_check
    def test_marked():
        leak()


    @pytest.mark.leak_check
    @pytest.mark.asyncio
    async def test_marked_async():
        leak()


    @pytest.mark.leak_check
    class TestMarked:
        def test_method(self):
            leak()

        @pytest.mark.leak_check(False)
        def test_other_method(self):
            leak()


    @pytest.mark.leak_check(ignore=["*: thread: *", "*: socket: *"])
    def test_ignored():
        leak()


    @pytest.mark.leak_check(ignore="*: socket: *")
    def test_ignored_by_one_pattern():
        leak()
"""

REPORTS = """
    import socket

    import pytest

    pytestmark = pytest.mark.leak_check
    KEPT = []


    @pytest.fixture
    def noisy():
        yield
        raise RuntimeError("teardown")


    @pytest.fixture
    def leaky():
        KEPT.append(socket.socket())


    def test_failed_anyway():
        KEPT.append(socket.socket())
        assert False, "by itself"


    @pytest.mark.xfail(strict=True, reason="a known leak")
    def test_known():
        KEPT.append(socket.socket())


    @pytest.mark.xfail(reason="a known leak")
    def test_known_loosely():
        KEPT.append(socket.socket())


    @pytest.mark.xfail(strict=True, reason="mended")
    def test_mended():
        pass


    def test_skipped():
        KEPT.append(socket.socket())
        pytest.skip("not here")


    def test_fixture(leaky):
        pass


    def test_teardown(noisy):
        pass


    def test_after():
        pass
"""


@pytest.fixture(scope="module")
def marks():
    return textwrap.dedent(MARKS)


def failed(outcomes):
    return {name for name, one in outcomes.items() if one.word != "passed"}


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_a_mark_holds_for_its_function_or_class(run_tests, marks, mode):
    outcomes = run_tests(marks, "-o", f"asyncio_mode={mode}")
    assert failed(outcomes) == {"test_marked", "test_marked_async", "test_method"}
    assert outcomes["test_marked_async"].leaks == [("seeds.py", 11, "socket")]


def test_an_ini_option_holds_for_all_that_do_not_opt_out(run_tests, marks):
    assert failed(run_tests(marks, "-o", "leak_check=true")) == {
        "test_unmarked",
        "test_marked",
        "test_marked_async",
        "test_method",
    }


@pytest.fixture(scope="module")
def reports(run_tests):
    return run_tests(textwrap.dedent(REPORTS))


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("test_failed_anyway", "failure"),
        ("test_known", "skipped"),
        ("test_known_loosely", "skipped"),
        ("test_mended", "failure"),
        ("test_skipped", "skipped"),
        ("test_fixture", "failure"),
        ("test_teardown", "error"),
        ("test_after", "passed"),
    ],
)
def test_a_test_is_reported_once_and_as_it_should_be(reports, name, word):
    assert reports[name].word == word


def test_a_failure_of_its_own_stays_the_failure_and_the_leak_is_told_below(reports):
    assert reports["test_failed_anyway"].text.startswith("AssertionError: by itself")
    assert reports["test_failed_anyway"].leaks == [("seeds.py", 22, "socket")]


def test_a_warning_that_is_an_error_does_not_hide_the_leak(run_tests):
    source = """
        import aiohttp
        import pytest


        @pytest.mark.leak_check
        async def test_dropped():
            aiohttp.ClientSession()
    """
    outcomes = run_tests(textwrap.dedent(source), "-W", "error")
    assert outcomes["test_dropped"].word == "failure"
    assert outcomes["test_dropped"].leaks == [("seeds.py", 8, "session")]


def test_a_fixture_of_the_test_leaks_as_the_test_does(reports):
    assert reports["test_fixture"].leaks == [("seeds.py", 18, "socket")]
