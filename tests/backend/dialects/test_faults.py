"""Whatever a provider does, each dialect makes of it what the evidence says that it was."""

from dataclasses import replace

import pytest

from harness.backend.gateway.errors import ErrorMapper
from harness.backend.log import Scrubber
from harness.contracts.upstream import Way
from harness.core.fault import FAULTS, Reach, Then
from harness.core.names import Answer, Form, Provider
from harness.systems import gateway

MODELS = (
    (Provider.OPENAI, "gpt-4o-mini", Form.CHUNKS),
    (Provider.ANTHROPIC, "claude-haiku-4-5", Form.EVENTS),
    (Provider.BEDROCK, "amazon.nova-micro-v1:0", Form.FRAMES),
    (Provider.VERTEX, "gemini-2.5-flash", Form.CANDIDATES),
    (Provider.VERTEX, "claude-haiku-4-5", Form.EVENTS),
)
PATIENT = {"TIMEOUT_FIRST_BYTE_S": "10", "TIMEOUT_BETWEEN_SEGMENTS_S": "10"}
"""Limits that a busy machine can keep, for providers that are not to be given up."""
CASES = [
    pytest.param(provider, model, fault, answer, id=f"{provider}-{model.partition('-')[0]}-{fault.id}-{answer}")
    for provider, model, form in MODELS
    for fault in FAULTS.values()
    for answer in Answer
    if fault.strikes(provider, answer, form) and fault.reach is Reach.OK
]


def code(error):
    return None if error is None else ErrorMapper(Scrubber(())).provider_failure(error).code


@pytest.mark.parametrize(("provider", "model", "fault", "answer"), CASES)
async def test_a_fault_is_told_as_the_table_has_it(asking, count, provider, model, fault, answer):
    async with asking(**({} if fault.silent or fault.then is Then.STALL else PATIENT)) as ask:
        got = await ask(provider, fault.id, model=model, stream=answer is Answer.STREAM)
    outcome = got.seen.outcome(gateway.PROVIDER_TABLE)
    complete_all_the_same = got.error is not None and got.finish_reasons and not got.error.said
    assert code(None if complete_all_the_same else got.error) == (outcome and outcome.code)
    if got.seen.way is Way.COMPLETE:
        assert got.text == got.seen.text
        assert tuple(got.finish_reasons) == got.seen.finish_reasons
        assert count(got.usage, got.text) == got.seen.counted
    else:
        assert got.seen.text.startswith(got.text)
    if fault.status in (400, 401, 429):
        assert got.error.words == got.seen.error.message
        assert got.error.retry_after == got.seen.exchange.response.header("retry-after")


IN_FRAMES = {
    "internalServerException": "provider_unavailable",
    "modelStreamErrorException": "provider_unavailable",
    "validationException": "invalid_request_error",
    "throttlingException": "rate_limit_exceeded",
    "serviceUnavailableException": "provider_unavailable",
}


@pytest.mark.parametrize(("name", "told"), IN_FRAMES.items(), ids=IN_FRAMES)
async def test_each_exception_that_a_conversation_has_in_a_frame_has_the_code_of_its_status(ask, name, told):
    fault = replace(FAULTS["error-event"], error_type=name)
    got = await ask(Provider.BEDROCK, fault, stream=True)
    outcome = got.seen.outcome(gateway.PROVIDER_TABLE)
    assert code(got.error) == outcome.code == told
    assert got.text == got.seen.text != ""
    assert got.error.type == name
