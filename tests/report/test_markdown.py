from harness import contracts
from harness.report.markdown import markdown, number, text


def test_the_page_says_what_failed_and_how_to_judge_it_again(run):
    page = markdown(run)
    assert page.startswith("## ❌ `reference` with the defect `double-done`: 1 verdict failed\n")
    promise = contracts.load()["stream.words-faithful"].promise
    assert f"### `stream.words-faithful` (fail, 1 case): {promise}" in page
    assert "- `reference/gateway/chat-stream/groq.cut`: It \\<ended\\> " in page
    assert "evidence: c1 bytes 1-2; p1" in page
    assert "--contract stream.words-faithful`" in page
    assert "| `stream` | 1/3 ✗ |" in page
    assert "3 cases" in page


def test_counts_of_every_verdict_are_there(run):
    told = "1 pass, 1 fail, 1 warn, 1 not-applicable, 1 unsupported, 1 inconclusive, 1 error"
    assert told in markdown(run)


def test_a_run_that_was_killed_says_so(run):
    assert ("did not come to its end**: 3 of 4 cases" in markdown(run)) == (not run.finished)


def test_words_are_not_markup():
    assert text("a | *b*\n[c]") == "a \\| \\*b\\* \\[c\\]"


def test_nouns_have_a_number():
    assert [number(count, "case") for count in (0, 1, 1200)] == ["0 cases", "1 case", "1,200 cases"]
