import pytest

from harness.core.dotenv import Severity, check, read

TOGETHER = {
    "the incident": ("GROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000", ("GROQ_DEFAULT_MODEL", "PORT")),
    "after a number": ("PORT=4000GROQ_API_KEY=x", ("PORT", "GROQ_API_KEY")),
    "after a digit of a model": ("GROQ_DEFAULT_MODEL=llama-8B1PORT=4000", ("GROQ_DEFAULT_MODEL", "PORT")),
    "after capitals": ("OPENAI_API_KEY=sk-ABCPORT=4000", ("OPENAI_API_KEY", "PORT")),
    "capitals and underscores": ("GROQ_API_KEY=gsk_ABCOPENAI_API_KEY=y", ("GROQ_API_KEY", "OPENAI_API_KEY")),
    "an unknown key": ("MODEL=tinyMY_OWN_FLAG=1", ("MODEL", "MY_OWN_FLAG")),
    "an unknown key that ends like a known one": ("MODEL=tinySUPPORT=1", ("MODEL", "SUPPORT")),
    "after nothing": ("OPENAI_API_KEY=PORT=4000", ("OPENAI_API_KEY", "PORT")),
    "after an address": ("OPENAI_BASE_URL=https://h/v1PORT=4000", ("OPENAI_BASE_URL", "PORT")),
    "after a query": ("DATABASE_URL=postgres://h/db?sslmode=requirePORT=1", ("DATABASE_URL", "PORT")),
    "after padding": ("JWT_SECRET=c2VjcmV0cw==PORT=1", ("JWT_SECRET", "PORT")),
    "after a quote": ('A_B="x"PORT=4000', ("A_B", "PORT")),
    "on one line": ("A_B=x PORT=4000", ("A_B", "PORT")),
    "three": ("A_B=xPORT=4000NODE_ENV=production", ("A_B", "PORT", "NODE_ENV")),
    "set to nothing": ("A_B=xPORT=", ("A_B", "PORT")),
    "a workflow": (
        "OPENAI_API_KEY=kEDN360_TRAINING_WORKFLOW_ID=wf_1",
        ("OPENAI_API_KEY", "EDN360_TRAINING_WORKFLOW_ID"),
    ),
}


@pytest.mark.parametrize(("line", "keys"), TOGETHER.values(), ids=TOGETHER)
def test_settings_that_ran_together_are_named_with_their_line(line, keys):
    problem = next(one for one in check(read(f"# first\n{line}")) if "run together" in one.what)
    assert (problem.line, problem.key, problem.level) == (2, keys[0], Severity.ERROR)
    assert all(key in problem.what for key in keys)
    assert all(key in problem.mend for key in keys[1:])


APART = {
    "a query": "BASE_URL=https://h/p?A_B=c&PORT=4000",
    "sslmode": "DATABASE_URL=postgres://u:p@h:5432/db?sslmode=require",
    "padding": "JWT_SECRET=YWJjREVGX0dISQ==",
    "one padding": "JWT_SECRET=YWJjREVGX0dIS=",
    "padding after capitals": "JWT_SECRET=abcDEFGHIJ==",
    "JSON": 'CONFIG={"PORT=1": "aPORT=4000"}',
    "a list": 'CONFIG=["xPORT=4000"]',
    "quoted": 'NOTE="instantPORT=4000"',
    "single quotes": "NOTE='instantPORT=4000'",
    "comment": "NOTE=a # PORT=4000",
    "comment after quotes": 'NOTE="a" # PORT=4000',
    "connection string": "CONNECTION=DRIVER={x};SERVER=h;PORT=1;UID=me;PWD=you",
    "storage account": "CONNECTION=DefaultEndpointsProtocol=https;AccountName=a;AccountKey=YWJj==",
    "a flag": "JAVA_OPTS=-Xmx1g -DSERVER_PORT=8080",
    "a long flag": "ARGS=--env=MY_PORT=4000",
    "lower case": "PGOPTIONS=host=h port=5432",
    "attributes": "OTEL_RESOURCE_ATTRIBUTES=service.name=a,DEPLOY_ENV=b",
    "a short word": "NOTE=xAB=1",
    "template": "NOTE=%PORT=1",
}


@pytest.mark.parametrize("line", APART.values(), ids=APART)
def test_a_value_may_hold_an_equals_sign(line):
    assert not [one for one in check(read(line)) if "run together" in one.what]


def test_names_of_ones_own_can_be_added():
    text = "A_B=x-QUUX=1"
    assert not check(read(text))
    assert "A_B and QUUX have run together" in check(read(text), known=["QUUX"])[0].what


def test_the_first_value_is_judged_without_what_ran_into_it():
    whats = [one.what for one in check(read("PORT=4000GROQ_DEFAULT_MODEL=m"))]
    assert whats == ["PORT and GROQ_DEFAULT_MODEL have run together on one line"]
