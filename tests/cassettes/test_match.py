from __future__ import annotations

import pytest

from harness.cassettes.match import Matcher
from harness.cassettes.redact import Redactor, Secret
from harness.core.errors import PlaybackMiss
from harness.core.recording import Ending, Exchange, Request, Side

KEY = "provider-key-0123456789"


def exchange(number: int, method="POST", url="http://h/x", body=b"{}", sent_ns=None) -> Exchange:
    request = Request(method, url, (), body, number if sent_ns is None else sent_ns)
    return Exchange(
        id=f"c{number}",
        side=Side.CLIENT,
        operation="x",
        request=request,
        response=None,
        ending=Ending.EOF,
        ended_ns=0,
    )


SAME = {
    "order of keys": (("POST", "http://h/x", b'{"a":1,"b":2}'), ("POST", "http://h/x", b'{"b": 2, "a": 1}')),
    "host": (("GET", "http://h:1/x", b""), ("GET", "https://other/x", b"")),
    "parameters": (("GET", "http://h/x?a=1&b=2", b""), ("GET", "http://h/x?b=2&a=1", b"")),
    "percent signs": (("POST", "http://h/model/a:0", b""), ("POST", "http://h/model/a%3A0", b"")),
    "fragment": (("GET", "http://h/x#one", b""), ("GET", "http://h/x", b"")),
    "no path": (("GET", "http://h", b""), ("GET", "http://h/", b"")),
    "case of the method": (("get", "http://h/", b""), ("GET", "http://h/", b"")),
    "a redacted key": (("GET", "http://h/?k=[REDACTED:k]", b""), ("GET", f"http://h/?k={KEY}", b"")),
    "a redacted body": (
        ("POST", "http://h/", b'{"k":"[REDACTED:k]"}'),
        ("POST", "http://h/", b'{"k": "%s"}' % KEY.encode()),
    ),
    "an address that is none": (("GET", "http://[x/", b""), ("GET", "http://[x/", b"")),
}
DIFFERENT = {
    "method": (("POST", "http://h/x", b""), ("PUT", "http://h/x", b"")),
    "path": (("GET", "http://h/x", b""), ("GET", "http://h/y", b"")),
    "parameter": (("GET", "http://h/x?a=1", b""), ("GET", "http://h/x?a=2", b"")),
    "empty parameter": (("GET", "http://h/x?a=", b""), ("GET", "http://h/x", b"")),
    "prompt": (("POST", "http://h/x", b'{"p":"one"}'), ("POST", "http://h/x", b'{"p":"two"}')),
    "bytes": (("POST", "http://h/x", b"\xff"), ("POST", "http://h/x", b"\xfe")),
    "order of a list": (("POST", "http://h/x", b"[1,2]"), ("POST", "http://h/x", b"[2,1]")),
}


@pytest.mark.parametrize(("recorded", "asked"), SAME.values(), ids=SAME)
def test_what_counts_as_the_same_request(recorded, asked):
    matcher = Matcher([exchange(1, *recorded)], redactor=Redactor([Secret("provider-key", KEY)]))
    assert matcher.take(*asked).id == "c1"


@pytest.mark.parametrize(("recorded", "asked"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_counts_as_another_request(recorded, asked):
    with pytest.raises(PlaybackMiss):
        Matcher([exchange(1, *recorded)]).take(*asked)


def test_hosts_count_where_asked_to():
    matcher = Matcher([exchange(1, "GET", "http://a/x"), exchange(2, "GET", "http://b/x")], with_host=True)
    assert matcher.take("GET", "http://b/x", b"{}").id == "c2"
    with pytest.raises(PlaybackMiss, match="GET http://c/x is not in the recording"):
        matcher.take("GET", "http://c/x", b"{}")


def test_first_sent_first_served_and_leftovers_are_told():
    matcher = Matcher([exchange(1, sent_ns=30), exchange(2, sent_ns=10), exchange(3, sent_ns=20)])
    assert [one.id for one in matcher.leftovers] == ["c2", "c3", "c1"]
    assert [matcher.take("POST", "http://h/x", b"{}").id for _ in range(2)] == ["c2", "c3"]
    assert [one.id for one in matcher.leftovers] == ["c1"]


def test_a_body_that_is_not_known_matches_any_of_its_address():
    matcher = Matcher([exchange(1, body=b"1"), exchange(2, body=b"2"), exchange(3, body=b"2")])
    assert matcher.take("POST", "http://h/x", b"2").id == "c2"
    assert matcher.take("POST", "http://h/x", None).id == "c1"
    assert matcher.take("POST", "http://h/x", None).id == "c3"
    assert matcher.leftovers == ()
    with pytest.raises(PlaybackMiss, match="or was played already"):
        matcher.take("POST", "http://h/x", None)


def test_a_miss_says_where_the_nearest_differs():
    matcher = Matcher([exchange(1, body=b'{"prompt": "a blue sea"}'), exchange(2, "GET", "http://h/other", b"")])
    with pytest.raises(PlaybackMiss, match=r"nearest is c1, POST /x; its body differs: asked .*red.*recorded .*blue"):
        matcher.take("POST", "http://h/x", b'{"prompt": "a red sea"}')


def test_a_miss_in_an_empty_recording():
    with pytest.raises(PlaybackMiss, match="GET / is not in the recording"):
        Matcher([]).take("GET", "http://h/", b"")


def test_deep_json_is_compared_as_bytes():
    body = b"[" * 100_000
    assert Matcher([exchange(1, body=body)]).take("POST", "http://h/x", body).id == "c1"
