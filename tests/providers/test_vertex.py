"""Which call of Vertex AI or the Gemini API a request is."""

from __future__ import annotations

import pytest

from harness.providers.vertex import Target, base_model, target

WHERE = "/v1/projects/p/locations/us-east5/publishers"
CLAUDE, GEMINI = "claude-sonnet-4@20250514", "gemini-2.5-flash"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (f"{WHERE}/anthropic/models/{CLAUDE}:rawPredict", Target("rawPredict", "anthropic", CLAUDE, True)),
        (
            f"{WHERE}/anthropic/models/claude-sonnet-4%4020250514:streamRawPredict",
            Target("streamRawPredict", "anthropic", CLAUDE, True),
        ),
        (f"{WHERE}/google/models/{GEMINI}:generateContent", Target("generateContent", "google", GEMINI)),
        (
            f"{WHERE}/google/models/{GEMINI}:streamGenerateContent?alt=sse",
            Target("streamGenerateContent", "google", GEMINI, True),
        ),
        (f"/v1beta/models/{GEMINI}:streamGenerateContent", Target("streamGenerateContent", None, GEMINI)),
        ("/token", Target("token")),
        ("/v1/models/m:embedContent", None),
        ("/v1/messages", None),
    ],
)
def test_calls(path: str, wanted: Target | None) -> None:
    assert target("POST", path) == wanted
    assert target("GET", path) is None


def test_lists_and_streams() -> None:
    assert target("GET", "/v1beta1/publishers/anthropic/models?pageSize=5") == Target("models.list", "anthropic")
    assert target("GET", "/v1beta/models") == Target("models.list")
    assert [Target(call).stream for call in ("rawPredict", "streamRawPredict", "streamGenerateContent")] == [0, 1, 1]
    assert (base_model(CLAUDE), base_model(GEMINI)) == ("claude-sonnet-4", GEMINI)
