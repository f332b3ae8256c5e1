"""What the contracts of training plans make of recordings made by hand: one thing wrong at a time, and the edges."""

import json
from dataclasses import dataclass, field, replace

import pytest

from harness.contracts import judge, load
from harness.contracts.plan_calls import plan_calls
from harness.contracts.upstream import Way
from harness.contracts.upstreams.chatkit import conversations
from harness.core.names import Capability
from harness.core.recording import Ending, Exchange, Header, Mark, Probe, Recording, Request, Response, Side, Source
from harness.core.verdict import Verdict
from harness.providers.chatkit import CREATE, LIST, SEND
from harness.systems import workflow

SESSION = "cksess_1"
PROGRAMME = {"title": "A plan", "sessions": []}
ASKED = {"user_profile": {"age": 41}, "questionnaires": [], "context": {"note": "hello"}}
PLAN = {"id": "22222222-2222-4222-8222-222222222222", workflow.KEY: PROGRAMME}
HEADERS = (("authorization", "Bearer key"), ("openai-beta", "chatkit_beta=v1"))
ANSWER = {"id": "m2", "role": "assistant", "content": [{"type": "text", "text": json.dumps({workflow.KEY: PROGRAMME})}]}


def dumped(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@dataclass
class Studio:
    """Makes exchanges one after the other, ten nanoseconds each, and has them judged."""

    now_ns: int = 0
    made: list[Exchange] = field(default_factory=list)
    facts: dict = field(default_factory=dict)

    def add(self, side, operation, method, path, asked, status, said, **more):
        self.now_ns += 10
        kind = (("content-type", more.pop("label", "application/json")),)
        response = None if status is None else Response(status, "", kind, self.now_ns + 1, dumped(said))
        headers = more.pop("headers", HEADERS)
        request = Request(method, f"http://h{path}", headers, dumped(asked) if asked is not None else b"", self.now_ns)
        known = {"ending": Ending.EOF, "ended_ns": self.now_ns + 5, "tie": None} | more
        exchange = Exchange(
            id=f"{side.value[0]}{len(self.made)}",
            side=side,
            operation=operation,
            request=request,
            response=response,
            **known,
        )
        self.made.append(exchange)
        return exchange

    def client(self, status=201, said=None, asked=ASKED, tie="t.1", until_ns=1_000_000, **more):
        said = PLAN if said is None else said
        path = "/training/plans"
        return self.add(
            Side.CLIENT, "plans.create", "POST", path, asked, status, said, tie=tie, ended_ns=until_ns, **more
        )

    def create(self, status=200, said=None, asked=None, session=SESSION, **more):
        asked = {"workflow": {"id": "wf_1"}, "user": "u"} if asked is None else asked
        said = {"id": session, "object": "chatkit.session"} if said is None else said
        return self.add(Side.PROVIDER, CREATE, "POST", "/v1/chatkit/sessions", asked, status, said, **more)

    def send(self, status=200, said=None, text=None, tie="t.1", session=SESSION, **more):
        block = {"type": "input_text", "text": json.dumps(ASKED) if text is None else text}
        asked = {"role": "user", "content": [block]}
        path = f"/v1/chatkit/sessions/{session}/messages"
        return self.add(Side.PROVIDER, SEND, "POST", path, asked, status, said or {"id": "m1"}, tie=tie, **more)

    def poll(self, *messages, status=200, said=None, tie="t.1", session=SESSION, query="?limit=50&order=desc", **more):
        path = f"/v1/chatkit/sessions/{session}/messages{query}"
        said = {"data": list(messages)} if said is None else said
        return self.add(Side.PROVIDER, LIST, "GET", path, None, status, said, tie=tie, **more)

    def plan(self, polls=1, **more):
        """A whole plan, answered at its last poll."""
        self.client(**more)
        self.create()
        self.send()
        for _ in range(polls - 1):
            self.poll()
        self.poll(ANSWER)
        return self

    def recording(self, probes=(), marks=()):
        header = Header(
            source=Source.SIMULATOR,
            system="workflow",
            capabilities=frozenset(one.value for one in Capability),
            facts={"numbers": self.facts},
        )
        return Recording(
            header=header,
            exchanges=tuple(self.made),
            probes=tuple(Probe(name, at_ns, data) for name, at_ns, data in probes),
            marks=tuple(Mark(name, at_ns, data) for name, at_ns, data in marks),
        )

    def judged(self, contract, probes=(), marks=()):
        return judge(load()[contract], self.recording(probes, marks))

    def verdict(self, contract, probes=(), marks=()):
        return self.judged(contract, probes, marks).verdict


def log(**fields):
    row = {"event": "plan", "planId": PLAN["id"], "userId": "u", "status": "completed", "sessionId": SESSION} | fields
    return ("log", 900, {"lines": [json.dumps(row)]})


@pytest.fixture
def studio():
    return Studio()


# --- conversations ---------------------------------------------------------------------------------------------------


def test_a_plan_has_its_three_steps_tied_by_the_session(studio):
    (call,) = plan_calls(studio.plan(polls=3).recording())
    (one,) = call.conversations
    assert [exchange.operation for exchange in one.exchanges] == [CREATE, SEND, LIST, LIST, LIST]
    assert (one.answered, one.unanswered, call.upstream.way) == (2, 2, Way.COMPLETE)
    assert call.text == call.upstream.text == json.dumps(PROGRAMME, sort_keys=True)


def test_the_same_prompt_twice_is_two_plans_by_their_times(studio):
    for session in ("s1", "s2"):
        studio.client(until_ns=studio.now_ns + 50)
        studio.create(session=session)
        studio.send(session=session)
        studio.poll(ANSWER, session=session)
    sessions = [[one.session for one in call.conversations] for call in plan_calls(studio.recording())]
    assert sessions == [["s1"], ["s2"]]


def test_a_session_that_was_refused_belongs_to_the_call_under_way(studio):
    studio.client(502, {}, tie="t.1", until_ns=25)
    studio.create(503, {"error": {"message": "no", "type": "server_error"}})
    studio.client(502, {}, tie="t.2", until_ns=1_000)
    studio.create(429, {"error": {"message": "later", "type": "requests"}})
    first, second = plan_calls(studio.recording())
    assert [one.exchange.status for one in first.upstreams] == [503]
    assert [one.exchange.status for one in second.upstreams] == [429]
    assert (first.upstream.error.message, second.upstream.error.type) == ("no", "requests")


def test_a_second_message_in_a_session_is_another_conversation(studio):
    studio.plan()
    studio.send(tie="t.2")
    studio.poll(ANSWER, tie="t.2")
    first, second = conversations(studio.recording())
    assert (first.tie, second.tie, second.created) == ("t.1", "t.2", None)


WAYS = {
    "unreachable": ({"status": None, "said": {}, "ending": Ending.CONNECT_ERROR}, Way.UNREACHABLE),
    "silent": ({"status": None, "said": {}, "ending": Ending.CLIENT_CLOSE}, Way.SILENT),
    "status": ({"status": 404, "said": {"error": {"message": "gone"}}}, Way.STATUS),
    "not-json": ({"said": b"warming up"}, Way.INVALID),
    "no-list": ({"said": {"data": {}}}, Way.INVALID),
    "other-label": ({"label": "text/html"}, Way.INVALID),
    "cut-short": ({"ending": Ending.FIN}, Way.INVALID),
    "nothing-yet": ({}, Way.SILENT),
}


@pytest.mark.parametrize(("more", "way"), WAYS.values(), ids=WAYS)
def test_how_a_conversation_went_is_how_its_first_failure_did(studio, more, way):
    studio.client(504, {})
    studio.create()
    studio.send()
    studio.poll(**more)
    (call,) = plan_calls(studio.recording())
    assert call.upstream.way is way


@pytest.mark.parametrize("text", ["words", "[]", "{}", json.dumps({workflow.KEY: 7})])
def test_an_answer_without_a_programme_is_none(studio, text):
    studio.client(502, {})
    studio.create()
    studio.send()
    studio.poll({**ANSWER, "content": [{"type": "output_text", "text": text}]})
    (call,) = plan_calls(studio.recording())
    assert call.upstream.way is Way.INVALID


# --- steps -----------------------------------------------------------------------------------------------------------


def test_steps_in_order_pass(studio):
    assert studio.plan().verdict("workflow.steps-in-order") is Verdict.PASS


def test_a_poll_before_the_message_is_out_of_order(studio):
    studio.client()
    studio.create()
    studio.poll()
    studio.send()
    assert studio.verdict("workflow.steps-in-order") is Verdict.FAIL


def test_a_session_that_was_made_for_another_plan_and_one_that_nobody_saw_made(studio):
    studio.plan()
    studio.send(tie="t.2")
    assert studio.verdict("workflow.steps-in-order") is Verdict.FAIL
    unseen = Studio()
    unseen.client()
    unseen.send()
    assert unseen.verdict("workflow.steps-in-order") is Verdict.INCONCLUSIVE


def test_a_step_before_the_last_was_answered_is_out_of_order(studio):
    studio.client()
    created = studio.create()
    studio.send()
    studio.made[1] = replace(created, response=replace(created.response, at_ns=studio.now_ns + 1))
    assert studio.verdict("workflow.steps-in-order") is Verdict.FAIL


@pytest.mark.parametrize("header", [0, 1])
def test_a_step_without_one_of_its_headers(studio, header):
    studio.client()
    studio.create()
    studio.send(headers=HEADERS[header : header + 1])
    assert studio.verdict("workflow.headers") is Verdict.FAIL


def test_a_session_for_another_workflow_or_user(studio):
    contract, ledger = "workflow.session-of-the-caller", ("ledger", 900, _ledger("u"))
    studio.facts = {"workflow_id": "wf_1"}
    assert studio.plan().verdict(contract, [ledger]) is Verdict.PASS
    assert studio.verdict(contract, [("ledger", 900, _ledger("somebody-else"))]) is Verdict.FAIL
    studio.facts = {"workflow_id": "wf_2"}
    assert studio.verdict(contract, [ledger]) is Verdict.FAIL


def _ledger(user):
    return {"user_id": user, "balance": 0, "settled": True, "in_flight": 0, "entries": [], "usage": []}


@pytest.mark.parametrize("text", ["words", "[]", json.dumps({**ASKED, "context": {}})])
def test_a_message_that_is_not_the_request(studio, text):
    studio.client()
    studio.create()
    studio.send(text=text)
    assert studio.verdict("workflow.message-is-the-request") is Verdict.FAIL


# --- polls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("polls", "bounded", "exact"), [(59, True, False), (60, True, True), (61, False, False)])
def test_sixty_polls_and_no_more_and_no_fewer(studio, polls, bounded, exact):
    studio.client(504, {"error": {"message": "late", "code": "PROVIDER_TIMEOUT"}})
    studio.create()
    studio.send()
    for _ in range(polls):
        studio.poll()
    assert (studio.verdict("workflow.polls-bounded") is Verdict.PASS) is bounded
    assert (studio.verdict("workflow.gives-up-after-all-polls") is Verdict.PASS) is exact


def test_a_plan_whose_client_left_was_not_given_up(studio):
    studio.client(None, {}, ending=Ending.CLIENT_CLOSE)
    studio.create()
    studio.send()
    studio.poll()
    assert studio.verdict("workflow.gives-up-after-all-polls") is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("held", "later", "verdict"),
    [
        (True, 0, Verdict.PASS),
        (True, 1, Verdict.FAIL),
        (False, 0, Verdict.PASS),
        (False, 1, Verdict.INCONCLUSIVE),
        (False, 2, Verdict.FAIL),
    ],
)
def test_polls_after_the_client_left(studio, held, later, verdict):
    studio.client(None, {}, ending=Ending.CLIENT_CLOSE, until_ns=48)
    studio.create()
    studio.send()
    studio.poll(ended_ns=49 if held else 45)
    for _ in range(later):
        studio.poll()
    assert studio.verdict("workflow.polls-end-with-the-client") is verdict


@pytest.mark.parametrize(
    ("waited_s", "at_once", "paused"), [(4, True, True), (6, False, True), (0, True, False), (None, None, None)]
)
def test_what_was_waited_by_the_log(studio, waited_s, at_once, paused):
    probes = [log(polls=3, waitedSeconds=waited_s)]
    studio.plan(polls=3)
    for contract, holds in (("workflow.first-poll-at-once", at_once), ("workflow.poll-interval", paused)):
        wanted = {True: Verdict.PASS, False: Verdict.FAIL, None: Verdict.NOT_APPLICABLE}[holds]
        assert studio.verdict(contract, probes) is wanted


def test_an_answer_is_the_assistants(studio):
    contract = "workflow.answer-of-the-assistant"
    assert studio.plan().verdict(contract) is Verdict.PASS
    other = Studio()
    assert other.plan(said={**PLAN, workflow.KEY: {"title": "made up"}}).verdict(contract) is Verdict.FAIL
    hasty = Studio()
    hasty.client(502, {"error": {"message": "no", "code": "PROVIDER_INVALID_RESPONSE"}})
    hasty.create()
    hasty.send()
    hasty.poll({"id": "m1", "role": "user", "content": [{"type": "input_text", "text": "{}"}]})
    assert hasty.verdict(contract) is Verdict.FAIL


# --- plans -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields", [{"polls": 2}, {"sessionId": "another"}, {"planId": "another"}, {"event": "something-else"}]
)
def test_a_line_of_the_log_that_is_wrong_or_missing(studio, fields):
    studio.plan()
    right = {"polls": 1, "waitedSeconds": 0}
    assert studio.verdict("log.plan-told", [log(**right)]) is Verdict.PASS
    assert studio.verdict("log.plan-told", [log(**(right | fields))]) is Verdict.FAIL


@pytest.mark.parametrize(
    ("came", "verdict"),
    [
        ({"started": False, "error": "EDN360_TRAINING_WORKFLOW_ID required"}, Verdict.PASS),
        ({"started": False, "error": "something is wrong"}, Verdict.FAIL),
        ({"started": True, "error": None}, Verdict.FAIL),
        (None, Verdict.INCONCLUSIVE),
    ],
    ids=["refused", "not-named", "started", "unknown"],
)
def test_a_start_without_a_setting(studio, came, verdict):
    marks = [("without", 10, {"setting": "EDN360_TRAINING_WORKFLOW_ID"})]
    probes = [("startup", 20, came)] if came else []
    assert studio.verdict("config.workflow-settings-required", probes, marks) is verdict


@pytest.mark.parametrize(
    ("programme", "verdict"),
    [
        (PROGRAMME, Verdict.PASS),
        ({"title": "A plan", "sessions": [{"day": 1}], "more": 1}, Verdict.PASS),
        ({"title": "A plan"}, Verdict.FAIL),
        ({"sessions": []}, Verdict.FAIL),
        ({"title": "A plan", "sessions": {}}, Verdict.FAIL),
        ({}, Verdict.FAIL),
    ],
)
def test_a_programme_has_its_title_and_its_sessions(studio, programme, verdict):
    studio.plan(said={**PLAN, workflow.KEY: programme})
    assert studio.verdict("workflow.plan-whole") is verdict


def test_an_answer_without_sessions_is_none_and_not_to_be_delivered(studio):
    studio.client(status=502, said={"error": {"message": "no", "code": "PROVIDER_INVALID_RESPONSE"}})
    studio.create()
    studio.send()
    text = json.dumps({workflow.KEY: {"title": "A plan"}})
    studio.poll({"id": "m2", "role": "assistant", "content": [{"type": "text", "text": text}]})
    (call,) = plan_calls(studio.recording())
    assert call.upstream.way is Way.INVALID
    assert studio.verdict("errors.provider-failure-mapped") is Verdict.PASS
