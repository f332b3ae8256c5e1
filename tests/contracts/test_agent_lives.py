"""Chats of one session that were under way at once: either may come first in it, but they may not be mixed."""

from dataclasses import replace

import pytest

from harness.core.recording import Request, Side
from harness.core.verdict import Verdict
from harness.systems import agent

SESSION = "33333333-3333-4333-8333-333333333333"
ADDRESS = "http://127.0.0.1:1"
Q1, A1, Q2, A2 = ("user", "One?"), ("assistant", "One."), ("user", "Two?"), ("assistant", "Two.")


@pytest.fixture
def judged(studio):
    """What becomes of a contract where two chats of a session were asked at these times and it was read so later."""

    def judge(contract, sent_ns, stored, answers=("One.", "Two.")):
        chats = [chat(studio, number, at_ns, answers[number]) for number, at_ns in enumerate(sent_ns)]
        rows = [{"role": role, "content": content} for role, content in stored]
        url = ADDRESS + agent.MESSAGES.path.format(session_id=SESSION)
        said = {"session_id": SESSION, "messages": rows}
        read = studio.exchange("g1", Side.CLIENT, agent.MESSAGES.name, b"", 200, said, url=url, sent_ns=500)
        made = studio.exchange("s1", Side.CLIENT, agent.CREATE.name, {}, 201, {"session_id": SESSION}, sent_ns=1)
        recording = studio.recording(made, *chats, read, system="agent", provider="anthropic")
        return studio.judged(contract, recording).verdict

    return judge


def chat(studio, number, sent_ns, answer):
    """A chat that took 100 ns."""
    asked = {"model": "m", "messages": [{"role": "user", "content": ("One?", "Two?")[number]}], "session_id": SESSION}
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    said = {"id": f"c{number}", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    one = studio.exchange(f"c{number}", Side.CLIENT, agent.CHAT.name, asked, 200, said, tie=f"t.{number}")
    headers = (*one.response.headers, (agent.SESSION_HEADER, SESSION))
    request = Request("POST", f"{ADDRESS}/v1/chat/completions", (), one.request.body, sent_ns)
    return replace(one, request=request, response=replace(one.response, headers=headers), ended_ns=sent_ns + 100)


AT_ONCE, IN_TURN = (10, 20), (10, 200)


@pytest.mark.parametrize(
    ("sent_ns", "stored", "remembers", "mixed"),
    [
        (AT_ONCE, [Q1, A1, Q2, A2], Verdict.PASS, Verdict.PASS),
        (AT_ONCE, [Q2, A2, Q1, A1], Verdict.PASS, Verdict.PASS),
        (AT_ONCE, [Q1, Q2, A1, A2], Verdict.PASS, Verdict.FAIL),
        (AT_ONCE, [Q1, Q2, A2, A1], Verdict.PASS, Verdict.FAIL),
        (AT_ONCE, [Q1, A1, Q2], Verdict.FAIL, Verdict.PASS),
        (AT_ONCE, [], Verdict.FAIL, Verdict.PASS),
        (IN_TURN, [Q1, A1, Q2, A2], Verdict.PASS, Verdict.PASS),
        (IN_TURN, [Q2, A2, Q1, A1], Verdict.FAIL, Verdict.PASS),
    ],
)
def test_chats_at_once_are_stored_whole_in_either_order(judged, sent_ns, stored, remembers, mixed):
    assert judged("session.remembers", sent_ns, stored) is remembers
    assert judged("session.chats-not-mixed", sent_ns, stored) is mixed


def test_answers_that_are_alike_are_each_to_be_there(judged):
    answers, alike = ("Yes.", "Yes."), ("assistant", "Yes.")
    assert judged("session.remembers", AT_ONCE, [Q1, alike, Q2, alike], answers) is Verdict.PASS
    assert judged("session.remembers", AT_ONCE, [Q1, alike, Q2], answers) is Verdict.FAIL
    assert judged("session.remembers", AT_ONCE, [Q1, Q2, alike], answers) is Verdict.FAIL
