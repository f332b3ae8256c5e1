"""Loading strangers' documents is safe: bounded, and nothing but plain data comes out."""

import datetime
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.readers import documents
from harness.cassettes.readers.documents import load_json, load_yaml
from harness.core.errors import CassetteError, CassetteLimit


def test_plain_data_comes_out():
    assert load_yaml("a: [1, 2.5, true, null, text]\nb: !!binary aGk=\nc: !binary |-\n  aGk=\n", "f") == [
        {"a": [1, 2.5, True, None, "text"], "b": b"hi", "c": b"hi"}
    ]


def test_every_document_of_a_file_comes_out():
    assert load_yaml("---\na: 1\n---\nb: 2\n", "f") == [{"a": 1}, {"b": 2}]
    assert load_yaml("", "f") == []


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!ruby/object:Object {}", "!x y"]
)
def test_a_tag_that_would_construct_something_is_refused_by_name(tag: str):
    with pytest.raises(CassetteError, match="line 2 holds the tag") as refused:
        load_yaml(f"a: 1\nb: {tag}\n", "f.yaml")
    assert refused.value.where == "f.yaml"
    assert "python" in str(refused.value) or "ruby" in str(refused.value) or "!x" in str(refused.value)


@pytest.mark.parametrize("deep", ["[" * 300_000, "{a: " * 300_000, "- " * 300_000])
def test_depth_is_bounded_before_it_can_crash_the_interpreter(deep: str):
    with pytest.raises(CassetteLimit, match=r"deeper than 100|too deep"):
        load_yaml(deep, "f")


def test_aliases_are_read_and_what_they_unfold_to_is_bounded():
    assert load_yaml("a: &x [1, 2]\nb: *x\n", "f") == [{"a": [1, 2], "b": [1, 2]}]
    levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(CassetteLimit, match="aliases"):
        load_yaml("\n".join(levels), "f")


def test_the_text_that_aliases_unfold_to_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 1000)
    long = "x" * 300
    assert load_yaml(f"a: &a {long}\nb: [*a, *a]\n", "f") == [{"a": long, "b": [long, long]}]
    with pytest.raises(CassetteLimit, match="aliases"):
        load_yaml(f"a: &a {long}\nb: [*a, *a, *a]\n", "f")
    with pytest.raises(CassetteLimit, match="aliases"):
        load_yaml(f"a: &a [{long}]\nb: [*a, *a, *a]\n", "f")


def test_an_alias_of_what_it_is_in_is_refused():
    with pytest.raises(CassetteError, match="part of"):
        load_yaml("&a [1, *a]", "f")


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    with pytest.raises(CassetteLimit, match="larger than"):
        load_yaml("a: 12345678", "f")
    with pytest.raises(CassetteLimit, match="larger than"):
        load_json("[1,2,3,4,5,6]", "f")


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\x00", "? {1: 2}\n: 3", "d: 2020-99-99", "- &a\n- *b"])
def test_what_is_no_yaml_is_a_declared_error(text: str):
    with pytest.raises(CassetteError):
        load_yaml(text, "f")


def test_dates_are_plain_data_too():
    assert load_yaml("a: 2020-01-02\n", "f") == [{"a": datetime.date(2020, 1, 2)}]


@pytest.mark.parametrize("text", ["{", "[1,", "nope", "", "[" * 100_000])
def test_what_is_no_json_is_a_declared_error(text: str):
    with pytest.raises(CassetteError):
        load_json(text, "f")


@given(st.text() | st.text(alphabet="[]{}-:&*!?|>'\"ab \n\t,#%@`0.~<="))
def test_any_text_gives_data_or_a_declared_error(text: str):
    for load in (load_yaml, load_json):
        with suppress(CassetteError):
            load(text, "f")
