import io
import json
import sys
from importlib import import_module
from uuid import uuid4

import pytest

from harness.backend import log
from harness.backend.log import CallLog, Scrubber, stack_of, without_credentials

KEY = 'made"of\\odd/characters'


@pytest.fixture
def scrubber():
    return Scrubber([KEY, "short", ""])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"the key {KEY} is wrong", "the key [redacted] is wrong"),
        ("Incorrect API key provided: sk-proj-abc_DEF-123.", "Incorrect API key provided: [redacted]."),
        ("Incorrect API key provided: sk-12****cdef", "Incorrect API key provided: [redacted]"),
        ("gsk_0123456789 too", "[redacted] too"),
        ("invalid x-api-key: sk-ant-api03-abc_DEF", "invalid x-api-key: [redacted]"),
        ("Request had invalid credentials: ya29.a0AfB_by-x.y", "Request had invalid credentials: [redacted]"),
        ("The token AKIAIOSFODNN7EXAMPLE is invalid.", "The token [redacted] is invalid."),
        ("Authorization: Bearer eyJh.eyJz.abc", "Authorization: Bearer [redacted]"),
        ("at https://user:pass@host/v1 it is", "at https://host/v1 it is"),
        ("a short task-list, ask-me-anything", "a short task-list, ask-me-anything"),
    ],
)
def test_secrets_are_taken_out_and_words_are_left(scrubber, text, clean):
    assert scrubber.clean(text) == clean


def test_a_line_is_json_with_its_time_and_no_secret_and_goes_to_stream_and_ring(scrubber):
    stream, user = io.StringIO(), uuid4()
    lines = CallLog(scrubber, stream)
    lines.write(user, {"event": "e", "error": f"no: {KEY}\n", "count": 3, "none": None})
    (line,) = lines.lines(user)
    assert stream.getvalue() == line + "\n"
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00")
    assert found == {"event": "e", "error": "no: [redacted]\n", "count": 3, "none": None}


def test_lines_are_kept_by_user_and_not_without_bound(scrubber, monkeypatch):
    monkeypatch.setattr(log, "USERS", 2)
    lines = CallLog(scrubber)
    users = [uuid4() for _ in range(3)]
    for user in users:
        for number in range(log.LINES_PER_USER + 1):
            lines.write(user, {"number": number})
    lines.write(None, {"number": "nobody's"})
    assert lines.lines(users[0]) == []
    assert [json.loads(line)["number"] for line in lines.lines(users[2])] == list(range(1, log.LINES_PER_USER + 1))


def test_an_address_is_shown_without_what_it_should_not_show():
    assert without_credentials("https://u:p@host:8443/v1?key=x#y") == "https://host:8443/v1"


def test_a_stack_has_its_causes_and_is_bounded():
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("x" * 100_000) from first
    except ValueError as second:
        stack = stack_of(second)
    assert len(stack) == log.STACK_CHARACTERS
    assert "KeyError" in stack_of(KeyError("first"))


def test_a_stack_names_files_from_their_package_on():
    try:
        import_module("json.no_such_module")
    except ImportError as error:
        stack = stack_of(error)
    assert 'File "python' in stack
    assert sys.prefix not in stack
    assert sys.base_prefix not in stack
