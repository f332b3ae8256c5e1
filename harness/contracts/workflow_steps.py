"""What the workflow asks of ChatKit for a plan: three steps, in order, each as ChatKit has it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.core.errors import DecodeError
from harness.core.ledger import Ledger
from harness.core.names import Capability
from harness.core.recording import Exchange, Json, Recording
from harness.core.verdict import Doubt, Pointer, Violation
from harness.framing.json import lenient
from harness.providers import chatkit
from harness.systems import workflow

from .calls import ledger
from .plan_calls import PlanCall, plan_calls
from .registry import Findings, contract
from .scope import WORKFLOW
from .upstreams.chatkit import Conversation, conversations

PROVIDER = (Capability.PROVIDER,)
REFERENCE = "OpenAI API reference, ChatKit sessions (beta)"


def _at(exchange: Exchange) -> tuple[Pointer, ...]:
    return (Pointer(exchange.id, at_ns=exchange.request.sent_ns),)


def _created(recording: Recording) -> list[Exchange]:
    return [one.created for one in conversations(recording) if one.created is not None]


def _exchanges(recording: Recording) -> list[Exchange]:
    return [exchange for one in conversations(recording) for exchange in one.exchanges]


@contract(
    "workflow.steps-in-order",
    select=conversations,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: session, message, polls",
    breakers=("workflow-goes-on-after-failure", "workflow-session-reused"),
)
def steps_in_order(one: Conversation, recording: Recording) -> Findings:
    """A plan takes a session, one message to it, then polls, each asked once the one before was answered, and well.

    A step on top of one that failed asks about what is not there, and hides why.
    """
    steps = one.exchanges
    if one.created is None and _made_for_another(one, recording):
        yield Violation(f"{steps[0].operation} was asked of a session that was not made for it.", _at(steps[0]))
    elif one.created is None:
        yield Doubt("The session was made for a user whom nobody knows: that is not in the recording.", _at(steps[0]))
    if one.polls and one.sent is None:
        yield Violation("A session was polled to which nothing had been said.", _at(one.polls[0]))
    wanted = sorted(steps, key=lambda exchange: chatkit.CALLS.index(exchange.operation))
    if list(steps) != wanted:
        said = ", ".join(exchange.operation for exchange in steps[:4])
        yield Violation(f"The steps came as {said}.", _at(steps[0]))
    for before, after in pairwise(steps):
        if before.response is None or after.request.sent_ns < before.response.at_ns:
            yield Violation(f"{after.operation} was asked before {before.operation} was answered.", _at(after))
        elif before.status != 200:
            yield Violation(f"{before.operation} was answered by {before.status}, and the next was asked.", _at(after))


def _made_for_another(one: Conversation, recording: Recording) -> bool:
    """Whether the session was made for an earlier message."""
    return any(other.created is not None and other.session == one.session for other in conversations(recording))


@contract(
    "workflow.headers",
    select=_exchanges,
    systems=WORKFLOW,
    needs=PROVIDER,
    source=f"{REFERENCE}: the beta header OpenAI-Beta: chatkit_beta=v1; house: on each of the three steps",
    breakers=("workflow-beta-header-once",),
)
def headers(exchange: Exchange, _recording: Recording) -> Findings:
    """Each step bears the key and says `OpenAI-Beta: chatkit_beta=v1`.

    The published client says it for the session only; a call that it does not have must say it by itself.
    """
    key = (exchange.request.header("authorization") or "").removeprefix("Bearer ").strip()
    beta = exchange.request.header(chatkit.BETA_HEADER)
    if not key or beta != chatkit.BETA:
        lacking = "no bearer key" if not key else f"{chatkit.BETA_HEADER} {beta!r}"
        yield Violation(f"{exchange.operation} was asked with {lacking}.", _at(exchange))


@contract(
    "workflow.session-fields",
    select=_created,
    systems=WORKFLOW,
    needs=PROVIDER,
    source=f"{REFERENCE}, create: workflow, user and options; the incident: Unknown parameter: 'input'",
    breakers=("workflow-input-in-session",),
)
def session_fields(exchange: Exchange, _recording: Recording) -> Findings:
    """A request for a session has no field that ChatKit does not know, `input` above all.

    What is asked for goes into the message. Sent with the session it is refused, and so is every plan.
    """
    found = _object(exchange)
    unknown = [name for name in found if name not in chatkit.SESSION_FIELDS]
    if unknown:
        yield Violation(f"The session was asked for with {', '.join(unknown)}.", _at(exchange))


def _owned(recording: Recording) -> list[tuple[Exchange, Ledger | None]]:
    account = ledger(recording)
    return [(exchange, account) for exchange in _created(recording)]


@contract(
    "workflow.session-of-the-caller",
    select=_owned,
    systems=WORKFLOW,
    needs=PROVIDER,
    source=f"{REFERENCE}, create: user identifies the end user; house: the workflow by its setting",
    breakers=("workflow-id-hard-coded",),
)
def session_of_the_caller(subject: tuple[Exchange, Ledger | None], recording: Recording) -> Findings:
    """A session is made for the configured workflow, and for the user who called.

    What ChatKit keeps, it keeps by that user: one name for all lets each see what the others said.
    """
    exchange, account = subject
    found, wanted = _object(exchange), workflow.workflow_id(recording.header.facts)
    named = found.get("workflow")
    name = named.get("id") if isinstance(named, dict) else None
    if not isinstance(name, str) or not name.startswith("wf_") or wanted not in (None, name):
        yield Violation(f"The session is one of workflow {name!r}, not {wanted or 'one that is called wf_...'}.")
    user = found.get("user")
    if not user or (account is not None and user != account.user_id):
        whose = account.user_id if account else "the caller"
        yield Violation(f"The session is made for user {user!r}, not for {whose}.", _at(exchange))


def _sent(recording: Recording) -> Iterator[tuple[PlanCall, Exchange]]:
    for call in plan_calls(recording):
        for one in call.conversations:
            if one.sent is not None and one.sent.request.whole is None:
                yield call, one.sent


@contract(
    "workflow.message-is-the-request",
    select=_sent,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: one block of type input_text, the request as a JSON string",
    breakers=("workflow-questionnaires-dropped", "workflow-text-not-json"),
)
def message_is_the_request(subject: tuple[PlanCall, Exchange], _recording: Recording) -> Findings:
    """The message is the user's, one block of type `input_text`: a JSON document with all that was asked for.

    What is left out of it, no plan can heed: an injury, say.
    """
    call, exchange = subject
    found = _object(exchange)
    content = found.get("content")
    block = content[0] if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) else {}
    if found.get("role") != "user" or block.get("type") != "input_text":
        yield Violation("The message is not the user's, or not one block of type input_text.", _at(exchange))
        return
    try:
        document = lenient(str(block.get("text")))
    except DecodeError:
        document = None
    if not isinstance(document, dict):
        yield Violation(f"The message is no JSON object: {str(block.get('text'))[:60]!r}.", _at(exchange))
        return
    asked = call.asked or {}
    wrong = [name for name in workflow.REQUEST_FIELDS if document.get(name) != asked.get(name)]
    if wrong:
        yield Violation(f"The message's {', '.join(wrong)} is not what the client asked for.", _at(exchange))


def _several(recording: Recording) -> list[tuple[PlanCall, ...]]:
    made = tuple(call for call in plan_calls(recording) if call.conversation and call.conversation.session)
    return [made] if len(made) > 1 else []


@contract(
    "workflow.own-session",
    select=_several,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: three steps for each plan",
    breakers=("workflow-session-reused",),
)
def own_session(made: tuple[PlanCall, ...], _recording: Recording) -> Findings:
    """Every plan has a session of its own.

    In a shared one the newest answer may be another plan's, and the workflow reads what was said before.
    """
    seen: dict[str, PlanCall] = {}
    for call in made:
        session = (call.conversation.session if call.conversation else None) or ""
        if session in seen:
            yield call.violation(f"{seen[session].client.id} and {call.client.id} share the session {session[:20]}.")
        seen[session] = call


def _polls(recording: Recording) -> list[Exchange]:
    return [poll for one in conversations(recording) for poll in one.polls]


@contract(
    "workflow.poll-options",
    select=_polls,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: ?limit=50&order=desc",
    breakers=("workflow-oldest-first",),
)
def poll_options(exchange: Exchange, _recording: Recording) -> Findings:
    """A poll asks for the newest 50 messages, the newest first.

    Of a list that begins with the oldest, a short page never comes to the answer.
    """
    options = chatkit.list_options(exchange.request.url)
    if options != dict(workflow.LIST_OPTIONS):
        yield Violation(f"The messages were asked for with {options}.", _at(exchange))


def _object(exchange: Exchange) -> dict[str, Json]:
    try:
        found = lenient(exchange.request.body)
    except DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
