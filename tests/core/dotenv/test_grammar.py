import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dotenv import Severity, read

VALUES = {
    "plain": ("A=b", {"A": "b"}),
    "empty": ("A=", {"A": ""}),
    "several": ("A=b\nC=d\n", {"A": "b", "C": "d"}),
    "CR LF": ("A=b\r\nC=d\r\n", {"A": "b", "C": "d"}),
    "CR": ("A=b\rC=d", {"A": "b", "C": "d"}),
    "byte order mark": ("\ufeffA=b", {"A": "b"}),
    "no text": ("", {}),
    "blank lines": ("\n  \n\t\nA=b\n\n", {"A": "b"}),
    "comment lines": ("# A=b\n  # C=d\nE=f", {"E": "f"}),
    "export": ("export A=b\n  export\tC=d", {"A": "b", "C": "d"}),
    "called export": ("export=1", {"export": "1"}),
    "blanks around": ("  A \t=  b  ", {"A": "b"}),
    "comment after": ("A=b # c", {"A": "b"}),
    "only a comment": ("A= # c", {"A": ""}),
    "hash inside": ("A=b#c", {"A": "b#c"}),
    "equals inside": ("A=b=c==", {"A": "b=c=="}),
    "single quotes": (r"A='b # \n c'", {"A": r"b # \n c"}),
    "backticks": ("A=`b 'c' \"d\"`", {"A": "b 'c' \"d\""}),
    "double quotes": ('A="b # c"', {"A": "b # c"}),
    "escapes": (r'A="\"\\\n\r\t\$\x"', {"A": '"\\\n\r\t$\\x'}),
    "escapes outside of double quotes": (r"A=b\n", {"A": r"b\n"}),
    "quote and comment": ("A=\"b\" # c\nD='e'#f", {"A": "b", "D": "e"}),
    "several lines": ('A="b\nc\n\nd"\nE=f', {"A": "b\nc\n\nd", "E": "f"}),
    "several lines of a key": ('A="-----BEGIN\nMIIE==\nabc\n-----END"', {"A": "-----BEGIN\nMIIE==\nabc\n-----END"}),
    "escaped quote, then another line": ('A="b\\"\nc"', {"A": 'b"\nc'}),
    "JSON": ('A={"b": 1}', {"A": '{"b": 1}'}),
    "dashes and dots": ("a-b.c=d", {"a-b.c": "d"}),
    "the last one counts, both are told": ("A=b\nA=c", {"A": "c"}),
}


@pytest.mark.parametrize(("text", "values"), VALUES.values(), ids=VALUES)
def test_values_are_read_as_common_readers_read_them(text, values):
    assert {setting.key: setting.value for setting in read(text).settings} == values


PROBLEMS = {
    "no setting": ("A=b\nhello\n", 2, "no setting"),
    "YAML": ("A: b", 1, "no setting"),
    "exported only": ("export A", 1, "given no value"),
    "no key": ("=b", 1, "no key before"),
    "blank in the key": ("A B=c", 1, "blanks in it"),
    "digit first": ("1A=b", 1, "is no key"),
    "letters of another alphabet": ("\u041aEY=b", 1, "is no key"),
    "dash in the key": ("A-B=c", 1, "other characters"),
    "byte order mark": ("\ufeffA=b", 1, "byte order mark"),
}


@pytest.mark.parametrize(("text", "line", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_the_grammar_does_not_allow_is_a_problem(text, line, words):
    (problem,) = read(text).problems
    assert problem.line == line
    assert words in problem.what


def test_a_quote_that_is_never_closed_ends_with_its_line():
    settings = read('A="b\nC="d"\nE=\'f\nG=h').settings
    assert [(one.key, one.value, one.line, one.closed) for one in settings] == [
        ("A", "b", 1, False),
        ("C", "d", 2, True),
        ("E", "f", 3, False),
        ("G", "h", 4, True),
    ]


def test_a_setting_knows_its_lines_and_how_it_was_written():
    first, second = read('export A = "b\nc" tail\nD=e  ').settings
    assert (first.line, first.last_line, first.quoted, first.tail, first.exported, first.spaced) == (
        (1, 2, '"', "tail", True, True)
    )
    assert (second.line, second.last_line, second.quoted, second.exported, second.trailing) == (3, 3, "", False, True)


def test_nobody_shows_a_value_by_printing_a_setting():
    assert "hidden" not in repr(read("A='hidden' hidden\nB=hidden"))


@given(st.text(st.sampled_from("AB=\"'`\\#\n\r \t$aexport\ufeff\u00a0") | st.characters(), max_size=60))
def test_any_text_is_read(text):
    dotenv = read(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= one.line <= one.last_line <= lines for one in dotenv.settings)
    assert all(1 <= one.line <= lines for one in dotenv.problems)
    assert all(one.level in Severity for one in dotenv.problems)


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=20), max_size=5))
def test_what_is_written_in_double_quotes_is_read_back(values):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    lines = [f'{key}="{"".join(escapes.get(char, char) for char in value)}"' for key, value in values.items()]
    dotenv = read("\n".join(lines))
    assert {setting.key: setting.value for setting in dotenv.settings} == values
    assert not dotenv.problems
