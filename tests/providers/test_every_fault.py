"""A fault that is said to strike an answer changes what is sent, whoever is asked, for whatever, in whatever form."""

import base64
import json
from dataclasses import dataclass, replace

import pytest

from harness.core.case import tie_text
from harness.core.fault import FAULTS, Fault, Reach
from harness.core.forms import FORMS
from harness.core.names import Answer, Form, Provider
from harness.core.recording import Request
from harness.framing import eventstream
from harness.providers import anthropic, chatkit, openai, vertex
from harness.providers.anthropic_call import AnthropicReceiver
from harness.providers.bedrock_encode import MODELS as BEDROCK_MODELS
from harness.providers.call import Circumstances
from harness.providers.chatkit_encode import session_id
from harness.providers.openai_call import OpenAIReceiver
from harness.providers.openai_encode import MODELS as CHAT_MODELS
from harness.providers.plan import NOT_JSON, Plan, Reset, Stall, Write
from harness.providers.vertex_call import VertexReceiver
from harness.providers.vertex_token import GRANT, AccessToken
from harness.servers.simulator import RECEIVERS

NOW_S = 1_000_000_000.0
TURN = {"role": "user", "content": f"hello {tie_text('0123456789', 1)}"}
BLOCKS = {"role": "user", "content": [{"text": TURN["content"]}]}
TOKEN = str(AccessToken("robot", int(NOW_S * 1e6)))
BEARER = (("authorization", f"Bearer {TOKEN}"),)
SIGNED = (("authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/1, SignedHeaders=host, Signature=0"),)
KEYED = (("x-api-key", "sk-test"), ("anthropic-version", "2023-06-01"))
BETA = (*BEARER, (chatkit.BETA_HEADER, chatkit.BETA))


@dataclass(frozen=True)
class Asked:
    """One request for an answer, and the form that its answer has."""

    name: str
    provider: Provider
    answer: Answer
    form: Form
    path: str
    body: object
    headers: tuple[tuple[str, str], ...] = BEARER
    method: str = "POST"
    earlier: tuple[Request, ...] = ()

    def plan(self, fault: Fault) -> Plan:
        sent = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        call = RECEIVERS[self.provider](self.method, self.path, self.headers, sent)
        return call.answer(Circumstances(fault=fault, now_s=NOW_S, earlier=self.earlier))


def chats(provider: Provider, answer: Answer) -> list[Asked]:
    body = {"model": CHAT_MODELS[provider][0], "messages": [TURN]}
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if answer is Answer.STREAM else {}
    return [Asked("chat", provider, answer, Form.CHUNKS, "/v1/chat/completions", body | streamed)]


def messages(answer: Answer) -> list[Asked]:
    body = {"model": "claude-sonnet-4", "max_tokens": 999, "messages": [TURN], "stream": answer is Answer.STREAM}
    return [Asked("messages", Provider.ANTHROPIC, answer, Form.EVENTS, "/v1/messages", body, KEYED)]


def models(answer: Answer) -> list[Asked]:
    """Each family by its own call, and one by the call that all share."""
    bodies = [{"messages": [BLOCKS]}] * 2 + [{"inputText": TURN["content"]}, {"prompt": TURN["content"]}]
    bodies.append({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 999, "messages": [TURN]})
    asked = [("invoke", model, body) for model, body in zip(BEDROCK_MODELS, bodies, strict=True)]
    asked.append(("converse", BEDROCK_MODELS[0], {"messages": [BLOCKS]}))
    tails = {"invoke": "-with-response-stream", "converse": "-stream"} if answer is Answer.STREAM else {}
    return [
        Asked(
            f"{call}-{model.partition('-')[0]}",
            Provider.BEDROCK,
            answer,
            Form.FRAMED_EVENTS if "claude" in model else Form.FRAMES,
            f"/model/{model}/{call}{tails.get(call, '')}",
            body,
            SIGNED,
        )
        for call, model, body in asked
    ]


def generations(answer: Answer) -> list[Asked]:
    base = "/v1/projects/p/locations/l/publishers"
    stream = answer is Answer.STREAM
    body = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 999, "messages": [TURN]}
    claude = f"{base}/anthropic/models/claude-sonnet-4:{'streamRawPredict' if stream else 'rawPredict'}"
    gemini = f"{base}/google/models/gemini-2.5-flash:{'streamGenerateContent' if stream else 'generateContent'}"
    said = {"contents": [{"role": "user", "parts": [{"text": TURN["content"]}]}]}
    return [
        Asked("claude", Provider.VERTEX, answer, Form.EVENTS, claude, body),
        Asked("gemini", Provider.VERTEX, answer, Form.CANDIDATES, gemini + "?alt=sse" * stream, said),
        Asked("gemini-array", Provider.VERTEX, answer, Form.CANDIDATES, gemini, said),
    ]


ASKED = [
    one
    for answer in Answer
    for made in (
        *(chats(provider, answer) for provider in CHAT_MODELS),
        messages(answer),
        models(answer),
        generations(answer),
    )
    for one in made
]
FAULTY = [fault for fault in FAULTS.values() if fault.id != "none" and fault.reach is Reach.OK]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.provider}-{asked.name}-{asked.answer}")
def test_faults_change_what_is_sent_where_they_strike_and_nothing_elsewhere(asked: Asked) -> None:
    changed = {fault.id for fault in FAULTY if asked.plan(fault) != asked.plan(FAULTS["none"])}
    assert changed == {fault.id for fault in FAULTY if fault.strikes(asked.provider, asked.answer, asked.form)}


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.provider}-{asked.name}-{asked.answer}")
def test_no_two_faults_make_the_same_of_an_answer(asked: Asked) -> None:
    struck = [fault for fault in FAULTY if fault.strikes(asked.provider, asked.answer, asked.form)]
    made: dict[Plan, str] = {}
    assert [(made.setdefault(asked.plan(fault), fault.id), fault.id) for fault in struck] == [
        (fault.id, fault.id) for fault in struck
    ]


def test_every_usual_form_of_every_provider_is_asked_for() -> None:
    seen = {(asked.provider, asked.form) for asked in ASKED} | {(Provider.CHATKIT, Form.DOCUMENTS)}
    assert seen == {(who, form) for who, forms in FORMS.items() for form in forms} | {
        (Provider.BEDROCK, Form.FRAMED_EVENTS)
    }


FRAMES = (Form.FRAMES, Form.FRAMED_EVENTS)
STREAMS = [asked for asked in ASKED if asked.answer is Answer.STREAM]


def cuts(plan: Plan) -> list[tuple[bytes, bytes]]:
    """What is on either side of each write's end, but the last's."""
    written = [step.data for step in plan.steps if isinstance(step, Write)]
    ends = [sum(map(len, written[:number])) for number in range(1, len(written))]
    return [(plan.body[:end], plan.body[end:]) for end in ends]


def half_characters(text: bytes) -> bool:
    """Whether bytes of text end inside a character."""
    try:
        text.decode()
    except UnicodeDecodeError as broken:
        return broken.reason == "unexpected end of data"
    return False


def payload_before(before: bytes, after: bytes) -> bytes | None:
    """What is before a cut of the payload that it cuts, decoded as far as it can be; None: it cuts none."""
    for message in eventstream.decode(before + after).messages:
        begin = message.end - eventstream.CRC_BYTES - len(message.payload)
        if begin < len(before) < message.end - eventstream.CRC_BYTES:
            held = message.payload[: len(before) - begin]
            coded = held.removeprefix(b'{"bytes":"')
            return held if coded == held else decoded(coded.partition(b'"')[0])
    return None


def decoded(coded: bytes) -> bytes:
    """The whole bytes in the beginning of a base64 text."""
    whole = base64.b64decode(coded + b"A" * (-len(coded) % 4))
    return whole[: len(coded) * 6 // 8]


@pytest.mark.parametrize("asked", STREAMS, ids=lambda asked: f"{asked.provider}-{asked.name}")
def test_every_cut_is_inside_a_character_of_what_is_said_or_between_events(asked: Asked) -> None:
    healthy, split = asked.plan(FAULTS["none"]), asked.plan(FAULTS["split-utf8"])
    assert split.body == healthy.body
    between = {len(before) for before, _ in cuts(healthy)}
    inside = [(before, after) for before, after in cuts(split) if len(before) not in between]
    framed = asked.form in FRAMES
    told = [payload_before(before, after) if framed else before for before, after in inside]
    assert all(text is not None and half_characters(text) for text in told)
    assert len(inside) >= 3


SESSION = session_id("somebody")
SESSIONS = "/v1/chatkit/sessions"
SENT = Request(
    "POST",
    f"{SESSIONS}/{SESSION}/messages",
    BETA,
    json.dumps({"role": "user", "content": [{"type": "input_text", "text": "a plan"}]}).encode(),
)
POLL = Request("GET", f"{SESSIONS}/{SESSION}/messages", BETA, b"")


def steps() -> list[Asked]:
    """The requests that a plan takes, each with those before it: seven polls."""
    made = {"workflow": {"id": "wf_1"}, "user": "somebody"}
    taken = [Asked("create", Provider.CHATKIT, Answer.PLAIN, Form.DOCUMENTS, SESSIONS, made, BETA)]
    for number, request in enumerate((SENT, *[POLL] * 7)):
        earlier = (SENT, *[POLL] * 7)[:number]
        step = replace(taken[0], path=request.url, method=request.method, body=request.body, earlier=earlier)
        taken.append(step)
    return taken


def test_a_fault_changes_one_of_the_steps_to_a_plan_or_strikes_none() -> None:
    taken = steps()
    changed = {fault.id for fault in FAULTY if any(step.plan(fault) != step.plan(FAULTS["none"]) for step in taken)}
    assert changed == {fault.id for fault in FAULTY if fault.strikes(Provider.CHATKIT, Answer.PLAIN)}


FIRST_STRUCK = {
    "session-vanishes": 1,
    "message-rejected": 1,
    "message-503": 1,
    "message-silent": 1,
    "message-not-json": 1,
    "session-vanishes-later": 3,
    "poll-429": 3,
    "poll-503": 3,
    "poll-silent": 3,
    "poll-reset": 3,
    "poll-not-json": 3,
}
"""The session, the message, the polls: the first step that each fault changes which names one."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTY if fault.operation], ids=lambda fault: fault.id)
def test_a_fault_that_names_a_step_leaves_those_before_it_alone(fault: Fault) -> None:
    changed = [step.plan(fault) != step.plan(FAULTS["none"]) for step in steps()]
    assert changed.index(True) == FIRST_STRUCK[fault.id]


def test_the_later_steps_to_a_plan_meet_every_way_to_fail() -> None:
    struck = [step.plan(FAULTS[fault]) for fault, number in FIRST_STRUCK.items() for step in [steps()[number]]]
    silent = [plan for plan in struck if Stall() in plan.before]
    torn = [plan for plan in struck if Reset() in plan.steps]
    refused = {plan.status for plan in struck if plan.status != 200}
    assert (len(silent), len(torn), len([one for one in struck if one.body == NOT_JSON])) == (2, 1, 2)
    assert refused == {400, 404, 429, 503}


@pytest.mark.parametrize("provider", Provider)
def test_nothing_is_streamed_by_who_has_no_streams(provider: Provider) -> None:
    struck = [fault.id for fault in FAULTS.values() if fault.strikes(provider, Answer.STREAM)]
    assert bool(struck) is (provider is not Provider.CHATKIT)


LISTS = {
    Provider.OPENAI: (OpenAIReceiver(Provider.OPENAI), openai.LIST, "GET", "/v1/models", BEARER, b""),
    Provider.GROQ: (OpenAIReceiver(Provider.GROQ), openai.LIST, "GET", "/openai/v1/models", BEARER, b""),
    Provider.ANTHROPIC: (AnthropicReceiver(), anthropic.LIST, "GET", "/v1/models", KEYED, b""),
    Provider.VERTEX: (VertexReceiver(), vertex.MODELS, "GET", "/v1beta1/publishers/anthropic/models", BEARER, b""),
}
PLAIN_FAULTS = [
    fault
    for fault in FAULTY
    if fault.status or fault.silent or fault.delay_ms or fault.id in ("not-json", "empty-body", "empty-choices")
] + [FAULTS["wrong-content-type"], FAULTS["reset-plain"]]


@pytest.mark.parametrize("fault", PLAIN_FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize("provider", LISTS)
def test_a_list_is_struck_by_the_faults_that_name_it_and_by_no_other(provider: Provider, fault: Fault) -> None:
    receive, name, *request = LISTS[provider]
    call = receive(*request)
    plans = [call.answer(Circumstances(fault=one)) for one in (FAULTS["none"], fault, replace(fault, operation=name))]
    assert call.operation == name
    assert plans[0] == plans[1]
    assert plans[2] != plans[0]
    assert plans[2].status == (fault.status or 200)


def test_a_fault_that_names_a_list_leaves_the_models_alone() -> None:
    fault = replace(FAULTS["http-503"], operation=openai.LIST)
    assert all(asked.plan(fault) == asked.plan(FAULTS["none"]) for asked in ASKED)


@pytest.mark.parametrize("fault", PLAIN_FAULTS, ids=lambda fault: fault.id)
def test_a_request_for_a_token_is_struck_by_the_faults_that_name_it(fault: Fault) -> None:
    claims = {"iss": "robot@p", "aud": "x", "iat": NOW_S, "exp": NOW_S + 60}
    parts = [jwt_part({"alg": "RS256"}), jwt_part(claims), "signature"]
    call = VertexReceiver()("POST", "/token", (), f"grant_type={GRANT}&assertion={'.'.join(parts)}".encode())
    healthy, struck, named = [
        call.answer(Circumstances(fault=one, now_s=NOW_S))
        for one in (FAULTS["none"], fault, replace(fault, operation=vertex.TOKEN))
    ]
    assert (healthy.status, struck) == (200, healthy)
    assert (named != healthy) is (fault.id != "empty-choices")
    if fault.status:
        assert (named.status, json.loads(named.body).keys()) == (fault.status, {"error", "error_description"})


def jwt_part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
