"""The real traffic of strangers: it is right by definition, so whatever fails on it is our mistake."""

import os
from collections import Counter
from pathlib import Path

import pytest

from harness.cassettes import readers
from harness.core.verdict import Verdict
from harness.suite.check import CheckReport, check

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
PAPERS = ("LICENSE", "NOTICE", "SOURCES")


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
    assert report.interactions >= 1000
    assert chats >= 280
    assert report.verdicts[Verdict.PASS] >= 2000


def test_every_exchange_has_a_place_but_for_plain_downloads(report: CheckReport):
    nowhere = report.providers["unknown"]
    assert nowhere == Counter({"other": nowhere.total()})
    assert nowhere.total() <= 20
    assert all("other" not in ends for provider, ends in report.providers.items() if provider != "unknown")


def test_every_file_is_read_or_its_reason_named(report: CheckReport, corpus: Path):
    """vcrpy's files are read to the last interaction; what is not read is another format, or no recording."""
    reasons = {reason for _, reason in report.unread}
    assert reasons <= {
        "not a recording in any format that is known",
        *(f"format {known.name}: not read yet" for known in readers.FORMATS if known.read is None),
    }
    papers = [path for path, reason in report.unread if reason == "not a recording in any format that is known"]
    assert all(Path(path).name.startswith(PAPERS) for path in papers)
    unread = {path for path, _ in report.unread}
    assert report.files == report.formats.total() + len(papers)
    assert report.formats["vcrpy"] == report.files - len(unread) - sum(
        report.formats[known.name] for known in readers.FORMATS if known.read is not None and known.name != "vcrpy"
    )


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
