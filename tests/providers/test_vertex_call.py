"""How the simulated Vertex AI takes requests: order of refusals, tokens and their age, and any bytes at all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.fault import FAULTS, Fault
from harness.core.recording import Headers, Request
from harness.providers import anthropic
from harness.providers.call import Circumstances
from harness.providers.gemini import decode_answer, decode_error, decode_stream
from harness.providers.plan import Plan
from harness.providers.vertex import GEMINI_CALLS
from harness.providers.vertex_call import VertexReceiver
from harness.providers.vertex_token import GRANT, LIFETIME_S, AccessToken

NOW_S = 1_800_000_000.0
TOKEN = str(AccessToken("robot", int(NOW_S * 1e6)))
BEARER = (("Authorization", f"Bearer {TOKEN}"),)
PROMPT = "hi [tie:0123456789.3]"
WHERE = "/v1/projects/p/locations/us-east5/publishers"
CLAUDE = f"{WHERE}/anthropic/models/claude-sonnet-4@20250514:"
GEMINI = f"{WHERE}/google/models/gemini-2.5-flash:"
CALLS = [
    f"{CLAUDE}rawPredict",
    f"{CLAUDE}streamRawPredict",
    f"{GEMINI}generateContent",
    f"{GEMINI}streamGenerateContent?alt=sse",
    f"{GEMINI}streamGenerateContent",
]
receive = VertexReceiver()


def given_(fault: str = "none", **more: Any) -> Circumstances:
    return Circumstances(fault=FAULTS[fault], now_s=NOW_S, **more)


def body(path: str, **more: Any) -> bytes:
    if "awPredict" in path:
        claude = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 500}
        return json.dumps({**claude, "messages": [{"role": "user", "content": PROMPT}]} | more).encode()
    return json.dumps({"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]} | more).encode()


def ask(path: str, given: Circumstances, headers: Headers = BEARER) -> Plan:
    return receive("POST", path, headers, body(path)).answer(given)


def told(plan: Plan) -> tuple[int, str | None]:
    error = decode_error(plan.body)
    assert error is not None
    assert error.code == plan.status
    return plan.status, error.status


@pytest.mark.parametrize("path", CALLS)
def test_who_is_refused_first(path: str) -> None:
    sent = body(path)
    nobody = receive("POST", path, (), b"nonsense")
    assert told(nobody.answer(given_())) == (401, "UNAUTHENTICATED")
    assert told(receive("POST", path, (("authorization", "Bearer sk-test"),), sent).answer(given_())) == (
        401,
        "UNAUTHENTICATED",
    )
    nonsense = receive("POST", path, BEARER, b"nonsense " + PROMPT.encode())
    assert (nonsense.tie, told(nonsense.answer(given_()))) == ("0123456789.3", (400, "INVALID_ARGUMENT"))
    absent = path.replace("claude-sonnet-4", "claude-0").replace("gemini-2.5", "gemini-0")
    assert told(ask(absent, given_())) == (404, "NOT_FOUND")
    assert told(ask(absent, given_("http-429"))) == (429, "RESOURCE_EXHAUSTED")
    call = receive("POST", path, BEARER, sent)
    assert (call.tie, call.owner, call.answer(given_()).status) == ("0123456789.3", "robot", 200)


def test_nothing_else_is_served() -> None:
    unknown = receive("POST", "/v1/messages", BEARER, PROMPT.encode())
    assert (unknown.operation, unknown.tie, told(unknown.answer(given_()))) == (
        "unknown",
        "0123456789.3",
        (404, "NOT_FOUND"),
    )
    crossed = CALLS[0].replace("anthropic", "google")
    assert told(ask(crossed, given_())) == (404, "NOT_FOUND")


def test_claude_says_whose_bodies_it_reads() -> None:
    bare = receive("POST", CALLS[0], BEARER, body(CALLS[0]).replace(b"anthropic_version", b"version")).answer(given_())
    assert told(bare) == (400, "INVALID_ARGUMENT")
    message = anthropic.decode_message(ask(CALLS[0], given_()).body)
    assert (message.id[:9], message.model) == ("msg_vrtx_", "claude-sonnet-4-20250514")
    assert anthropic.decode_stream(ask(CALLS[1], given_()).body).text == message.text


def test_the_gemini_api_takes_a_key() -> None:
    path = "/v1beta/models/gemini-2.5-pro:generateContent"
    assert decode_answer(ask(path, given_(), (("x-goog-api-key", "AIza"),)).body).text
    listed = receive("GET", "/v1beta/models", (("x-goog-api-key", "AIza"),), b"").answer(given_())
    assert json.loads(listed.body)["models"][0]["name"] == "models/gemini-2.5-flash"


def test_a_bad_key_of_the_gemini_apis_is_a_bad_request() -> None:
    key, cloud = (("x-goog-api-key", "AIza"),), CALLS[-1]
    generate, stream = (f"/v1beta/models/gemini-2.5-pro:{call}" for call in GEMINI_CALLS)
    for path in (generate, stream, stream + "?alt=sse"):
        plan = ask(path, given_("http-401"), key)
        assert told(plan) == (400, "INVALID_ARGUMENT")
        assert json.loads(plan.body)["error"]["details"][0]["reason"] == "API_KEY_INVALID"
        assert dict(plan.headers)["content-type"].startswith("text/event-stream" if "sse" in path else "application")
    assert told(ask(generate, given_("http-401"), BEARER)) == (401, "UNAUTHENTICATED")
    assert told(ask(cloud, given_("http-401"), key)) == (401, "UNAUTHENTICATED")
    listed = receive("GET", "/v1beta/models", key, b"")
    fault = replace(FAULTS["http-401"], operation=listed.operation)
    assert told(listed.answer(Circumstances(fault=fault))) == (400, "INVALID_ARGUMENT")


def test_lists_are_of_a_publisher() -> None:
    names = {}
    for publisher in ("anthropic", "google", "nobody"):
        call = receive("GET", f"/v1beta1/publishers/{publisher}/models", BEARER, b"")
        assert (call.operation, call.owner, call.tie) == ("models.list", "robot", None)
        listed = json.loads(call.answer(given_()).body)
        names[publisher] = [model["name"] for model in listed.get("publisherModels", [])]
    assert "publishers/anthropic/models/claude-sonnet-4" in names["anthropic"]
    assert "publishers/google/models/gemini-2.5-pro" in names["google"]
    assert names["nobody"] == []


@pytest.mark.parametrize("path", [*CALLS, "/v1beta1/publishers/google/models"])
def test_an_old_token_is_refused(path: str) -> None:
    old = (("authorization", f"Bearer {AccessToken('robot', int((NOW_S - LIFETIME_S) * 1e6))}"),)
    method = "GET" if path.endswith("/models") else "POST"
    assert told(receive(method, path, old, body(path)).answer(given_())) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", CALLS)
def test_the_first_token_of_a_case_is_refused_until_a_newer_one_comes(path: str) -> None:
    first = Request("POST", path, BEARER)
    assert told(ask(path, given_("expired-token"))) == (401, "UNAUTHENTICATED")
    assert told(ask(path, given_("expired-token", first=first, attempt=1))) == (401, "UNAUTHENTICATED")
    newer = (("Authorization", f"Bearer {AccessToken('robot', int(NOW_S * 1e6) + 1)}"),)
    assert ask(path, given_("expired-token", first=first, attempt=1), newer).status == 200


def grant(iat: float = NOW_S) -> bytes:
    claims = {"iss": "robot@p.example", "aud": "x", "iat": iat, "exp": iat + 3600}
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in ({"alg": "RS256"}, claims)]
    return urlencode({"grant_type": GRANT, "assertion": ".".join((*parts, "c2ln"))}).encode()


def test_tokens_are_granted() -> None:
    call = receive("POST", "/token", (), grant())
    assert (call.operation, call.owner, call.tie) == ("token", "robot", None)
    granted = json.loads(call.answer(given_()).body)
    assert granted == {"access_token": TOKEN, "expires_in": LIFETIME_S, "token_type": "Bearer"}
    late = receive("POST", "/token", (), grant(NOW_S - 10_000)).answer(given_())
    assert (late.status, json.loads(late.body)["error"]) == (400, "invalid_grant")
    other = receive("POST", "/token", (), b"grant_type=password").answer(given_())
    assert (other.status, json.loads(other.body)["error"]) == (400, "unsupported_grant_type")


@given(st.sampled_from(CALLS), st.binary(), st.sampled_from(list(FAULTS.values())), st.booleans())
def test_every_request_gets_an_answer(path: str, noise: bytes, fault: Fault, noisy: bool) -> None:
    sent = noise if noisy else body(path)
    plan = receive("POST", path, BEARER, sent).answer(Circumstances(fault=fault, now_s=NOW_S))
    if plan.status != 200:
        assert told(plan)[1]
    elif "Generate" in path and plan.chunked:
        assert decode_stream(plan.body).events or not plan.body
