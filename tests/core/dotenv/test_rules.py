import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dotenv import Severity, check, read

OPENAI = "sk-proj-" + "a1B2" * 6
GROQ = "gsk_" + "a1B2" * 6
ANTHROPIC = "sk-ant-api03-" + "a1B2" * 6
ERROR, WARNING = Severity.ERROR, Severity.WARNING

WRONG = {
    "repeated, other value": ("A=b\nA=c", 2, "A", ERROR, "set on line 1 too, to another value"),
    "repeated, same value": ("A=b\nA=b", 2, "A", WARNING, "the same value"),
    "quote never closed": ('A="b', 1, "A", ERROR, "never closed"),
    "quote never opened": ('A=b"', 1, "A", ERROR, "never opened"),
    "quote without partner": ('A=b"c', 1, "A", ERROR, "without its partner"),
    "quotes inside": ('A=b"c"d', 1, "A", WARNING, "quotes inside"),
    "apostrophe": ("GREETING=it's", 1, "GREETING", WARNING, "quotes inside"),
    "something after the quote": ('A="b"c', 1, "A", ERROR, "follows the closing quote"),
    "typographic quotes": ("A=\u201cb\u201d", 1, "A", ERROR, "typographic"),
    "blanks around =": ("A = b", 1, "A", WARNING, "around the ="),
    "blank before =": ("A =b", 1, "A", WARNING, "around the ="),
    "blanks after": ("A=b  ", 1, "A", WARNING, "after the value"),
    "blanks inside": ("A=b c", 1, "A", WARNING, "inside an unquoted value"),
    "blank inside quotes": ("A=' b'", 1, "A", WARNING, "inside its quotes"),
    "hash inside": ("A=b#c", 1, "A", WARNING, "begin a comment"),
    "no-break space": ("A=b\u00a0c", 1, "A", ERROR, "U+00A0 no-break space"),
    "zero width": ("A=b\u200b", 1, "A", ERROR, "U+200B zero width space"),
    "control character": ("A=b\x07", 1, "A", ERROR, "U+0007"),
    "no-break space in quotes": ("A='b\u00a0c'", 1, "A", WARNING, "U+00A0"),
    "placeholder": ("OPENAI_API_KEY=your-key-here", 1, "OPENAI_API_KEY", ERROR, "placeholder"),
    "placeholder elsewhere": ("APP_NAME=changeme", 1, "APP_NAME", WARNING, "placeholder"),
    "angle brackets": ("JWT_SECRET=<secret>", 1, "JWT_SECRET", ERROR, "placeholder"),
    "crosses": ("GROQ_API_KEY=xxxxxxxx", 1, "GROQ_API_KEY", ERROR, "placeholder"),
    "prefix and crosses": ("GROQ_API_KEY=gsk_xxxx", 1, "GROQ_API_KEY", ERROR, "placeholder"),
    "prefix and dots": ("OPENAI_API_KEY=sk-...", 1, "OPENAI_API_KEY", ERROR, "placeholder"),
    "prefix and your": ("OPENAI_API_KEY=sk-your-openai-key", 1, "OPENAI_API_KEY", ERROR, "placeholder"),
    "to do": ("DB_PASSWORD=TODO", 1, "DB_PASSWORD", ERROR, "placeholder"),
    "null": ("GROQ_API_KEY=null", 1, "GROQ_API_KEY", ERROR, "placeholder"),
    "your project": ("SUPABASE_URL=https://your-project.supabase.co", 1, "SUPABASE_URL", WARNING, "placeholder"),
    "empty secret": ("GROQ_API_KEY=", 1, "GROQ_API_KEY", WARNING, "is empty"),
    "OpenAI's for Groq": (f"GROQ_API_KEY={OPENAI}", 1, "GROQ_API_KEY", ERROR, "a secret of OpenAI (sk-p****)"),
    "Groq's for OpenAI": (f"OPENAI_API_KEY={GROQ}", 1, "OPENAI_API_KEY", ERROR, "a secret of Groq (gsk_****)"),
    "Anthropic's for OpenAI": (f"OPENAI_API_KEY={ANTHROPIC}", 1, "OPENAI_API_KEY", ERROR, "a secret of Anthropic"),
    "OpenAI's for Anthropic": (f"ANTHROPIC_API_KEY={OPENAI}", 1, "ANTHROPIC_API_KEY", ERROR, "a secret of OpenAI"),
    "in a model": (f"GROQ_DEFAULT_MODEL={GROQ}", 1, "GROQ_DEFAULT_MODEL", ERROR, "does not belong here"),
    "in a page": (f"VITE_OPENAI_API_KEY={OPENAI}", 1, "VITE_OPENAI_API_KEY", ERROR, "anybody can read"),
    "port of words": ("PORT=http", 1, "PORT", ERROR, "no number"),
    "port of other digits": ("PORT=\u0664", 1, "PORT", ERROR, "no number"),
    "port 0": ("PORT=0", 1, "PORT", ERROR, "no port"),
    "port too large": ("REDIS_PORT=65536", 1, "REDIS_PORT", ERROR, "no port"),
    "port of thousands of digits": (f"PORT={'9' * 5000}", 1, "PORT", ERROR, "no port"),
    "no port": ("PORT=", 1, "PORT", WARNING, "is empty"),
    "no scheme": ("OPENAI_BASE_URL=api.openai.com/v1", 1, "OPENAI_BASE_URL", ERROR, "without a scheme"),
    "host and port": ("REDIS_URL=localhost:6379", 1, "REDIS_URL", ERROR, "without a scheme"),
    "endpoint": ("AZURE_OPENAI_ENDPOINT=h.example", 1, "AZURE_OPENAI_ENDPOINT", WARNING, "without a scheme"),
}


@pytest.mark.parametrize(("text", "line", "key", "level", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_the_one_problem_that_is_found(text, line, key, level, words):
    (problem,) = check(read(text))
    assert (problem.line, problem.key, problem.level) == (line, key, level)
    assert words in problem.what
    assert problem.mend


RIGHT = {
    "keys": f"OPENAI_API_KEY={OPENAI}\nGROQ_API_KEY={GROQ}\nANTHROPIC_API_KEY={ANTHROPIC}",
    "another place's key": f"OPENAI_BASE_URL=https://api.groq.com/openai/v1\nOPENAI_API_KEY={GROQ}",
    "nobody's key": f"MY_SERVICE_TOKEN={OPENAI}",
    "a cloud's id": "AWS_ACCESS_KEY_ID=AKIAABCDEFGHIJKLMNOP",
    "a public key": "SUPABASE_ANON_KEY=",
    "a number of tokens": "MAX_TOKENS=",
    "port": "PORT=4000\nREDIS_PORT=6379",
    "addresses": "A_URL=https://h\nDATABASE_URL=sqlite:///x\nB_URL=file:./dev.db\nC_URL=/api\nD_URL=",
    "variables": "A_URL=$HOST/x\nPORT=${BASE}1\nGROQ_API_KEY=$SECRET",
    "a language": "LOCALE=sk",
    "a story": "SITE_URL=https://tell-your-story.com",
    "JSON": 'A={"b":"c"}',
    "quotes": "A='b c'\nB=\"it's\"",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_is_right_has_no_problem(text):
    assert check(read(text)) == ()


def test_problems_come_by_line_and_say_where_what_and_how():
    problems = check(read("PORT=x\nA = b\nhello"))
    assert [one.text("f.env") for one in problems[:2]] == [
        "f.env:1: PORT: is no number. Give a number from 1 to 65535.",
        "f.env:2: A: warning: there are blanks around the =, which a shell and docker do not allow. Take them out.",
    ]
    assert problems[2].text("f.env").startswith("f.env:3: this line is no setting: it has no =. Write it as KEY=value")


BODIES = st.text(string.ascii_letters + string.digits, min_size=20, max_size=40)
SECRETS = st.builds(
    str.__add__, st.sampled_from(["", "sk-", "sk-proj-", "sk-ant-", "gsk_", "AIza", "hf_", "ghp_", "AKIA"]), BODIES
)
KEYS = st.sampled_from(["OPENAI_API_KEY", "GROQ_API_KEY", "PORT", "MODEL", "A_URL", "VITE_KEY", "my.key", "X"])
AROUND = st.sampled_from(
    [
        *("{k}={s}", "{k}={s} {s}", "{k}={s}PORT=1", "{k}={s}=={s}", "{k}={s}\u00a0", "{k}=xPORT={s}", "{k} = '{s}'x"),
        *('{k}="{s}', '{k}="{s}"{s}', '{k}="\n{s}=\n{s}"', "{k}: {s}", "{k} {s}={s}"),
        *("{s}", "{s}=", "{s}={s}", "export {s}"),
    ]
)


@given(st.lists(st.tuples(AROUND, KEYS, SECRETS), max_size=5))
def test_no_secret_is_ever_shown(lines):
    problems = check(read("\n".join(around.format(k=key, s=secret) for around, key, secret in lines)))
    said = "\n".join(one.text("f") + repr(one) for one in problems)
    assert not [secret for _, _, secret in lines if secret in said]


@given(st.text(st.sampled_from("AB_=\"'`\\#\n \tPORTKEYsk-gsk_x<>?&:/$19") | st.characters(), max_size=80))
def test_any_text_is_checked(text):
    problems = check(read(text))
    assert list(problems) == sorted(problems, key=lambda one: one.line)
    assert all("\n" not in one.text("f") for one in problems)
