"""What becomes of a stream when Bedrock fails."""

import re
from math import ceil

import pytest

from harness.systems import chat

BEFORE = {
    "http-400": (400, "PROVIDER_REJECTED_REQUEST"),
    "http-401": (502, "PROVIDER_AUTH_ERROR"),
    "http-403": (502, "PROVIDER_AUTH_ERROR"),
    "http-404": (400, "MODEL_NOT_AVAILABLE"),
    "http-424": (503, "PROVIDER_UNAVAILABLE"),
    "http-429": (429, "RATE_LIMIT_EXCEEDED"),
    "http-503": (503, "PROVIDER_UNAVAILABLE"),
    "no-headers": (504, "PROVIDER_TIMEOUT"),
    "reset-before-first": (502, "PROVIDER_STREAM_INCOMPLETE"),
    "empty-body": (502, "PROVIDER_INVALID_RESPONSE"),
    "empty-choices": (502, "PROVIDER_INVALID_RESPONSE"),
    "wrong-content-type": (502, "PROVIDER_INVALID_RESPONSE"),
    "json-on-stream": (502, "PROVIDER_INVALID_RESPONSE"),
}
MIDWAY = {
    "reset-mid-stream": "PROVIDER_STREAM_INCOMPLETE",
    "cut": "PROVIDER_STREAM_INCOMPLETE",
    "stall-mid-stream": "PROVIDER_TIMEOUT",
    "error-event": "PROVIDER_UNAVAILABLE",
    "error-chunk": "PROVIDER_UNAVAILABLE",
    "malformed-chunk": "PROVIDER_INVALID_RESPONSE",
    "throttled-in-band": "RATE_LIMIT_EXCEEDED",
    "bad-crc": "PROVIDER_INVALID_RESPONSE",
}
SHORT = {"TIMEOUT_FIRST_BYTE_S": "1.5", "TIMEOUT_BETWEEN_SEGMENTS_S": "1.5"}


@pytest.mark.parametrize("fault", BEFORE)
async def test_before_the_stream_a_failure_has_its_status_and_costs_nothing(start, bedrock, fault):
    backend = await start(**SHORT)
    user = await backend.user()
    bedrock.fails(fault)
    status, body = await user.stream(await user.session())
    assert (status, body["errorCode"]) == BEFORE[fault]
    assert body["message"] == chat.REFUSAL_MESSAGE
    assert "AKIA" not in body["error"]
    assert [kind for kind, _ in (await user.account())[1]] == ["hold", "release"]
    (line,) = await user.log("chat.stream")
    assert (line["status"], line["phase"], line["httpStatus"]) == ("failed", "provider", status)


@pytest.mark.parametrize(
    ("fault", "form"), [("http-429", r"\d+"), ("http-429-date", r".* GMT"), ("http-429-bare", None)]
)
async def test_a_limit_says_how_long_to_wait_as_the_provider_did(user, bedrock, fault, form):
    bedrock.fails(fault)
    async with user.open(await user.session()) as response:
        told = response.headers.get("retry-after")
        assert (response.status, told is None) == (429, form is None)
        assert form is None or re.fullmatch(form, told)


@pytest.mark.parametrize("fault", MIDWAY)
async def test_in_the_stream_a_failure_is_told_in_band_and_costs_what_was_delivered(start, bedrock, fault):
    backend = await start(**SHORT)
    user = await backend.user()
    bedrock.fails(fault)
    status, events = await user.stream(await user.session())
    assert (status, [name for name, _ in events]) == (200, ["delta"] * 3 + ["error"])
    assert events[-1][1]["errorCode"] == MIDWAY[fault]
    delivered = sum(len(data["text"]) for name, data in events if name == "delta")
    entries = (await user.account())[1]
    assert entries[1] == ("settle", ceil(ceil(delivered / 4) * 0.15))


@pytest.mark.parametrize("fault", ["no-done", "duplicate-done", "after-done", "split-utf8", "one-byte-segments"])
async def test_an_answer_that_is_whole_is_whole_however_it_came(user, bedrock, fault):
    bedrock.fails(fault)
    status, events = await user.stream(await user.session())
    assert (status, [name for name, _ in events]) == (200, ["delta"] * 8 + ["done"])


@pytest.mark.parametrize("fault", ["no-usage", "zero-usage", "absurd-usage-huge", "absurd-usage-nan"])
async def test_a_usage_that_cannot_be_believed_is_estimated(user, bedrock, fault):
    bedrock.fails(fault)
    _, events = await user.stream(await user.session())
    text = "".join(data["text"] for name, data in events if name == "delta")
    prompt = len("Hello [tie:0123456789.1]")
    assert sum(events[-1][1]["usage"].values()) == -(-(prompt + len(text)) // 4)


async def test_a_provider_that_is_not_there_is_unreachable(start):
    backend = await start(BEDROCK_URL="http://127.0.0.1:1")
    user = await backend.user()
    status, body = await user.stream(await user.session())
    assert (status, body["errorCode"]) == (503, "PROVIDER_UNREACHABLE")
