"""A run as a subject: what was asked, what was said, and which provider traffic is its own."""

from dataclasses import replace

import pytest

from harness.contracts.calls import failures
from harness.contracts.run_calls import project_of, run_calls
from harness.core.recording import Ending
from harness.systems import runs

TABLE = runs.PROVIDER_TABLE


def only(recording):
    (call,) = run_calls(recording)
    return call


def test_a_run_that_went_well(studio):
    call = only(studio.recording(studio.run(), studio.provider()))
    assert (call.succeeded, call.text, call.answer_id[:4]) == (True, "Good morning.", "2222")
    assert (call.asked_model, call.named_models, call.model) == ("gpt-4", {"gpt-4"}, "gpt-4")
    assert (call.code, call.words, call.streamed, call.left) == (None, "", False, False)
    assert project_of(call) == studio.project
    assert call.upstream.exchange.id == "p1"


@pytest.mark.parametrize("asked", [b"not json", b"[]", b'{"input": 7}', b"\xff", b""])
def test_what_is_no_run_is_still_a_call(studio, asked):
    call = only(studio.recording(studio.run(400, {"error": "input is missing"}, asked)))
    assert (call.input, call.asked_model, call.succeeded, call.words) == ("", None, False, "input is missing")


@pytest.mark.parametrize("said", [b"", b"<html>", b"[1]", {"run": "none"}, {"run": {}}])
def test_a_201_without_a_run_is_no_success(studio, said):
    assert not only(studio.recording(studio.run(201, said))).succeeded


def test_a_run_that_names_no_model_takes_the_default(studio):
    asked = {"asked": {"settings": {runs.DEFAULT_MODEL_SETTING: "gemma-7b-it"}}}
    call = only(studio.recording(studio.run(asked={"input": "x"}), **asked))
    assert call.model == "gemma-7b-it"
    assert only(studio.recording(studio.run(asked={"input": "x"}))).model == runs.DEFAULT_MODEL


def test_the_same_prompt_twice_gets_each_its_own_provider_traffic(studio):
    later = studio.provider(id="p2")
    later = replace(later, request=replace(later.request, sent_ns=110))
    exchanges = [studio.run(), studio.provider(), studio.run(id="c2", sent_ns=100), later]
    first, second = run_calls(studio.recording(*exchanges))
    assert [one.exchange.id for one in first.upstreams] == ["p1"]
    assert [one.exchange.id for one in second.upstreams] == ["p2"]


@pytest.mark.parametrize(
    ("status", "said", "outcome"),
    [
        (200, None, None),
        (200, b"words", TABLE.invalid),
        (200, {"choices": []}, TABLE.invalid),
        (401, {"error": {"message": "no"}}, TABLE.for_status(401)),
        (404, b"", TABLE.for_status(404)),
        (418, b"", TABLE.other),
        (529, b"", TABLE.unavailable),
        (None, b"", TABLE.timeout),
    ],
)
def test_a_failure_is_read_from_what_the_provider_did(studio, status, said, outcome):
    recording = studio.recording(studio.run(500, {}), studio.provider(status, said), fault="none")
    assert failures(only(recording), recording) == (() if outcome is None else (outcome,))


def test_no_connection_is_known_by_the_exchange_where_there_is_one(studio):
    recording = studio.recording(studio.run(500, {}), studio.provider(None, ending=Ending.CONNECT_ERROR))
    assert failures(only(recording), recording) == (TABLE.unreachable,)


@pytest.mark.parametrize(
    ("sent_ns", "fault", "unreachable"),
    [(5, "none", False), (10, "none", True), (25, "none", False), (5, "refused", True), (5, "no-such-fault", False)],
)
def test_a_provider_that_was_never_reached_is_known_by_what_was_asked_for(studio, sent_ns, fault, unreachable):
    marks = [("provider-down", 10, None), ("provider-back", 20, None)]
    recording = studio.recording(studio.run(500, {}, sent_ns=sent_ns), marks=marks, fault=fault)
    assert failures(only(recording), recording) == ((TABLE.unreachable,) if unreachable else ())


@pytest.mark.parametrize(
    ("status", "said", "words", "fits"),
    [
        (401, b"", "LLM API authentication failed. Please check API key configuration.", True),
        (401, b"", "LLM API authentication failed. Please check API key configuration. sk-1", False),
        (404, b"", "Model 'gpt-4' not found. Please check model name or use a supported model.", True),
        (
            404,
            b"",
            "Model 'llama-3.3-70b-versatile' not found. Please check model name or use a supported model.",
            False,
        ),
        (400, {"error": {"message": "too long"}}, "LLM API error: too long", True),
        (400, {"error": {"message": "too long"}}, "LLM API error: bad request", False),
        (400, b"", "LLM API error: whatever", True),
        (418, b"", "Failed to generate AI response: it is a teapot", True),
        (418, b"", "Failed to generate AI response: ", False),
    ],
)
def test_the_words_of_a_failure(studio, status, said, words, fits):
    recording = studio.recording(studio.run(500, {"error": words}), studio.provider(status, said))
    (outcome,) = failures(only(recording), recording)
    assert only(recording).says(outcome) is fits
