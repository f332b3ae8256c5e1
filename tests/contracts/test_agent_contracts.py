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
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "claude-sonnet-4",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Here."}, "finish_reason": "stop"}],
}
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


@pytest.fixture
def granted(studio):
    """A token that Vertex granted: when, and for how long."""

    def made(number, ended_ns, lifetime_s=3599):
        said = {"access_token": "[REDACTED:pattern:google-token]", "expires_in": lifetime_s}
        one = studio.exchange(f"t{number}", Side.PROVIDER, "token", b"", 200, said, provider="vertex")
        return replace(one, ended_ns=ended_ns, request=replace(one.request, sent_ns=ended_ns - 1))

    return made


@pytest.mark.parametrize(
    ("advanced_s", "verdict"), [(0, Verdict.PASS), (3500, Verdict.PASS), (3570, Verdict.FAIL), (4000, Verdict.FAIL)]
)
def test_a_token_must_not_be_near_its_end(recording, studio, granted, tried, advanced_s, verdict):
    call = studio.exchange("c1", Side.CLIENT, "chat.completions", {}, 200, {})
    seen = recording(granted(1, 5), tried(1, 30, 31, 200), call, marks=[("advanced", 20, {"seconds": advanced_s})])
    assert studio.judged("resilience.token-renewed-in-time", seen).verdict is verdict


def test_a_token_that_was_renewed_is_young_again(recording, studio, granted, tried):
    call = studio.exchange("c1", Side.CLIENT, "chat.completions", {}, 200, {})
    made = (granted(1, 5), tried(1, 6, 7, 200), granted(2, 25), tried(2, 30, 31, 200), call)
    seen = recording(*made, marks=[("advanced", 20, {"seconds": 3599})])
    assert studio.judged("resilience.token-renewed-in-time", seen).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("granted_ns", "verdict"),
    [((5, 25, 45), Verdict.PASS), ((25,), Verdict.PASS), ((5, 6), Verdict.FAIL), ((5, 45, 46), Verdict.FAIL)],
)
def test_a_token_is_fetched_once_for_all_whenever_none_is_good(recording, studio, granted, granted_ns, verdict):
    marks = [("advanced", 20, {"seconds": 3599}), ("tokens-refused", 40, None)]
    made = [granted(number, ended_ns) for number, ended_ns in enumerate(granted_ns)]
    seen = recording(*made, marks=marks, scenario="token-renewed-at-once")
    assert studio.judged("resilience.one-token-for-all", seen).verdict is verdict
    other = recording(*made, marks=marks, scenario="token-refused")
    assert studio.judged("resilience.one-token-for-all", other).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("status", "verdict"), [(200, Verdict.PASS), (503, Verdict.FAIL), (None, Verdict.FAIL)])
def test_who_meets_others_where_no_token_is_good_is_answered_as_they_are(recording, studio, status, verdict):
    said = COMPLETION if status == 200 else {"error": {"message": "A token is being fetched."}}
    seen = recording(studio.exchange("c1", Side.CLIENT, "chat.completions", {}, status, said), scenario="token-at-once")
    assert studio.judged("race.token-serves-all", seen).verdict is verdict


@pytest.mark.parametrize(("tries", "verdict"), [(1, Verdict.FAIL), (2, Verdict.PASS), (3, Verdict.FAIL)])
def test_a_refused_token_is_renewed_once(recording, studio, tries, verdict):
    made = [studio.provider(401, {}, id=f"p{number}", provider="vertex") for number in range(tries)]
    seen = recording(studio.exchange("c1", Side.CLIENT, "chat.completions", {}, 502, {}), *made)
    assert studio.judged("resilience.token-renewed-once", seen).verdict is verdict


@pytest.mark.parametrize(
    ("status", "body", "services", "breakers"),
    [
        (200, {}, Verdict.PASS, Verdict.PASS),
        (503, {"status": "degraded"}, Verdict.PASS, Verdict.FAIL),
        (200, {"services": {"store": "up"}}, Verdict.FAIL, Verdict.PASS),
        (200, {"services": {"store": "up", "anthropic": "down"}}, Verdict.FAIL, Verdict.PASS),
        (200, {"breakers": {"anthropic": "open"}}, Verdict.PASS, Verdict.FAIL),
        (200, {"breakers": {}}, Verdict.PASS, Verdict.FAIL),
        (200, {"timestamp": "2026-01-01T12:00:00"}, Verdict.FAIL, Verdict.PASS),
    ],
)
def test_what_a_health_check_must_tell(recording, studio, status, body, services, breakers):
    well = {
        "status": "ok",
        "services": {"store": "up", "anthropic": "up"},
        "breakers": {"anthropic": "closed"},
        "timestamp": "2026-01-01T12:00:00Z",
    }
    seen = recording(studio.exchange("h1", Side.CLIENT, agent.HEALTH.name, b"", status, well | body))
    assert studio.judged("health.services-told", seen).verdict is services
    assert studio.judged("health.breakers-told", seen).verdict is breakers


@pytest.mark.parametrize(
    ("status", "message", "verdict"),
    [
        (503, f"{agent.NO_TOKEN.message}: set {' and '.join(agent.MISSING_SETTINGS)}", Verdict.PASS),
        (500, f"{agent.NO_TOKEN.message}: set {' and '.join(agent.MISSING_SETTINGS)}", Verdict.FAIL),
        (503, agent.NO_TOKEN.message, Verdict.FAIL),
        (
            503,
            f"{agent.NO_TOKEN.message}: set {agent.MISSING_SETTINGS} Traceback (most recent call last)",
            Verdict.FAIL,
        ),
        (503, "No token", Verdict.FAIL),
    ],
)
def test_what_is_said_without_credentials(recording, studio, status, message, verdict):
    said = {"error": {"message": message, "code": "no_access_token"}}
    listed = studio.exchange("m1", Side.CLIENT, agent.MODELS.name, b"", status, said)
    seen = recording(listed, scenario="models-no-credentials")
    assert studio.judged("models.no-credentials-said", seen).verdict is verdict


@pytest.mark.parametrize(
    ("status", "scenario", "verdict"),
    [
        (200, "models-no-project", Verdict.PASS),
        (503, "models-no-project", Verdict.FAIL),
        (503, "models-no-credentials", Verdict.NOT_APPLICABLE),
    ],
)
def test_a_token_without_a_project_is_enough_for_the_list(recording, studio, status, scenario, verdict):
    said = {"error": {"message": f"{agent.NO_TOKEN.message}: set {agent.PROJECT_SETTING}", "code": "no_access_token"}}
    listed = studio.exchange("m1", Side.CLIENT, agent.MODELS.name, b"", status, said)
    seen = recording(listed, scenario=scenario)
    assert studio.judged("models.token-is-enough", seen).verdict is verdict


@pytest.mark.parametrize(
    ("status", "fault", "verdict"),
    [
        (None, "none", Verdict.FAIL),
        (403, "none", Verdict.FAIL),
        (401, "none", Verdict.FAIL),
        (403, "http-403", Verdict.NOT_APPLICABLE),
        (500, "none", Verdict.NOT_APPLICABLE),
    ],
)
def test_a_listed_model_whose_provider_refuses_the_key_cannot_be_called(recording, studio, status, fault, verdict):
    listed = {"object": "list", "data": [{"id": "m", "object": "model"}]}
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    seen = [
        studio.exchange("m1", Side.CLIENT, agent.MODELS.name, b"", 200, listed),
        studio.exchange("c1", Side.CLIENT, "chat.completions", asked, 502, {"error": {"message": "no"}}),
    ]
    if status is not None:
        seen.append(studio.provider(status, {"error": {"message": "no"}}))
    judged = studio.judged("models.listed-can-be-called", recording(*seen, fault=fault))
    assert judged.verdict is verdict


def test_waits_are_those_that_the_target_was_told(recording, studio):
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    made = [studio.provider(id=f"p{number}", ending=Ending.RESET) for number in (1, 2)]
    call = studio.exchange("c1", Side.CLIENT, "chat.completions", asked, 200, {})
    call = replace(call, response=replace(call.response, headers=((agent.SESSION_HEADER, SESSION),)))
    told = {"settings": {"RETRY_WAIT_S": "0.5", "RETRY_JITTER": "0.5", "RETRY_WAIT_MAX_S": "0.75"}}
    for waits, verdict in (([0.6, 0.75], Verdict.PASS), ([1.1, 2.2], Verdict.FAIL), ([0.6, 0.9], Verdict.FAIL)):
        row = {"sessionId": SESSION, "tries": 3, "waited_s": waits}
        probes = [("log", {"lines": [json.dumps(row)]})]
        seen = recording(call, *made, studio.provider(id="p3"), probes=probes, asked=told)
        assert studio.judged("resilience.waits-grow", seen).verdict is verdict


def test_what_is_sent_as_junk_is_no_step_of_a_sessions(recording, studio):
    url = f"http://127.0.0.1:1/sessions/{OLD}"
    shown = studio.exchange("s1", Side.CLIENT, agent.SESSION.name, b"", 400, {}, url=url)
    assert steps(recording(shown))
    assert not steps(recording(shown, marks=[("junk-id", 1, {"tie": "t.1", "kind": OLD})]))
