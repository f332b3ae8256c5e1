"""The real traffic of strangers: it is right by definition, so whatever fails on it is our mistake."""

import os
from collections import Counter
from pathlib import Path

import pytest

from harness.cassettes import readers
from harness.contracts import load
from harness.core.verdict import Subject, Verdict
from harness.suite.check import NO_FAMILY, CheckReport, check

FORMATS = {
    "vcrpy": (
        "Mirascope+mirascope/python",
        "elastic+elastic-otel-python-instrumentations",
        "newrelic+newrelic-python-agent",
        "open-telemetry+opentelemetry-python-contrib",
        "pydantic+logfire",
        "pydantic+pydantic-ai",
        "simonw+llm",
        "simonw+llm-anthropic",
        "simonw+llm-gemini",
        "simonw+llm-openai-plugin",
        "simonw+llm-openrouter",
    ),
    "har": ("Mirascope+mirascope/typescript",),
    "ruby-vcr": ("alexrudall+anthropic", "alexrudall+ruby-openai", "crmne+ruby_llm", "tidyverse+ellmer"),
    "go-vcr": (
        "anthropics+anthropic-sdk-go",
        "charmbracelet+fantasy",
        "docker+cagent",
        "envoyproxy+ai-gateway",
    ),
    "wiremock": ("open-telemetry+opentelemetry-java-instrumentation",),
    "nock": ("open-telemetry+opentelemetry-js-contrib",),
    "httprr": ("tmc+langchaingo",),
    "body-only": ("langwatch+langwatch", "prism-php+prism", "vercel+ai"),
}
"""What each folder's recordings are, by SOURCES.md."""
FILES = {
    "vcrpy": 708,
    "ruby-vcr": 353,
    "go-vcr": 273,
    "httprr": 51,
    "har": 35,
    "wiremock": 29,
    "nock": 25,
    "body-only": 4,
}
"""How many files of each format there were at least when this was written."""
INTERACTIONS = {
    "vcrpy": 1072,
    "ruby-vcr": 700,
    "go-vcr": 372,
    "httprr": 62,
    "har": 36,
    "wiremock": 62,
    "nock": 32,
    "body-only": 4,
}
"""The same of their interactions."""
JUDGED = {
    ("anthropic", "anthropic"): 189,
    ("bedrock", "anthropic"): 44,
    ("bedrock", "bedrock"): 260,
    ("deepseek", "openai"): 24,
    ("gemini", "gemini"): 185,
    ("groq", "groq"): 9,
    ("groq", "openai"): 73,
    ("mistral", "openai"): 26,
    ("openai", "openai"): 277,
    ("openrouter", "openai"): 129,
    ("vertex", "anthropic"): 7,
    ("vertex", "gemini"): 84,
    ("vertex", "vertex"): 15,
    ("xai", "openai"): 22,
}
"""Provider and family of contracts -> in how many exchanges the family had something to judge, at least."""
CHUNKS = {
    "bedrock.invoke-stream-stop": 32,
    "bedrock.invoke-stream-order": 21,
    "bedrock.invoke-blocks-closed": 20,
    "bedrock.invoke-stream-words": 10,
    "bedrock.invoke-stream-not-empty": 12,
    "bedrock.stream-exception": 1,
}
"""Contract -> in how many invoke streams it judged what their chunks hold, at least."""
CLAUDES_STREAMS = 23
"""How many invoke streams are Claude's: Anthropic's contracts judge their chunks."""
NEVER_RECORDED = {"vertex.token-error", *(id_ for id_, one in load().items() if one.family == "chatkit")}
"""Contracts of providers of which no stranger recorded a subject: ChatKit's messages, and a token that is refused."""
MADE_UP = 6
"""Answers of Bedrock's that never came from there: see ``provider_invocations.is_own``."""
PAPERS = ("LICENSE", "NOTICE", "SOURCES")
UNREAD = frozenset({"not a recording in any format that is known"})
"""Why a file may stay unread: each of them is a paper that came with the recordings."""


@pytest.fixture(scope="module")
def corpus() -> Path:
    """The folder of strangers' recordings, which the environment names."""
    named = os.environ.get("HARNESS_CORPUS")
    if not named:
        pytest.skip("HARNESS_CORPUS names no folder of strangers' recordings: nothing real can be judged")
    return Path(named)


@pytest.fixture(scope="module")
def report(corpus: Path) -> CheckReport:
    """All of it, judged once."""
    return check([corpus])


def test_no_real_traffic_fails(report: CheckReport):
    assert [(one.path, one.contract, one.violation.sentence) for one in report.failures] == []
    assert set(report.verdicts) == {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_enough_of_it_is_judged(report: CheckReport):
    chats = sum(
        report.providers[provider]["chat.completions"] for provider in ("openai", "groq", "openrouter", "mistral")
    )
    assert report.interactions >= sum(INTERACTIONS.values())
    assert chats >= 500
    assert report.verdicts[Verdict.PASS] >= 5000


@pytest.mark.parametrize(("provider", "family"), JUDGED, ids="-by-".join)
def test_the_traffic_of_each_provider_is_judged(report: CheckReport, provider: str, family: str):
    assert report.judged[provider][family] >= JUDGED[provider, family]


def test_every_contract_of_a_providers_judges_real_traffic(report: CheckReport):
    known = {id_ for id_, one in load().items() if one.subject is Subject.PROVIDER}
    assert {id_ for id_ in known if not report.contracts[id_]} == NEVER_RECORDED


def test_what_the_chunks_of_every_invoke_stream_hold_is_judged(report: CheckReport):
    """Of those that came to an end: one fails in the midst, and is judged as far as it goes."""
    assert {id_: count for id_, count in CHUNKS.items() if report.contracts[id_] < count} == {}
    told = report.contracts["bedrock.invoke-stream-stop"] + CLAUDES_STREAMS
    assert told == report.contracts["bedrock.invocation-metrics"]


def test_every_answer_of_bedrock_is_judged_but_for_what_is_no_answer_of_a_models(report: CheckReport):
    """Those are counts of tokens, and bodies that another library's tests made up."""
    assert report.judged["bedrock"][NO_FAMILY] <= report.providers["bedrock"]["count-tokens"] + MADE_UP


def test_every_exchange_has_a_place_but_for_plain_downloads(report: CheckReport):
    nowhere = report.providers["unknown"]
    assert nowhere == Counter({"other": nowhere.total()})
    assert nowhere.total() <= 20
    assert all("other" not in ends for provider, ends in report.providers.items() if provider != "unknown")


def test_every_file_is_read_or_its_reason_named(report: CheckReport):
    """All recordings are read to the last interaction; what is not read is no recording."""
    assert {reason for _, reason in report.unread} <= UNREAD
    assert [path for path, _ in report.unread if not Path(path).name.startswith(PAPERS)] == []
    assert report.files == report.formats.total() + len(report.unread)
    assert {name: count for name, count in FILES.items() if report.formats[name] < count} == {}


@pytest.mark.parametrize("name", INTERACTIONS)
def test_each_format_gives_its_interactions(corpus: Path, name: str):
    read = report_of(corpus, name)
    assert read.formats.keys() == {name}
    assert read.interactions >= INTERACTIONS[name]
    assert read.failures == []


def report_of(corpus: Path, name: str) -> CheckReport:
    """The report on the folders whose recordings are of this format, without their papers."""
    files = [path for folder in FORMATS[name] for path in (corpus / folder).rglob("*") if path.is_file()]
    return check([path for path in files if not path.name.startswith((*PAPERS, "."))])


@pytest.mark.parametrize(
    ("name", "folder"), [(name, folder) for name, folders in FORMATS.items() for folder in folders]
)
def test_formats_are_told_apart(corpus: Path, name: str, folder: str):
    files = [
        path for path in (corpus / folder).rglob("*") if path.is_file() and not path.name.startswith((*PAPERS, "."))
    ]
    found = [readers.detect(readers.load(path)) for path in files]
    assert files
    assert {one.name if one else None for one in found} == {name}


def test_no_real_stream_is_taken_for_a_broken_one(report: CheckReport):
    assert report.broken_off == []
