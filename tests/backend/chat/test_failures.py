"""What becomes of a stream when Bedrock or accounting fails."""

from math import ceil

import pytest
from aiohttp import web

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


class Accounting:
    """In accounting's place: answers what it was told to."""

    def __init__(self, answers):
        self.asked = []
        self._answers = answers

    async def handle(self, request):
        step = request.path.rpartition("/")[2]
        self.asked.append((step, await request.json(), request.headers.get("Authorization")))
        status, body = self._answers.get(step, (200, {"allowed": True, "creditsUsed": 3}))
        return web.json_response(body, status=status)


@pytest.fixture
async def accounting():
    """Starts one: ``await accounting(step=(status, body))``; gives it and its address."""
    runners = []

    async def begin(**answers):
        one, app = Accounting(answers), web.Application()
        app.router.add_post("/{tail:.*}", one.handle)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return one, f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield begin
    for runner in runners:
        await runner.cleanup()


async def test_accounting_is_called_as_the_client_in_order_and_with_every_field(start, accounting):
    service, url = await accounting()
    user = await (await start(ACCOUNTING_URL=url)).user()
    session = await user.session()
    assert (await user.stream(session))[1][-1][1]["creditsUsed"] == 3
    assert [step for step, _, _ in service.asked] == ["check", "initialize", "finalize"]
    assert {token for _, _, token in service.asked} == {user.headers["Authorization"]}
    who = {"userId": user.id, "modelId": "amazon.nova-lite-v1:0"}
    assert service.asked[0][1] == {**who, "operation": "streaming"}
    assert service.asked[1][1] == {**who, "sessionId": session, "estimatedTokens": 2006}
    assert service.asked[2][1]["actualTokens"] == sum((24, 133))


@pytest.mark.parametrize(
    ("answers", "status", "code", "why"),
    [
        ({"check": (200, {"allowed": False})}, 402, "INSUFFICIENT_CREDITS", "Insufficient credits to begin a stream."),
        ({"check": (503, {})}, 502, "ACCOUNTING_ERROR", "Failed to check credits: Request failed with status code 503"),
        (
            {"initialize": (400, {"message": "estimatedTokens is required"})},
            502,
            "ACCOUNTING_ERROR",
            "Failed to initialize streaming session: Request failed with status code 400",
        ),
        (
            {"initialize": (402, {})},
            402,
            "INSUFFICIENT_CREDITS",
            "Failed to initialize streaming session: Request failed with status code 402",
        ),
    ],
)
async def test_what_accounting_refuses_is_told_before_the_provider_is_asked(
    start, accounting, bedrock, answers, status, code, why
):
    service, url = await accounting(**answers)
    user = await (await start(ACCOUNTING_URL=url)).user()
    assert await user.stream(await user.session()) == (
        status,
        {"message": chat.REFUSAL_MESSAGE, "error": why, "errorCode": code},
    )
    assert bedrock.count() == 0
    assert "abort" not in [step for step, _, _ in service.asked]


@pytest.mark.parametrize("answer", [(500, {}), (200, {}), (200, [])])
async def test_a_stream_that_cannot_be_settled_ends_in_an_error_and_is_aborted(start, accounting, answer):
    service, url = await accounting(finalize=answer)
    user = await (await start(ACCOUNTING_URL=url)).user()
    _, events = await user.stream(await user.session())
    assert (events[-1][0], events[-1][1]["errorCode"]) == ("error", "ACCOUNTING_ERROR")
    assert service.asked[-1][:2] == ("abort", {"tokensDelivered": 32})


async def test_accounting_that_is_not_there_is_told_and_logged(start, accounting):
    user = await (await start(ACCOUNTING_URL="http://127.0.0.1:1")).user()
    status, body = await user.stream(await user.session())
    assert (status, body["errorCode"]) == (503, "ACCOUNTING_UNAVAILABLE")
    _, url = await accounting(finalize=(500, {}), abort=(500, {}))
    user = await (await start(ACCOUNTING_URL=url)).user()
    await user.stream(await user.session())
    assert len(await user.log("chat.abort_failed")) == 1
