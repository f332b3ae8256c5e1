from xml.etree.ElementTree import fromstring, tostring

import pytest

from harness.report.junit import junit


@pytest.fixture
def document(run):
    return fromstring(tostring(junit(run).getroot()))


def outcome(document, fault, contract):
    (test,) = document.findall(
        f"testsuite[@name='reference/gateway/chat-stream/groq.{fault}']/testcase[@name='{contract}']"
    )
    return [(child.tag, child.get("message"), child.text) for child in test]


def test_counts_are_right_on_every_level(document):
    assert [document.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "2"]
    assert [suite.get("tests") for suite in document] == ["4", "1", "1"]
    assert [suite.get("time") for suite in document] == ["0.250"] * 3
    assert len(document.findall(".//testcase")) == 6


def test_a_pass_has_nothing_below_it(document):
    assert outcome(document, "none", "stream.words-faithful") == []


def test_a_failure_has_every_violation_its_evidence_and_the_command(document):
    ((tag, message, text),) = outcome(document, "cut", "stream.words-faithful")
    assert (tag, message) == ("failure", "It <ended> \\x00 twice & | more.")
    assert "Again." in text
    assert "evidence: c1 bytes 1-2" in text
    assert "again: harness replay " in text
    assert "groq.cut.yaml --contract stream.words-faithful" in text


def test_what_was_not_decided_is_skipped_and_says_why(document):
    assert [one[:2] for one in outcome(document, "none", "stream.headers")] == [
        ("skipped", "unsupported: lacks a probe")
    ]
    assert [one[1] for one in outcome(document, "none", "credits.conserved")] == ["inconclusive: cannot tell"]


def test_a_warning_passes_and_says_so(document):
    ((tag, _, text),) = outcome(document, "none", "stream.ends-by-http")
    assert tag == "system-out"
    assert text.startswith("warning, a SHOULD is broken: It <ended>")


def test_our_own_failure_is_an_error_and_no_failure(document):
    assert outcome(document, "stall", "x.y") == [("error", "the port is in use", None)]
