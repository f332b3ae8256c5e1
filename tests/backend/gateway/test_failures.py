import asyncio

import pytest

PLAIN, STREAM = {}, {"stream": True}
BOTH = pytest.mark.parametrize("how", [PLAIN, STREAM], ids=["plain", "stream"])


def words_of(events):
    return "".join(c["delta"].get("content") or "" for e in events if "choices" in e for c in e["choices"])


def errors_of(events):
    return [e["error"] for e in events if isinstance(e, dict) and "error" in e]


# -- what does not: before the headers


FAILURES = [
    (401, 502, "provider_auth_error"),
    (403, 502, "provider_auth_error"),
    (404, 404, "model_not_found"),
    (400, 400, "invalid_request_error"),
    (429, 429, "rate_limit_exceeded"),
    (500, 503, "provider_unavailable"),
    (503, 503, "provider_unavailable"),
    (529, 503, "provider_unavailable"),
    (302, 502, "provider_invalid_response"),
]


@BOTH
@pytest.mark.parametrize(("theirs", "ours", "code"), FAILURES)
async def test_a_providers_status_is_mapped_by_the_table(backend, provider, parts, how, theirs, ours, code):
    words = f"Something about {parts['openai_key']} is wrong"
    provider.plain({"error": {"message": words, "type": "x", "param": "messages", "code": None}}, status=theirs)
    user = await backend.user()
    status, _, answer = await backend.chat(user, **how)
    assert (status, answer["error"]["code"], answer["error"]["type"]) == (ours, code, code)
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert parts["openai_key"] not in str(answer)
    expected = "Something about [redacted] is wrong" if theirs == 400 else None
    assert (answer["error"]["message"] == expected) is (theirs == 400)
    assert answer["error"]["param"] == ("messages" if theirs == 400 else None)
    assert await backend.kinds(user) == [("hold", 1), ("release", 1)]
    assert len(provider.bodies) == 1
    (line,) = await backend.log(user)
    assert (line["status"], line["phase"], line["httpStatus"]) == ("failed", "provider", ours)
    assert line["error"]
    assert "Traceback" in line["stack"]
    assert parts["openai_key"] not in str(line)


@BOTH
@pytest.mark.parametrize("wait", ["7", "Wed, 21 Oct 2026 07:28:00 GMT", None])
async def test_retry_after_is_passed_on_as_it_came(backend, provider, how, wait):
    provider.plain({"error": {"message": "slow down"}}, status=429, headers={"retry-after": wait} if wait else {})
    _, headers, _ = await backend.chat(await backend.user(), **how)
    assert headers.get("retry-after") == wait


@BOTH
@pytest.mark.parametrize(
    ("body", "label"),
    [
        (b"", "application/json"),
        (b"<html>", "application/json"),
        (b"<html>", "text/html"),
        (b"[1, 2]", "application/json"),
        (b'{"choices": []}', "application/json"),
        (b'{"choices": ["x"]}', "application/json"),
        (b'{"choices": [{"message": {"content": 7}}]}', "application/json"),
        (b'{"choices": [{"message": null}]}', "application/json"),
        (b'{"choices": [{"message": {"content": "x"}}]}', "text/html"),
        (b"[" * 100_000, "application/json"),
        (b"\xff", "application/json"),
    ],
)
async def test_what_the_protocol_does_not_allow_is_an_invalid_response(backend, provider, how, body, label):
    provider.plain(body, content_type=label)
    user = await backend.user()
    status, _, answer = await backend.chat(user, **how)
    assert (status, answer["error"]["code"]) == (502, "provider_invalid_response")
    assert await backend.kinds(user) == [("hold", 1), ("release", 1)]


@pytest.mark.parametrize("events", [(), (b": comment\n\n",), (b'data: {"choices": []}\n\n',), (b"data: [DONE]\n\n",)])
async def test_a_stream_without_anything_for_the_client_is_an_invalid_response(backend, provider, events):
    provider.stream(*events)
    status, _, answer = await backend.chat(await backend.user(), stream=True)
    assert (status, answer["error"]["code"]) == (502, "provider_invalid_response")


async def test_a_stream_labelled_as_something_else_is_an_invalid_response(backend, provider, parts):
    provider.stream(*parts["healthy"], content_type="text/html")
    status, _, answer = await backend.chat(await backend.user(), stream=True)
    assert (status, answer["error"]["code"]) == (502, "provider_invalid_response")


async def test_a_reset_before_the_first_event_keeps_its_own_status(backend, provider):
    provider.stream(then="reset")
    status, _, answer = await backend.chat(await backend.user(), stream=True)
    assert (status, answer["error"]["code"]) == (502, "provider_stream_incomplete")


@BOTH
async def test_a_refused_connection_is_told_as_unreachable(start, unused_tcp_port, how):
    backend = await start(OPENAI_API_URL=f"http://127.0.0.1:{unused_tcp_port}/v1")
    status, _, answer = await backend.chat(await backend.user(), **how)
    assert (status, answer["error"]["code"]) == (503, "provider_unreachable")


@BOTH
@pytest.mark.parametrize("limit", ["TIMEOUT_FIRST_BYTE_S", "TIMEOUT_WHOLE_CALL_S"])
async def test_a_provider_that_does_not_answer_is_a_time_out(start, provider, how, limit):
    provider.hang()
    backend = await start(**{limit: "0.1"})
    user = await backend.user()
    status, _, answer = await backend.chat(user, **how)
    assert (status, answer["error"]["code"]) == (504, "provider_timeout")
    assert await backend.kinds(user) == [("hold", 1), ("release", 1)]
    await asyncio.wait_for(provider.gone.wait(), 5)


# -- what does not: after the headers


@pytest.mark.parametrize(
    ("then", "settings", "code"),
    [
        ("end", {}, "provider_stream_incomplete"),
        ("reset", {}, "provider_stream_incomplete"),
        ("stall", {"TIMEOUT_BETWEEN_SEGMENTS_S": "0.1"}, "provider_timeout"),
        ("stall", {"TIMEOUT_WHOLE_CALL_S": "0.2"}, "provider_timeout"),
    ],
)
async def test_a_stream_that_breaks_off_is_told_in_band_and_charged_for_what_was_delivered(
    start, provider, parts, sse, then, settings, code
):
    provider.stream(parts["role"], *parts["pieces"][:2], then=then)
    backend = await start(**settings)
    user = await backend.user()
    status, _, raw = await backend.chat(user, stream=True, stream_options={"include_usage": True})
    events = sse(raw)
    assert status == 200
    assert events[-1] == "[DONE]"
    assert events.count("[DONE]") == 1
    (error,) = errors_of(events)
    assert events[-2] == {"error": error}
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["type"]) == (code, code)
    assert words_of(events[:-2]) == "Hello, "
    assert all(c["finish_reason"] is None for e in events[:-2] for c in e["choices"])
    found = await backend.ledger(user)
    assert [entry["kind"] for entry in found["entries"]] == ["grant", "hold", "settle"]
    (row,) = found["usage"]
    assert (row["input_tokens"], row["output_tokens"], row["estimated"], row["credits"]) == (0, 2, True, 1)
    (line,) = await backend.log(user)
    assert (line["status"], line["phase"], line["httpStatus"]) == ("failed", "provider", 200)
    assert (line["chunkCount"], line["completionLength"], line["estimated"]) == (3, 7, True)


@pytest.mark.parametrize(("credits", "charge", "shortfall"), [(1_000, 9, 0), (3, 3, 6)])
async def test_a_stream_that_breaks_off_past_its_limit_costs_all_that_was_delivered(
    start, provider, parts, credits, charge, shortfall
):
    provider.stream(parts["role"], parts["event"](parts["chunk"]({"content": "x" * 40_000})), then="reset")
    backend = await start()
    user = await backend.user(credits=credits)
    await backend.chat(user, stream=True, max_tokens=1)
    held, settled = (await backend.ledger(user))["entries"][1:]
    assert (held["amount"], settled["amount"], settled["shortfall"]) == (1, charge, shortfall)


async def test_a_stream_that_breaks_off_before_its_first_words_costs_nothing(backend, provider, parts, sse):
    provider.stream(parts["role"], then="reset")
    user = await backend.user()
    _, _, raw = await backend.chat(user, stream=True)
    assert errors_of(sse(raw))[0]["code"] == "provider_stream_incomplete"
    assert await backend.kinds(user) == [("hold", 1), ("release", 1)]
    assert (await backend.ledger(user))["usage"] == []


IN_BAND = [
    ({"message": "no", "status_code": 400}, "invalid_request_error", "no"),
    ({"message": "slow", "type": "rate_limit_error"}, "rate_limit_exceeded", None),
    ({"message": "sk-0123456789", "code": 401}, "provider_auth_error", None),
    ({"message": "overloaded", "type": "server_error"}, "provider_unavailable", None),
    ({"message": "bad gateway", "code": 502}, "provider_unavailable", None),
    ("just words", "provider_unavailable", None),
]


@pytest.mark.parametrize(("error", "code", "message"), IN_BAND)
@pytest.mark.parametrize("named", [b"", b"event: error\n"])
async def test_what_the_provider_says_in_band_is_mapped_like_a_status(
    backend, provider, parts, sse, error, code, message, named
):
    provider.stream(parts["role"], parts["pieces"][0], named + parts["event"]({"error": error}))
    _, _, raw = await backend.chat(await backend.user(), stream=True)
    (told,) = errors_of(sse(raw))
    assert told["code"] == code
    assert message in (None, told["message"])
    assert b"sk-0123456789" not in raw


async def test_an_event_that_is_not_json_ends_the_stream_as_invalid(backend, provider, parts, sse):
    provider.stream(parts["role"], parts["pieces"][0], b"data: {oops\n\n", *parts["healthy"][2:])
    _, _, raw = await backend.chat(await backend.user(), stream=True)
    events = sse(raw)
    assert errors_of(events)[0]["code"] == "provider_invalid_response"
    assert words_of(events[:-2]) == "Hel"


@pytest.mark.parametrize("then", ["end", "reset"])
async def test_an_answer_that_was_finished_is_complete_without_the_providers_done(backend, provider, parts, sse, then):
    provider.stream(parts["role"], *parts["pieces"], parts["finish"], parts["used"], then=then)
    user = await backend.user()
    _, _, raw = await backend.chat(user, stream=True)
    events = sse(raw)
    assert errors_of(events) == []
    assert events[-1] == "[DONE]"
    assert (await backend.ledger(user))["usage"][0]["output_tokens"] == 12


async def test_what_comes_after_done_is_ignored(backend, provider, parts, sse):
    provider.stream(*parts["healthy"], parts["pieces"][0], parts["done"])
    _, _, raw = await backend.chat(await backend.user(), stream=True)
    assert words_of(sse(raw)[:-1]) == "".join(parts["words"])
    assert sse(raw).count("[DONE]") == 1
