"""Files of settings: what they may say, and what is refused with file, line and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backend.dotenv import DotEnv
from harness.backend.settings import SETTINGS, SettingsError

DOTENV = DotEnv(SETTINGS)
SECRET = "gsk_verysecret"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("\n  \n# a comment\n  # another", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        (" A = 1 ", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=#nothing", {"A": ""}),
        ("A=a#b # comment", {"A": "a#b"}),
        ("A=x # PORT=4000", {"A": "x"}),
        ("A='a # b'  # comment", {"A": "a # b"}),
        ('A="a \\"b\\" \\n \\\\ \\x"', {"A": 'a "b" \n \\ x'}),
        ("A=it's", {"A": "it's"}),
        ("A=a=b==", {"A": "a=b=="}),
        ("A=$B ${C}", {"A": "$B ${C}"}),
        ("A=SPORT", {"A": "SPORT"}),
    ],
)
def test_what_a_file_sets(text, found):
    assert DOTENV.read(text) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("GROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000", ".env line 1: GROQ_DEFAULT_MODEL and PORT have"),
        (f"\nPORT=4000GROQ_API_KEY={SECRET}", ".env line 2: PORT and GROQ_API_KEY have"),
        (f"GROQ_API_KEY={SECRET}OPENAI_API_KEY={SECRET}", ".env line 1: GROQ_API_KEY and OPENAI_API_KEY have"),
        (f"GROQ_API_KEY='{SECRET}'PORT=4000", ".env line 1: GROQ_API_KEY and PORT have"),
        (f'X="{SECRET}PORT=4000"', ".env line 1: X and PORT have"),
        (f"GROQ_API_KEY={SECRET} PORT=4000", ".env line 1: GROQ_API_KEY and PORT have"),
        ("A=1\nB=2\nA=1", ".env line 3: A was set before, on line 1"),
        (f"A=1\n{SECRET}", ".env line 2: this is not NAME=value"),
        (f"={SECRET}", ".env line 1: this is not NAME=value"),
        (f"1A={SECRET}", ".env line 1: this is not NAME=value"),
        (f"A B={SECRET}", ".env line 1: this is not NAME=value"),
        (f"A={SECRET}\0", ".env line 1: this is not NAME=value"),
        (f"A='{SECRET}", ".env line 1: the value of A has no closing quote"),
        (f'A="{SECRET}\nB=2', ".env line 1: the value of A has no closing quote"),
        (f"A='{SECRET}' x", ".env line 1: something follows the closing quote of A"),
    ],
)
def test_what_is_refused_and_that_no_value_is_told(text, told):
    with pytest.raises(SettingsError) as refused:
        DOTENV.read(text)
    assert str(refused.value).startswith(told)
    assert SECRET not in str(refused.value)


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z").filter(lambda name: name not in SETTINGS),
        st.text(st.characters(exclude_characters="\n\r'\0", exclude_categories=["Cs"]), max_size=20).filter(
            lambda value: not any(f"{name}=" in value for name in SETTINGS)
        ),
        max_size=5,
    )
)
def test_what_is_written_in_single_quotes_is_read_back(values):
    assert DOTENV.read("\n".join(f"{name}='{value}'" for name, value in values.items())) == values


@given(st.sampled_from(sorted(SETTINGS)), st.sampled_from(sorted(SETTINGS)), st.from_regex(r"\A[a-z0-9.-]{0,20}\Z"))
def test_any_two_settings_on_one_line_are_named(first, second, value):
    with pytest.raises(SettingsError, match=rf"^f\.env line 1: {first} and {second} have run together"):
        DOTENV.read(f"{first}={value}{second}=x", "f.env")


@given(st.text(max_size=60))
def test_whatever_comes_is_read_or_refused(text):
    try:
        said = [str(value) for value in DOTENV.read(text).values()]
    except SettingsError as refused:
        said = [str(refused)]
    assert all("PORT=" not in value for value in said)
