"""Failures are grouped by what they have in common, and ranked by what they explain."""

import shlex

import pytest

from harness.report.causes import causes, failure_table, template

SENTENCES = [
    ("'gpt-4o' is on the list, and was answered by 404 model_not_found.", "… is on the list, and was answered by # …."),
    (
        "It calls for 502 PROVIDER_AUTH_ERROR, the client read 500 INTERNAL_ERROR.",
        "It calls for # …, the client read # ….",
    ),
    ("The failure's words are 'It's late.', the client's 'No.'.", "The failure's words are …, the client's …."),
    ("The provider said \"it's 'x'\", the client read 'no'.", "The provider said …, the client read …."),
    ("The provider's exchange was in-band.", "The provider's exchange was …."),
    ("The provider's exchange was incomplete.", "The provider's exchange was …."),
    ("c1 and c12 both have the id 'x'.", "… both have the id …."),
    ("The line lacks 'a', 'b' and 'c'.", "The line lacks …."),
    ("A hold of 1,200 credits was ended by -3.", "A hold of # credits was ended by #."),
    ("The id is 6f9619ff-8b86-4d01-b42d-00cf4fc964ff.", "The id is …."),
]


@pytest.mark.parametrize(("sentence", "common"), SENTENCES)
def test_a_template_has_no_names_codes_and_figures(sentence, common):
    assert template(sentence) == common


def test_one_sentence_under_many_faults_is_one_cause(made):
    for fault, code in (("http-401", "502 auth_error"), ("refused", "503 GONE_AWAY"), ("not-json", "502 NO_ANSWER")):
        made.verdict("errors.mapped", "fail", f"It calls for {code}, the client read 500 x_y.", fault=fault)
    (cause,) = causes(made.frames())
    assert len(cause.cases) == 3
    assert cause.kinds == ["status", "unreachable", "invalid"]
    assert cause.musts == ("errors.mapped",)


def test_other_sentences_in_the_very_same_cases_are_the_same_cause(made):
    for fault in ("cut", "reset-mid-stream"):
        made.verdict("stream.told", "fail", "Nothing is said of it.", fault=fault)
        made.verdict("credits.charged", "fail", "9 credits were charged.", fault=fault)
    (cause,) = causes(made.frames())
    assert cause.musts == ("stream.told", "credits.charged")
    assert cause.must_failures == 4


def test_promises_that_one_wrong_answer_breaks_are_one_cause(made):
    for fault, wanted in (("http-400", "'Bad: x'"), ("http-500", "'Later'")):
        made.verdict("errors.message", "fail", f"It calls for {wanted}, the client read 'No.'.", fault=fault)
    made.verdict("errors.words", "fail", "The provider said 'x', the client read 'No.'.", fault="http-400")
    made.verdict("credits.said", "fail", "It costs 3, the client read 4.", fault="http-400", scenario="other")
    first, second = causes(made.frames())
    assert first.musts == ("errors.message", "errors.words")
    assert second.musts == ("credits.said",)


def test_what_has_nothing_in_common_is_apart_and_the_larger_comes_first(made):
    made.verdict("log.lines", "fail", "A line is no JSON.", fault="none")
    for fault in ("cut", "reset-mid-stream"):
        made.verdict("stream.told", "fail", "Nothing is said of it.", fault=fault)
    first, second = causes(made.frames())
    assert (first.contracts, second.contracts) == (("stream.told",), ("log.lines",))


def test_a_must_counts_before_any_number_of_shoulds(made):
    made.verdict("log.lines", "fail", "A line is no JSON.", scenario="a")
    for scenario in "bcd":
        made.verdict("stream.headers", "warn", "No cache-control.", scenario=scenario)
    first, second = causes(made.frames())
    assert first.musts == ("log.lines",)
    assert (second.musts, second.shoulds) == ((), ("stream.headers",))


def test_what_is_no_ones_fault_is_no_cause(made):
    made.verdict("a.b", "error", note="the port is in use")
    made.verdict("a.c", "inconclusive", note="too skewed")
    made.verdict("a.d", "unsupported", note="lacks a probe")
    made.verdict("a.e", "pass")
    assert causes(made.frames()) == []


def test_how_much_of_what_was_judged_is_broken(made):
    for provider in ("groq", "openai"):
        made.verdict("stream.told", "fail" if provider == "groq" else "pass", "No.", provider=provider, fault="cut")
        made.verdict("stream.told", "pass", provider=provider, fault="none")
    (cause,) = causes(made.frames())
    assert (cause.seen.count, cause.seen.n) == (1, 2)  # under the kind of fault under which it shows
    assert (cause.providers, cause.providers_judged) == (("groq",), 2)


def test_the_example_shows_most_of_the_cause_and_its_commands_are_of_its_cassette(made):
    made.verdict("a.one", "fail", "One.", fault="cut")
    made.verdict("a.one", "fail", "One.", fault="refused")
    made.verdict("a.two", "fail", "Two.", fault="refused", scenario="chat-stream")
    made.verdict("a.two", "fail", "Two.", fault="http-500", scenario="chat-stream")
    made.verdict("a.one", "fail", "One.", fault="http-500", scenario="chat-stream")
    made.verdict("a.two", "fail", "Two.", fault="cut")
    frames = made.frames()
    (cause,) = causes(frames)
    show, replay = (shlex.split(command) for command in cause.commands)
    assert show[:2] == ["harness", "show"]
    assert show[2] == str(made.path / "cassettes" / f"{cause.example.case}.yaml")
    assert replay[3:] == ["--contract", "a.one", "--contract", "a.two"] or set(replay[4::2]) == {"a.one", "a.two"}


def test_a_case_without_a_cassette_has_no_commands(made):
    made.verdict("a.one", "fail", "One.")
    made.rows["cases"][0]["cassette"] = None
    (cause,) = causes(made.frames())
    assert cause.commands == ()


def test_every_failure_is_listed_once(made):
    made.verdict("a.one", "fail", "One.", fault="cut")
    made.verdict("b.two", "warn", "Two.", fault="none")
    made.verdict("a.one", "pass", fault="none")
    frames = made.frames()
    table = failure_table(causes(frames), frames)
    assert list(zip(table["cause"], table["contract"], table["evidence"], strict=True)) == [
        (1, "a.one", "c1"),
        (2, "b.two", "c1"),
    ]
    assert table["cassette"].str.endswith(".yaml").all()
