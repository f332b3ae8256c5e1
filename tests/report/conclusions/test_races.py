"""The words on measured races are what the frames hold."""

import pytest

from harness.report.conclusions import races


def test_races_that_met_count(made):
    made.race((0.0, "served"), (0.1, "refused"), skew_ms=0.1, window_ms=6.0)
    made.race((0.0, "served"), (0.3, "refused"), skew_ms=0.3, window_ms=10.0)
    made.verdict("race.no-double-spend")
    assert races(made.frames()).sentences == (
        "In all 2 races the requests met: that nothing was seen to go wrong counts.",
        (
            "Requests of one race were let go within 0.2 ms in the median, 0.3 ms at most; the target had dealt with "
            "the first after 8 ms, 6 ms at the earliest."
        ),
        "Gateway double-spend: of 4 requests 2 served, 2 refused, 0 failed.",
        "`race.no-double-spend`: 1 pass.",
    )


def test_races_that_may_not_have_met_do_not(made):
    made.race((0.0, "served"), (9.0, "served"), skew_ms=9.0, window_ms=6.0)
    made.race((0.0, "failed"), window_ms=None)
    first, second, *_ = races(made.frames()).sentences
    assert first.startswith("In 0 of 2 races (0 %")
    assert "the others are inconclusive" in first
    assert "6 ms at the earliest" in second


@pytest.mark.parametrize(
    ("late", "says"),
    [
        ((1.5, "served"), "all 1 let go after the moment were served; of those before it, 1 of 2."),
        ((1.5, "refused"), "1 of 1 let go after the moment were not, the latest 1.5 ms after; of those before it"),
    ],
)
def test_sweeps_are_told_by_their_moment(made, late, says):
    made.race((-2.0, "refused"), (-0.5, "served"), late, how="sweep", kind="observe", system="chat")
    (sentence,) = races(made.frames()).sentences
    assert sentence.startswith("Chat observe sweep: ")
    assert says in sentence


def test_a_run_without_races_says_so(made):
    made.verdict("a.b")
    assert races(made.frames()).sentences == ("No race was measured in this run.",)


def test_forced_moments_are_told_apart_from_measured_ones(made):
    made.forced((-1, 404), (0, 200), (0, 200), (3, 404))
    said = "before the provider's head 0 of 1 were served; after it 2 of 3 were served."
    assert races(made.frames()).sentences == (
        "No race was measured in this run.",
        f"Chat observe at moments that were forced: {said}",
    )


def test_of_deletions_it_is_told_what_became_of_the_stream(made):
    made.race((-2.0, "refused"), (0.5, "ended"), (3.0, "ended"), how="sweep", kind="delete", system="chat")
    made.forced_at("delete", ("before the stream", None, "refused"), ("amid the words", 3, "served"))
    said = "of 3 streams whose session was deleted 0 served, 2 ended, 1 refused, 0 failed."
    forced = "of 2 streams whose session was deleted 1 served, 1 refused, 0 failed."
    assert races(made.frames()).sentences == (
        f"Chat delete sweep: {said}",
        f"Chat delete at moments that were forced: {forced}",
    )


def test_of_ends_of_a_stream_it_is_told_which_repeated_another(made):
    made.forced_at("settle", ("late", None, "served"), ("late", None, "repeated"))
    assert races(made.frames()).sentences[-1] == (
        "Chat settle at moments that were forced: of 2 ends of a stream 1 served, 1 repeated, 0 refused, 0 failed."
    )
