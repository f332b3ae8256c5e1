import re
from html import escape

from harness.report import conclusions
from harness.report.pages.index import index


def test_the_page_leads_to_everything(made):
    made.verdict("stream.told", "fail", "<b>No.</b>", fault="cut")
    made.verdict("stream.told")
    made.call()
    frames = made.frames()
    page = index(frames, ["report/x y.csv"])
    for target in ("latency.html", "failures.html", "report/summary.md", "report/x%20y.csv"):
        assert f'href="{target}"' in page
    for case in frames.cases["cassette"]:
        assert f'href="{case}"' in page
    assert escape(conclusions.failures(frames).sentences[0]) in page
    assert "<b>No.</b>" not in page
    assert '<td class="fail">1/2 ✗</td>' in page


def test_cases_with_something_broken_come_first(made):
    made.verdict("a.b", scenario="a")
    made.verdict("a.b", "fail", "No.", scenario="z")
    cases = re.findall(r">(reference/[^<]*)</a></td>", index(made.frames(), []))
    assert [case.split("/")[2] for case in cases] == ["z", "a"]


def test_a_case_that_is_void_says_why_and_one_without_cassette_has_no_link(made):
    made.verdict("a.b", "error", note="x")
    made.rows["cases"][0] |= {"void": "the port is <in use>", "cassette": None}
    page = index(made.frames(), [])
    assert "the port is &lt;in use&gt;" in page
    assert ".yaml" not in page


def test_a_run_in_which_nothing_happened_is_a_page_too(made):
    page = index(made.frames(), [])
    assert "No contract had anything to judge." in page
    assert "Nothing was judged" in page
