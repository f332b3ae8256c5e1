import pytest

from harness.core.recording import Request
from harness.servers import threads
from harness.servers.threads import Threads


def test_a_thread_has_its_requests_in_order_and_its_last_tag():
    known = Threads()
    first, second, third = (Request("POST", f"/{number}") for number in range(3))
    known.add("t", None, first)
    assert known.tie("t") is None
    known.add("t", "a.1", second)
    known.add("t", "a.2", third)
    known.add("t", None, first)
    known.add("other", "b.1", first)
    assert known.earlier("t") == (first, second, third, first)
    assert known.tie("t") == "a.2"


def test_what_belongs_to_no_thread_is_not_kept():
    known = Threads()
    known.add(None, "a.1", Request("GET", "/"))
    assert known.earlier(None) == ()
    assert known.tie(None) is None
    assert known.earlier("unknown") == ()


def test_the_thread_that_was_quiet_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "THREADS_MAX", 2)
    known = Threads()
    for name in ("a", "b", "a", "c"):
        known.add(name, None, Request("GET", f"/{name}"))
    assert [len(known.earlier(name)) for name in "abc"] == [2, 0, 1]
