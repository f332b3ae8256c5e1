"""The agent's contracts on what no recording of the reference holds: other forms, other orders, other targets."""

import json
from dataclasses import replace

import pytest

from harness.contracts.agent_calls import session_in, steps
from harness.contracts.breaker_model import State, phase_at, phases
from harness.core.recording import Ending, Side
from harness.core.verdict import Verdict
from harness.systems import agent

SESSION = "33333333-3333-4333-8333-333333333333"
OLD = "session-1712345678901-k3j9x2"
ADDRESS = "http://127.0.0.1:1"
SETTINGS = {"asked": {"settings": {"BREAKER_FAILURES": "2", "BREAKER_COOL_DOWN_S": "20"}}}


@pytest.fixture
def recording(studio):
    """A recording of the agent's."""

    def made(*exchanges, **more):
        return studio.recording(*exchanges, **{"system": "agent", "provider": "anthropic", **more})

    return made


@pytest.fixture
def get(studio):
    """A session, or its messages, that was asked for by this name."""

    def made(name, status, said, route=agent.SESSION, **more):
        url = ADDRESS + route.path.format(session_id=name)
        return studio.exchange("g1", Side.CLIENT, route.name, b"", status, said, url=url, **more)

    return made


@pytest.fixture
def create(studio):
    def made(session_id=SESSION, user_id=SESSION, asked=None, **more):
        said = {"session_id": session_id, "user_id": user_id}
        return studio.exchange("s1", Side.CLIENT, agent.CREATE.name, asked or {}, 201, said, **more)

    return made


@pytest.fixture
def tried(studio):
    """A provider's exchange, from one moment to another, with this status."""

    def made(number, sent_ns, ended_ns, status):
        one = studio.provider(status, {"error": {"message": "no"}} if status >= 400 else None, id=f"p{number}")
        return replace(one, ended_ns=ended_ns, request=replace(one.request, sent_ns=sent_ns))

    return made


def test_a_breaker_opens_half_opens_by_time_and_closes_by_its_probe(recording, tried):
    made = [tried(1, 1, 2, 500), tried(2, 3, 4, 200), tried(3, 5, 6, 500), tried(4, 7, 8, 503), tried(5, 30, 32, 200)]
    marks = [("advanced", 20, {"seconds": 15}), ("advanced", 25, {"seconds": 5})]
    seen = recording(*made, marks=marks, **SETTINGS)
    wanted = {7: "closed", 8: "open", 24: "open", 25: "half_open", 31: "half_open", 32: "closed"}
    assert {at_ns: phase_at(seen, at_ns).state.value for at_ns in wanted} == wanted
    assert phase_at(seen, 31).probe_ns == 30
    assert phases(seen)[-1].opened == 1


def test_a_probe_that_fails_opens_it_again_and_a_late_answer_changes_nothing(recording, tried):
    made = [tried(1, 1, 2, 500), tried(2, 1, 3, 500), tried(3, 1, 40, 200), tried(4, 30, 31, 500)]
    seen = recording(*made, marks=[("advanced", 20, {"seconds": 20})], **SETTINGS)
    assert phase_at(seen, 30).state is State.HALF_OPEN
    assert (phase_at(seen, 31).state, phase_at(seen, 41).state) == (State.OPEN, State.OPEN)


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_what_is_said_of_a_request_is_no_failure(recording, tried, status):
    seen = recording(*(tried(number, number, number + 1, status) for number in range(1, 9)), **SETTINGS)
    assert {phase.state for phase in phases(seen)} == {State.CLOSED}


def test_a_session_is_empty_once_it_is_made_and_absent_before(recording, create, get):
    early, late = get(SESSION, 404, {}, sent_ns=5), get(SESSION, 200, {}, sent_ns=50)
    assert [step.before.value for step in steps(recording(create(), early, late))] == ["absent", "empty"]


def test_to_another_user_every_session_is_absent(recording, studio, create, get):
    shown = get(SESSION, 200, {"session_id": SESSION}, sent_ns=50, tie="t.2")
    seen = recording(create(), shown, marks=[("foreign", 1, {"tie": "t.2"})])
    assert studio.judged("session.private", seen).verdict is Verdict.FAIL
    assert studio.judged("session.transitions", seen).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (404, "session_not_found", Verdict.PASS),
        (404, "gone", Verdict.FAIL),
        (200, "session_not_found", Verdict.FAIL),
        (500, "internal_error", Verdict.FAIL),
    ],
)
def test_what_is_not_there_is_not_found(recording, studio, get, status, code, verdict):
    seen = recording(get(SESSION, status, {"error": {"code": code}}))
    assert studio.judged("session.transitions", seen).verdict is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (SESSION, Verdict.PASS),
        (SESSION.upper(), Verdict.PASS),
        ("00000000-0000-0000-0000-000000000000", Verdict.FAIL),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", Verdict.FAIL),
        (SESSION.replace("-", ""), Verdict.FAIL),
        (OLD, Verdict.FAIL),
        ("", Verdict.FAIL),
    ],
)
def test_a_new_sessions_id(recording, studio, create, text, verdict):
    assert studio.judged("ids.session-is-uuid", recording(create(text))).verdict is verdict


def test_a_user_who_was_named_is_not_replaced(recording, studio, create):
    for user_id, verdict in (("me", Verdict.PASS), (SESSION, Verdict.FAIL), (None, Verdict.FAIL)):
        seen = recording(create(user_id=user_id, asked={"user_id": "me"}))
        assert studio.judged("session.user-named", seen).verdict is verdict


def test_a_session_in_an_address_is_read_as_it_was_meant(get):
    assert session_in(get("a%20b", 400, {}), agent.SESSION) == "a b"
    assert session_in(get("%2Fx", 400, {}, agent.MESSAGES), agent.MESSAGES) == "/x"


@pytest.mark.parametrize(
    ("waits", "tries", "verdict"),
    [
        ([1.1, 2.2], 3, Verdict.PASS),
        ([1.0, 2.5], 3, Verdict.PASS),
        ([1.1], 3, Verdict.FAIL),
        ([1.1, 1.1], 3, Verdict.FAIL),
        ([1.3, 2.2], 3, Verdict.FAIL),
        (["1", 2.2], 3, Verdict.FAIL),
        ([1.1, 2.2], 2, Verdict.FAIL),
        (None, 3, Verdict.FAIL),
    ],
)
def test_waits_between_tries(recording, studio, waits, tries, verdict):
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    made = [studio.provider(id=f"p{number}", ending=Ending.RESET) for number in (1, 2)]
    call = studio.exchange("c1", Side.CLIENT, "chat.completions", asked, 200, {})
    call = replace(call, response=replace(call.response, headers=((agent.SESSION_HEADER, SESSION),)))
    row = {"sessionId": SESSION, "tries": tries, "waited_s": waits}
    seen = recording(call, *made, studio.provider(id="p3"), probes=[("log", {"lines": [json.dumps(row)]})])
    assert studio.judged("resilience.waits-grow", seen).verdict is verdict
