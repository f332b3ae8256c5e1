from harness.report.conclusions import failures


def test_nothing_broken_is_the_first_thing_said(made):
    made.verdict("a.b")
    made.verdict("a.c", fault="cut")
    words = failures(made.frames())
    assert words.sentences == ("Nothing is broken: all 2 verdicts of 2 contracts in 2 cases hold.",)


def test_what_is_broken_is_counted_and_the_first_cause_told_with_its_commands(made):
    for provider in ("groq", "openai"):
        made.verdict("stream.told", "fail", "Nothing is `said` of it.", provider=provider, fault="cut")
        made.verdict("stream.told", provider=provider)
    headline, first = failures(made.frames())
    assert headline.startswith("1 MUST is broken: 2 of 4 verdicts (50 %, 95 % interval 15 to 85), in 2 of 4 cases;")
    assert headline.endswith("one likely cause explains them all.")
    words, show, replay = first.split("\n")
    assert words.startswith("Look first at this: 2 cases break 1 MUST (`stream.told`), where the provider broke off, ")
    assert "behind all 2 providers; 2 of 2 verdicts" in words
    assert words.endswith("“Nothing is \\`said\\` of it.”")
    assert show.startswith("`harness show ")
    assert replay.endswith("--contract stream.told`")


def test_a_provider_alone_is_named(made):
    made.verdict("stream.told", "fail", "No.", provider="groq")
    made.verdict("stream.told", provider="openai")
    assert "with a healthy provider, only behind `groq` of 2 providers;" in failures(made.frames()).sentences[1]


def test_what_was_not_judged_is_told_with_its_reason(made):
    made.verdict("a.a")
    made.verdict("a.b", "error", note="the port is in use")
    made.verdict("a.c", "inconclusive", note="too skewed")
    made.verdict("a.d", "unsupported", note="the target lacks: log")
    told = str(failures(made.frames()))
    assert "by a failure of the harness, none of the target's, most often: “the port is in use”" in told
    assert "because the evidence could not decide, most often: “too skewed”" in told
    assert "because the target lacks what is needed to see it, most often: “the target lacks: log”" in told


def test_a_run_in_which_nothing_was_judged_does_not_say_that_nothing_is_broken(made):
    made.verdict("a.b", "error", note="the port is in use")
    assert failures(made.frames()).sentences[0] == "Nothing was judged: no verdict says anything of the target."


def test_contracts_that_had_nothing_to_judge_are_told_where_a_system_of_the_run_promises_them(made):
    made.verdict("credits.conserved")
    made.facts["judges"] = ["credits.conserved", "stream.done-once-and-last", "config.banner-masked"]
    told = failures(made.frames()).sentences[-1]
    assert told == "1 contract of 2 had nothing to judge in this run: `stream.done-once-and-last`."


def test_many_causes_are_told_in_part_and_counted(made):
    for number in range(8):
        words = "no " * (number + 1)
        made.verdict(f"a{number}.b", "fail", f"It is {words}good.", scenario=f"s{number}")
    sentences = failures(made.frames()).sentences
    assert sentences[0].endswith("8 likely causes explain them.")
    assert sum(one.startswith(("Look first at this:", "Then at this:")) for one in sentences) == 5
    assert sentences[6] == "3 causes more explain 3 broken verdicts: see the table of causes."


def test_a_run_that_stopped_half_way_says_how_far_it_came(made):
    made.verdict("a.b")
    made.facts["planned"] = 9
    assert "in 1 case (9 were planned) hold" in str(failures(made.frames()))
