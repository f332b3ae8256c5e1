"""What a stream costs by way of accounting, whatever accounting is and says: another service stands in its place."""

from math import ceil

import pytest

from harness.backend.gateway.tokens import TOKENS_MAX
from harness.providers.reply import Reply
from harness.systems import chat

MODEL = "amazon.nova-lite-v1:0"


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
    assert service.asked[2][1] == {"actualTokens": sum((24, 133))}


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
        ({"initialize": (409, {})}, 409, "SESSION_BUSY", "The session is streaming already."),
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


@pytest.mark.parametrize("answer", [(500, {}), (404, {}), (302, {}), None])
async def test_a_stream_that_cannot_be_settled_ends_in_an_error_and_is_aborted(start, accounting, answer):
    service, url = await accounting(finalize=answer)
    user = await (await start(ACCOUNTING_URL=url)).user()
    _, events = await user.stream(await user.session())
    code = "ACCOUNTING_UNAVAILABLE" if answer is None else "ACCOUNTING_ERROR"
    assert (events[-1][0], events[-1][1]["errorCode"]) == ("error", code)
    assert service.asked[-1][:2] == ("abort", {"tokensDelivered": 32})


async def test_accounting_that_is_not_there_is_told_and_logged(start, accounting):
    user = await (await start(ACCOUNTING_URL="http://127.0.0.1:1")).user()
    status, body = await user.stream(await user.session())
    assert (status, body["errorCode"]) == (503, "ACCOUNTING_UNAVAILABLE")
    _, url = await accounting(finalize=(500, {}), abort=(500, {}))
    user = await (await start(ACCOUNTING_URL=url)).user()
    await user.stream(await user.session())
    assert len(await user.log("chat.abort_failed")) == 1


UNSURE = [(500, {}), (503, b"<html>"), (302, {}), None]
"""Answers after which a hold may stand; None is none at all."""


@pytest.mark.parametrize("answer", UNSURE)
async def test_a_hold_that_may_stand_is_released_before_the_client_is_told(start, accounting, bedrock, answer):
    service, url = await accounting(initialize=answer)
    user = await (await start(ACCOUNTING_URL=url)).user()
    status, body = await user.stream(await user.session())
    known = (503, "ACCOUNTING_UNAVAILABLE") if answer is None else (502, "ACCOUNTING_ERROR")
    assert (status, body["errorCode"]) == known
    assert service.asked[-1][:2] == ("abort", {"tokensDelivered": 0})
    assert bedrock.count() == 0


@pytest.mark.parametrize(
    "said", [b"", b"{}", b"[]", b"OK", b"\xff", b'{"creditsUsed": null}', b'{"creditsUsed": true}']
)
async def test_accounting_that_answers_what_was_agreed_and_nothing_else_will_do(start, accounting, said):
    balance = (200, {"allowed": True, "balance": 9_000})
    service, url = await accounting(check=balance, initialize=(201, said), finalize=(200, said), abort=(200, said))
    user = await (await start(ACCOUNTING_URL=url)).user()
    _, events = await user.stream(await user.session())
    price = ceil(sum(events[-1][1]["usage"].values()) * 0.15)
    assert (events[-1][0], events[-1][1]["creditsUsed"]) == ("done", price)
    assert service.asked[-1][:2] == ("finalize", {"actualTokens": sum(events[-1][1]["usage"].values())})
    assert [line["creditsUsed"] for line in await user.log("chat.stream")] == [price]


async def test_a_cost_that_accounting_does_not_tell_is_at_most_the_balance(start, accounting):
    _, url = await accounting(check=(200, {"allowed": True, "balance": 5}), finalize=(200, b""))
    user = await (await start(ACCOUNTING_URL=url)).user()
    _, events = await user.stream(await user.session(), estimatedTokens=1)
    assert events[-1][1]["creditsUsed"] == 5


@pytest.mark.parametrize("said", [b"", b'{"creditsUsed": 5}'])
async def test_the_log_says_what_a_stream_cost_that_broke_off(start, accounting, bedrock, said):
    _, url = await accounting(abort=(200, said))
    backend = await start(ACCOUNTING_URL=url)
    user = await backend.user()
    bedrock.fails("reset-mid-stream")
    _, events = await user.stream(await user.session())
    delivered = sum(len(data["text"]) for name, data in events if name == "delta")
    (line,) = await user.log("chat.stream")
    assert line["creditsUsed"] == (5 if said else ceil(ceil(delivered / 4) * 0.15)) > 0


async def test_the_log_says_what_was_charged_and_what_was_used(user, bedrock):
    _, events = await user.stream(await user.session())
    bedrock.fails("reset-mid-stream")
    await user.stream(await user.session(), estimatedTokens=1)
    whole, broken = await user.log("chat.stream")
    used = events[-1][1]["usage"]
    assert whole.items() >= {**used, "estimated": False, "creditsUsed": events[-1][1]["creditsUsed"]}.items()
    charges = [amount for kind, amount in (await user.account())[1] if kind == "settle"]
    assert [whole["creditsUsed"], broken["creditsUsed"]] == charges
    assert "estimated" not in broken


@pytest.mark.parametrize(("given", "made", "taken"), [(1, TOKENS_MAX - 1, True), (1, TOKENS_MAX, False)])
async def test_whatever_the_provider_counts_accounting_takes(user, bedrock, given, made, taken):
    bedrock.script.reply = Reply(("Few words.",), given, made, MODEL)
    _, events = await user.stream(await user.session())
    used = sum(events[-1][1]["usage"].values())
    assert (events[-1][0], used == given + made) == ("done", taken)
    assert (await user.account())[1][-1] == ("settle", min(10_000, ceil(used * 0.15)))
