"""The simulated ChatKit: OpenAI's own client makes the sessions; the message calls, which it has not, by plain HTTP."""

import asyncio
import json

import aiohttp
import httpx
import openai
import pytest

from harness.cassettes.recorder import Recorder
from harness.core.case import tie_text
from harness.core.fault import FAULTS
from harness.core.names import Answer, Provider
from harness.core.recording import Ending, Header, Source
from harness.providers.chatkit import CREATE, LIST, SEND, decode_messages, find_answer
from harness.providers.chatkit_encode import KEY, POLLS
from harness.servers.gate import Gate, before_headers
from harness.servers.script import Script
from harness.servers.simulator import Simulator

TOKEN = "0123456789"
TIE = f"{TOKEN}.1"
OWNER = "11111111-1111-4111-8111-111111111111"
WORKFLOW = {"id": "wf_1"}
BETA = {"OpenAI-Beta": "chatkit_beta=v1"}
MESSAGE = {"role": "user", "content": [{"type": "input_text", "text": json.dumps({"note": tie_text(TOKEN, 1)})}]}
INCIDENT = {"error": {"message": "Unknown parameter: 'input'.", "type": "invalid_request_error", "param": "input"}}


class Side:
    """A scripted ChatKit, a client of OpenAI's for it, and a session for plain HTTP."""

    def __init__(self, simulator, client, http):
        self.simulator = simulator
        self.client = client
        self.http = http
        self.recorder = Recorder(Header(source=Source.SIMULATOR))
        self.script = Script(recorder=self.recorder)
        self.follow("none")

    def follow(self, fault):
        """Put a script with this fault in the place of the one before."""
        self.script = Script(FAULTS[fault], self.recorder)
        self.simulator.script(TOKEN, self.script)
        self.simulator.claim(OWNER, self.script)

    async def session(self, **more):
        return await self.client.beta.chatkit.sessions.create(user=OWNER, workflow=WORKFLOW, **more)

    def address(self, session):
        return f"{self.simulator.base_url(Provider.CHATKIT)}/chatkit/sessions/{session}/messages"

    async def send(self, session, message=MESSAGE):
        async with self.http.post(self.address(session), json=message) as response:
            return response.status, await response.json()

    async def poll(self, session, query="?limit=50&order=desc"):
        async with self.http.get(self.address(session) + query) as response:
            return response.status, await response.read()

    async def answers(self, session, polls):
        """What each of so many polls finds: the answer's text, or None."""
        return [find_answer(decode_messages((await self.poll(session))[1])) for _ in range(polls)]

    async def told(self):
        """A session that has been told what is asked for."""
        session = (await self.session()).id
        assert (await self.send(session))[0] == 200
        return session

    def exchanges(self):
        return self.recorder.recording().exchanges


@pytest.fixture
async def chatkit(simulator: Simulator):
    async with (
        openai.AsyncOpenAI(base_url=simulator.base_url(Provider.CHATKIT), api_key="sk-test", max_retries=0) as client,
        aiohttp.ClientSession(headers={"authorization": "Bearer sk-test", **BETA}) as http,
    ):
        yield Side(simulator, client, http)


async def test_the_client_makes_a_session(chatkit):
    session = await chatkit.session()
    assert session.object == "chatkit.session"
    assert session.status == "active"
    assert (session.user, session.workflow.id) == (OWNER, WORKFLOW["id"])
    assert session.client_secret
    assert (await chatkit.session()).id != session.id


async def test_three_steps_to_an_answer(chatkit):
    session = await chatkit.told()
    *before, answer = await chatkit.answers(session, POLLS + 1)
    assert before == [None] * POLLS
    assert json.loads(answer)[KEY]["sessions"]
    assert [one.operation for one in chatkit.exchanges()] == [CREATE, SEND, *[LIST] * (POLLS + 1)]
    assert [one.tie for one in chatkit.exchanges()] == [None, *[TIE] * (POLLS + 2)]


async def test_each_session_and_each_message_has_an_answer_of_its_own(chatkit):
    first, second = await chatkit.told(), await chatkit.told()
    answers = {(await chatkit.answers(session, POLLS + 1))[-1] for session in (first, second)}
    await chatkit.send(first, {**MESSAGE, "content": [{"type": "input_text", "text": "And now?"}]})
    assert await chatkit.answers(first, POLLS) == [None] * POLLS
    answers.add((await chatkit.answers(first, 1))[0])
    assert len(answers) == 3


async def test_input_is_refused_in_the_words_of_the_incident(chatkit):
    with pytest.raises(openai.BadRequestError) as caught:
        await chatkit.session(extra_body={"input": {"language": "en"}})
    assert caught.value.response.json() == INCIDENT


@pytest.mark.parametrize(
    ("header", "status"), [("authorization", 401), ("OpenAI-Beta", 400)], ids=["no-key", "no-beta-header"]
)
async def test_what_every_call_needs(chatkit, header, status):
    session = await chatkit.told()
    headers = {"authorization": "Bearer sk-test", **BETA}
    del headers[header]
    base = chatkit.simulator.base_url(Provider.CHATKIT)
    async with aiohttp.ClientSession(headers=headers) as http:
        calls = [
            http.post(f"{base}/chatkit/sessions", json={"user": OWNER, "workflow": WORKFLOW}),
            http.post(chatkit.address(session), json=MESSAGE),
            http.get(chatkit.address(session)),
        ]
        for call in calls:
            async with call as response:
                assert response.status == status
                assert (await response.json())["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [({"user": OWNER}, "workflow.id"), ({"workflow": WORKFLOW}, "user"), ([], None)],
    ids=["no-workflow", "no-user", "a-list"],
)
async def test_a_session_needs_a_workflow_and_a_user(chatkit, body, param):
    base = chatkit.simulator.base_url(Provider.CHATKIT)
    async with chatkit.http.post(f"{base}/chatkit/sessions", json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]["param"] == param


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=few", "?order=up"])
async def test_a_list_is_asked_for_within_limits(chatkit, query):
    status, _ = await chatkit.poll(await chatkit.told(), query)
    assert status == 400


async def test_the_order_and_the_limit_of_a_list(chatkit):
    session = await chatkit.told()
    await chatkit.answers(session, POLLS)
    newest = decode_messages((await chatkit.poll(session))[1])
    oldest = decode_messages((await chatkit.poll(session, "?order=asc"))[1])
    assert newest == tuple(reversed(oldest))
    assert [one.role for one in decode_messages((await chatkit.poll(session, "?limit=1&order=asc"))[1])] == ["user"]


@pytest.mark.parametrize("message", [{**MESSAGE, "role": "assistant"}, {"role": "user", "content": []}])
async def test_a_message_that_cannot_be_posted(chatkit, message):
    assert (await chatkit.send(await chatkit.told(), message))[0] == 400


async def test_a_session_that_nobody_made(chatkit):
    assert (await chatkit.send("cksess_nobody"))[0] == 404
    assert (await chatkit.poll("another"))[0] == 404


STATUSES = {
    "http-400": openai.BadRequestError,
    "http-401": openai.AuthenticationError,
    "http-403": openai.PermissionDeniedError,
    "http-404": openai.NotFoundError,
    "http-408": openai.APIStatusError,
    "http-429": openai.RateLimitError,
    "http-429-date": openai.RateLimitError,
    "http-429-bare": openai.RateLimitError,
    "http-500": openai.InternalServerError,
    "http-502": openai.InternalServerError,
    "http-503": openai.InternalServerError,
    "http-504": openai.InternalServerError,
    "http-529": openai.InternalServerError,
}


@pytest.mark.parametrize(("fault", "error"), STATUSES.items(), ids=STATUSES)
async def test_a_status_strikes_every_call_and_the_client_raises_its_error(chatkit, fault, error):
    session = await chatkit.told()
    status = FAULTS[fault].status
    chatkit.follow(fault)
    with pytest.raises(error) as caught:
        await chatkit.session()
    assert ("sk-test" in str(caught.value)) is (status == 401)
    assert ("retry-after" in caught.value.response.headers) is (fault in ("http-429", "http-429-date"))
    assert (await chatkit.send(session))[0] == (await chatkit.poll(session))[0] == status


@pytest.mark.parametrize("fault", ["not-json", "empty-body"])
async def test_a_session_that_is_not_json(chatkit, fault):
    chatkit.follow(fault)
    with pytest.raises(json.JSONDecodeError):
        await chatkit.session()


async def test_a_session_that_breaks_off(chatkit):
    chatkit.follow("reset-plain")
    with pytest.raises(openai.APIConnectionError):
        await chatkit.session()
    (exchange,) = chatkit.exchanges()
    assert (exchange.status, exchange.ending) == (200, Ending.RESET)


async def test_a_session_of_nobody_who_listens(chatkit):
    async with chatkit.simulator.unreachable(Provider.CHATKIT):
        with pytest.raises(openai.APIConnectionError):
            await chatkit.session()
    assert (await chatkit.session()).id


async def test_a_provider_that_says_nothing(chatkit):
    chatkit.follow("no-headers")
    with pytest.raises(openai.APITimeoutError):
        await chatkit.client.with_options(timeout=httpx.Timeout(0.2)).beta.chatkit.sessions.create(
            user=OWNER, workflow=WORKFLOW
        )
    await asyncio.wait_for(chatkit.script.ended(None), 5)
    (exchange,) = chatkit.exchanges()
    assert exchange.ending is Ending.CLIENT_CLOSE


async def test_the_message_is_refused(chatkit):
    chatkit.follow("message-rejected")
    session = (await chatkit.session()).id
    status, refusal = await chatkit.send(session)
    assert (status, refusal["error"]["type"]) == (400, "invalid_request_error")
    assert (await chatkit.poll(session))[0] == 200
    assert await chatkit.answers(session, POLLS + 1) == [None] * (POLLS + 1)


async def test_the_session_is_gone_when_the_message_comes(chatkit):
    chatkit.follow("session-vanishes")
    session = (await chatkit.session()).id
    assert (await chatkit.send(session))[0] == (await chatkit.poll(session))[0] == 404


async def test_the_session_is_gone_at_the_second_poll(chatkit):
    chatkit.follow("session-vanishes-later")
    session = await chatkit.told()
    assert [(await chatkit.poll(session))[0] for _ in range(3)] == [200, 404, 404]


async def test_an_answer_that_is_late(chatkit):
    chatkit.follow("answers-late")
    answers = await chatkit.answers(await chatkit.told(), 7)
    assert [answer is None for answer in answers] == [True] * 6 + [False]


@pytest.mark.parametrize("fault", ["never-answers", "wrong-block-type"])
async def test_an_answer_that_never_comes(chatkit, fault):
    chatkit.follow(fault)
    assert set(await chatkit.answers(await chatkit.told(), 61)) == {None}


WRONG = {"answer-not-json": None, "answer-lacks-key": False, "text-block": True, "none": True}


@pytest.mark.parametrize(("fault", "holds_key"), WRONG.items(), ids=WRONG)
async def test_what_the_answer_holds(chatkit, fault, holds_key):
    chatkit.follow(fault)
    answer = (await chatkit.answers(await chatkit.told(), POLLS + 1))[-1]
    if holds_key is None:
        with pytest.raises(json.JSONDecodeError):
            json.loads(answer)
    else:
        assert (KEY in json.loads(answer)) is holds_key


async def test_a_gate_holds_the_answers_to_one_call(chatkit):
    gate = chatkit.script.gates.setdefault(before_headers(LIST), Gate())
    session = await chatkit.told()
    poll = asyncio.create_task(chatkit.poll(session))
    await asyncio.wait_for(gate.wait_reached(), 5)
    assert not poll.done()
    gate.open()
    assert (await poll)[0] == 200


async def test_traffic_of_no_case_is_answered_too(chatkit):
    session = (await chatkit.client.beta.chatkit.sessions.create(user="somebody", workflow=WORKFLOW)).id
    assert (await chatkit.send(session, {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}))[
        0
    ] == 200
    assert (await chatkit.answers(session, POLLS + 1))[-1] is not None
    assert not chatkit.exchanges()


def test_faults_that_mean_nothing_for_it_are_left_out():
    meaningless = {"no-usage", "zero-usage", "empty-choices", "cut", "absurd-usage-nan"}
    assert not any(FAULTS[fault].strikes(Provider.CHATKIT, Answer.PLAIN) for fault in meaningless)
    own = [fault for fault in FAULTS.values() if fault.providers == frozenset({Provider.CHATKIT})]
    assert len(own) == 17
    assert not any(fault.strikes(Provider.OPENAI, Answer.PLAIN) for fault in own)
