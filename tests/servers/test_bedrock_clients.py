"""The simulated Bedrock counts as right when AWS's own clients, blocking and not, work against it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import boto3
import botocore.exceptions
import pytest
import pytest_asyncio
import urllib3.exceptions
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch

from harness.cassettes.recorder import Recorder
from harness.core.case import tie_text
from harness.core.fault import FAULTS, Fault, Usage
from harness.core.names import Answer, Provider
from harness.core.recording import Ending, Exchange, Header, Source
from harness.providers.bedrock import Family, family_of
from harness.providers.bedrock_encode import MODELS
from harness.providers.reply import default_reply
from harness.servers.script import Script
from harness.servers.simulator import Simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOVA = MODELS[0]
IMPATIENT_S, PATIENT_S = 0.25, 20.0
KEYS = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "sekret", "region_name": "us-east-1"}
METHODS = {
    "invoke": "invoke_model",
    "invoke-with-response-stream": "invoke_model_with_response_stream",
    "converse": "converse",
    "converse-stream": "converse_stream",
}
STREAMS = [call for call in METHODS if call.endswith("stream")]
PLAINS = [call for call in METHODS if call not in STREAMS]
TOKENS = (f"{number:010x}" for number in itertools.count(0xB0_0000))
Ask = Callable[..., Any]


@dataclass
class Told:
    """What a user of a client has when a call is over: the text, the events, and what broke it off."""

    text: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    failure: Exception | None = None

    def take(self, event: dict[str, Any]) -> None:
        """One event of a stream."""
        self.events.append(event)
        self.text += piece(json.loads(event["chunk"]["bytes"]) if "chunk" in event else event)


@dataclass(frozen=True)
class Scripted:
    """One scripted call: its script, its prompt, and the tag in it."""

    script: Script
    prompt: str
    tie: str

    @property
    def pieces(self) -> tuple[str, ...]:
        """What the model says in a stream."""
        return default_reply(NOVA, self.prompt).pieces

    async def ended(self) -> Exchange:
        """The provider's exchange, once it has ended."""
        return (await asyncio.wait_for(self.script.ended(self.tie), PATIENT_S)).freeze()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator([Provider.BEDROCK]) as running:
        yield running


def config(make: type[Config], read_timeout_s: float) -> Config:
    return make(retries={"total_max_attempts": 1}, read_timeout=read_timeout_s, connect_timeout=PATIENT_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def askers(simulator: Simulator) -> AsyncIterator[dict[tuple[str, bool], Ask]]:
    """Both clients, patient and not: how to call each. They take long to be made, so they are made once."""
    address = {"endpoint_url": simulator.base_url(Provider.BEDROCK), **KEYS}
    session = boto3.Session()
    async with AsyncExitStack() as stack:
        made: dict[tuple[str, bool], Ask] = {}
        for patient, limit_s in ((True, PATIENT_S), (False, IMPATIENT_S)):
            blocking = session.client("bedrock-runtime", config=config(Config, limit_s), **address)
            stack.callback(blocking.close)
            made["boto3", patient] = blocked(blocking)
            creating = get_session().create_client("bedrock-runtime", config=config(AioConfig, limit_s), **address)
            made["aiobotocore", patient] = awaited(await stack.enter_async_context(creating))
        yield made


@pytest.fixture(params=["boto3", "aiobotocore"])
def ask(request: pytest.FixtureRequest, askers: dict[tuple[str, bool], Ask]) -> Ask:
    return askers[request.param, True]


def scripted(simulator: Simulator, fault: str | Fault = "none") -> Scripted:
    token = next(TOKENS)
    script = Script(FAULTS[fault] if isinstance(fault, str) else fault, Recorder(Header(source=Source.SIMULATOR)))
    simulator.script(token, script)
    return Scripted(script, f"hello {tie_text(token, 1)}", f"{token}.1")


def blocked(client: Any) -> Ask:
    """How to ask the client that blocks: in a thread."""

    def run(call: str, model: str, prompt: str) -> Told:
        told = Told()
        try:
            answer = getattr(client, METHODS[call])(**arguments(call, model, prompt))
            if call == "invoke":
                told.text = said(json.loads(answer["body"].read()))
            elif call == "converse":
                told.text = said(answer)
            else:
                with closing(answer["body" if call.startswith("invoke") else "stream"]) as stream:
                    for event in stream:
                        told.take(event)
        except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
            told.failure = failure
        return told

    return lambda *asked: asyncio.to_thread(run, *asked)


def awaited(client: Any) -> Ask:
    """How to ask the asynchronous client."""

    async def run(call: str, model: str, prompt: str) -> Told:
        told = Told()
        try:
            answer = await getattr(client, METHODS[call])(**arguments(call, model, prompt))
            if call == "invoke":
                async with answer["body"] as body:
                    told.text = said(json.loads(await body.read()))
            elif call == "converse":
                told.text = said(answer)
            else:
                with closing(answer["body" if call.startswith("invoke") else "stream"]) as stream:
                    async for event in stream:
                        told.take(event)
        except Exception as failure:  # noqa: BLE001 - whatever the client raises is what is looked at
            told.failure = failure
        return told

    return run


def arguments(call: str, model: str, prompt: str) -> dict[str, Any]:
    if call.startswith("invoke"):
        return {"modelId": model, "body": json.dumps(body(model, prompt)).encode()}
    return {"modelId": model, "messages": [{"role": "user", "content": [{"text": prompt}]}]}


def body(model: str, prompt: str) -> dict[str, Any]:
    common = {"temperature": 0.7, "top_p": 0.9}
    match family_of(model):
        case Family.NOVA:
            messages = [{"role": "user", "content": [{"text": prompt}]}]
            return {"inferenceConfig": {"max_new_tokens": 2000, **common}, "messages": messages}
        case Family.TITAN:
            return {"inputText": prompt, "textGenerationConfig": {"maxTokenCount": 2000, "topP": 0.9}}
        case Family.LLAMA:
            return {"prompt": prompt, "max_gen_len": 2000, **common}
    claude = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 2000}
    return {**claude, "messages": [{"role": "user", "content": prompt}]}


def said(answer: dict[str, Any]) -> str:
    """The text of a plain answer of any family."""
    if "results" in answer:
        return str(answer["results"][0]["outputText"])
    if "generation" in answer:
        return str(answer["generation"])
    content = answer["output"]["message"]["content"] if "output" in answer else answer["content"]
    return "".join(block["text"] for block in content)


def piece(event: dict[str, Any]) -> str:
    """The text of one event of a stream of any family."""
    if "contentBlockDelta" in event:
        return str(event["contentBlockDelta"]["delta"]["text"])
    return event.get("outputText") or event.get("generation") or (event.get("delta") or {}).get("text") or ""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("call", METHODS)
async def test_each_call_to_each_model(simulator: Simulator, ask: Ask, call: str, model: str) -> None:
    one = scripted(simulator)
    told = await ask(call, model, one.prompt)
    assert told.failure is None
    assert told.text == default_reply(model, one.prompt).text
    exchange = await one.ended()
    assert (exchange.operation, exchange.provider, exchange.ending) == (call, "bedrock", Ending.EOF)
    assert ("%3A" in exchange.request.url) is (":" in model)


async def test_the_events_of_a_conversation(simulator: Simulator, ask: Ask) -> None:
    one = scripted(simulator)
    told = await ask("converse-stream", NOVA, one.prompt)
    names = [next(iter(event)) for event in told.events]
    assert names == ["messageStart", *["contentBlockDelta"] * 8, "contentBlockStop", "messageStop", "metadata"]
    usage = told.events[-1]["metadata"]["usage"]
    assert usage["outputTokens"] == default_reply(NOVA, one.prompt).completion_tokens


ERRORS = {
    "http-400": "ValidationException",
    "http-401": "UnrecognizedClientException",
    "http-403": "AccessDeniedException",
    "http-404": "ResourceNotFoundException",
    "http-408": "ModelTimeoutException",
    "http-424": "ModelErrorException",
    "http-429": "ThrottlingException",
    "http-429-date": "ThrottlingException",
    "http-429-bare": "ThrottlingException",
    "http-500": "InternalServerException",
    "http-502": "InternalServerException",
    "http-504": "InternalServerException",
    "http-503": "ServiceUnavailableException",
    "http-529": "InternalServerException",
    "model-not-ready": "ModelNotReadyException",
    "quota-exceeded": "ServiceQuotaExceededException",
}


@pytest.mark.parametrize("call", METHODS)
@pytest.mark.parametrize(("fault", "code"), ERRORS.items(), ids=ERRORS)
async def test_errors(simulator: Simulator, ask: Ask, call: str, fault: str, code: str) -> None:
    told = await ask(call, NOVA, scripted(simulator, fault).prompt)
    assert isinstance(told.failure, botocore.exceptions.ClientError)
    assert told.failure.response["Error"]["Code"] == code
    assert told.failure.response["ResponseMetadata"]["HTTPStatusCode"] == FAULTS[fault].status
    assert ("AKIATEST" in str(told.failure)) is (fault == "http-401")


@pytest.mark.parametrize("model", MODELS[1:])
@pytest.mark.parametrize("call", ["invoke", "invoke-with-response-stream"])
async def test_errors_are_the_same_for_each_family(simulator: Simulator, ask: Ask, call: str, model: str) -> None:
    for fault in ("http-400", "http-424", "http-429", "http-503", "model-not-ready"):
        told = await ask(call, model, scripted(simulator, fault).prompt)
        assert isinstance(told.failure, botocore.exceptions.ClientError)
        assert told.failure.response["Error"]["Code"] == ERRORS[fault]
        assert told.failure.response["ResponseMetadata"]["HTTPStatusCode"] == FAULTS[fault].status


async def test_no_such_model(simulator: Simulator, ask: Ask) -> None:
    told = await ask("converse", "amazon.nova-tiny-v1:0", scripted(simulator).prompt)
    assert isinstance(told.failure, botocore.exceptions.ClientError)
    assert told.failure.response["Error"]["Code"] == "ValidationException"


WHOLE = [
    fault.id
    for fault in FAULTS.values()
    if fault.strikes(Provider.BEDROCK, Answer.STREAM) and fault.cosmetic and fault.id != "none"
] + ["wrong-content-type", *(fault.id for fault in FAULTS.values() if fault.usage is not Usage.TRUE)]


@pytest.mark.parametrize("call", STREAMS)
@pytest.mark.parametrize("fault", WHOLE)
async def test_streams_that_the_client_takes_for_sound(simulator: Simulator, ask: Ask, call: str, fault: str) -> None:
    one = scripted(simulator, fault)
    told = await ask(call, NOVA, one.prompt)
    assert told.failure is None
    assert told.text == "".join(one.pieces) + (" And again." if fault == "after-done" else "")


SILENT = {"cut": 3, "no-finish": FAULTS["no-finish"].after, "half-frame": 3, "empty-body": 0, "empty-choices": 0}


@pytest.mark.parametrize("call", STREAMS)
@pytest.mark.parametrize(("fault", "pieces"), SILENT.items(), ids=SILENT)
async def test_failures_that_the_client_does_not_see(
    simulator: Simulator, ask: Ask, call: str, fault: str, pieces: int
) -> None:
    one = scripted(simulator, fault)
    told = await ask(call, NOVA, one.prompt)
    assert told.failure is None
    assert told.text == "".join(one.pieces[:pieces])


BROKEN = (urllib3.exceptions.ProtocolError, aiohttp.ClientPayloadError)
LOUD: dict[str, tuple[int, tuple[type[Exception], ...], str]] = {
    "reset-before-first": (0, BROKEN, ""),
    "reset-mid-stream": (3, BROKEN, ""),
    "error-event": (3, (botocore.exceptions.EventStreamError,), "modelStreamErrorException"),
    "error-chunk": (3, (botocore.exceptions.EventStreamError,), "InternalFailure"),
    "throttled-in-band": (3, (botocore.exceptions.EventStreamError,), "throttlingException"),
    "malformed-chunk": (3, (KeyError,), ""),
    "bad-crc": (3, (ChecksumMismatch,), ""),
    "bad-prelude-crc": (3, (ChecksumMismatch,), ""),
    "json-on-stream": (0, (ChecksumMismatch,), ""),
}


@pytest.mark.parametrize("call", STREAMS)
@pytest.mark.parametrize(("fault", "seen"), LOUD.items(), ids=LOUD)
async def test_failures_that_break_the_stream_off(
    simulator: Simulator, ask: Ask, call: str, fault: str, seen: tuple[int, tuple[type[Exception], ...], str]
) -> None:
    pieces, kinds, words = seen
    one = scripted(simulator, fault)
    told = await ask(call, NOVA, one.prompt)
    assert told.text == "".join(one.pieces[:pieces])
    assert isinstance(told.failure, kinds)
    assert words in str(told.failure)


EXCEPTIONS = (
    "internalServerException",
    "modelStreamErrorException",
    "validationException",
    "throttlingException",
    "serviceUnavailableException",
)
IN_FRAMES = [(call, name) for call in STREAMS for name in EXCEPTIONS]
IN_FRAMES.append(("invoke-with-response-stream", "modelTimeoutException"))  # a conversation has none of that name


@pytest.mark.parametrize(("call", "name"), IN_FRAMES)
async def test_each_exception_in_a_frame_is_raised_by_its_name(
    simulator: Simulator, ask: Ask, call: str, name: str
) -> None:
    one = scripted(simulator, replace(FAULTS["error-event"], error_type=name))
    told = await ask(call, NOVA, one.prompt)
    assert told.text == "".join(one.pieces[:3])
    assert isinstance(told.failure, botocore.exceptions.EventStreamError)
    assert told.failure.response["Error"]["Code"] == name
    assert told.failure.response["Error"]["Message"]


@pytest.mark.parametrize("client", ["boto3", "aiobotocore"])
@pytest.mark.parametrize(
    ("call", "fault", "pieces"),
    [*((call, "no-headers", 0) for call in METHODS), *((call, "stall-mid-stream", 3) for call in STREAMS)],
)
async def test_silence_ends_when_the_client_gives_up(
    simulator: Simulator, askers: dict[tuple[str, bool], Ask], client: str, call: str, fault: str, pieces: int
) -> None:
    one = scripted(simulator, fault)
    told = await askers[client, False](call, NOVA, one.prompt)
    assert told.text == "".join(one.pieces[:pieces])
    assert isinstance(
        told.failure, botocore.exceptions.HTTPClientError | urllib3.exceptions.ReadTimeoutError | TimeoutError
    )
    assert (await one.ended()).ending is Ending.CLIENT_CLOSE


NO_ANSWERS: dict[tuple[str, str], type[Exception]] = {
    ("invoke", "not-json"): json.JSONDecodeError,
    ("invoke", "empty-body"): json.JSONDecodeError,
    ("converse", "not-json"): KeyError,  # either is taken for an answer with nothing in it
    ("converse", "empty-body"): KeyError,
}


@pytest.mark.parametrize(("call", "fault"), NO_ANSWERS)
async def test_answers_that_are_not_json(simulator: Simulator, ask: Ask, call: str, fault: str) -> None:
    told = await ask(call, NOVA, scripted(simulator, fault).prompt)
    assert isinstance(told.failure, NO_ANSWERS[call, fault])


TORN = (*BROKEN, botocore.exceptions.HTTPClientError, botocore.exceptions.ResponseStreamingError)


@pytest.mark.parametrize("call", PLAINS)
async def test_an_answer_that_breaks_off(simulator: Simulator, ask: Ask, call: str) -> None:
    one = scripted(simulator, "reset-plain")
    told = await ask(call, NOVA, one.prompt)
    assert isinstance(told.failure, TORN)
    assert (await one.ended()).ending is Ending.RESET


@pytest.mark.parametrize("call", METHODS)
async def test_refused(simulator: Simulator, ask: Ask, call: str) -> None:
    one = scripted(simulator)
    async with simulator.unreachable(Provider.BEDROCK):
        told = await ask(call, NOVA, one.prompt)
    assert isinstance(told.failure, botocore.exceptions.EndpointConnectionError)
    assert (await ask(call, NOVA, one.prompt)).failure is None
