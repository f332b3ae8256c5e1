"""What a client gets for a plan: the plan, its id, its price, its line in the log; and when the workflow may start."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Json, Mark, Probe, Recording
from harness.core.verdict import Doubt, Pointer, Violation
from harness.systems import workflow

from .calls import failures
from .charges import Paid, paid
from .ids import is_uuid
from .plan_calls import PlanCall, Told, plan_calls, told
from .registry import Findings, contract
from .scope import WORKFLOW

PROVIDER = (Capability.PROVIDER,)
LOG = (Capability.LOG, Capability.PROVIDER)
SEEN = (Capability.LEDGER, Capability.PROVIDER)
STARTUP = (Capability.STARTUP, Capability.VARIANTS)


def _made(recording: Recording) -> list[PlanCall]:
    return [c for c in plan_calls(recording) if c.client.status == workflow.CREATED_STATUS and not c.left]


@contract(
    "workflow.plan-whole",
    select=_made,
    systems=WORKFLOW,
    source=f"house: 201 with id and {workflow.KEY}, which has title and sessions",
    breakers=("workflow-programme-renamed", "workflow-programme-cut"),
)
def plan_whole(call: PlanCall, _recording: Recording) -> Findings:
    """A plan that was made is answered with its id and its programme: its title and the list of its sessions.

    A 201 without it is a plan that was paid for and cannot be read.
    """
    lacking = [] if call.answer_id else ["id"]
    lacking += [workflow.KEY] if call.programme is None else workflow.lacking(call.programme)
    if lacking:
        yield call.violation(f"The plan has no {', '.join(lacking)}.")


@contract(
    "ids.plan-id-is-uuid",
    select=_made,
    systems=WORKFLOW,
    source="house; RFC 9562, 4: UUID format",
    breakers=("workflow-id-is-the-session", "ids-without-version"),
)
def plan_id_is_uuid(call: PlanCall, _recording: Recording) -> Findings:
    """A plan's id is a UUID of its own: the provider's ids are the provider's to change."""
    if not is_uuid(call.answer_id):
        yield call.violation(f"The plan's id is {call.answer.get('id')!r}.")


def _completed(recording: Recording) -> list[Paid]:
    return [
        one
        for one in paid(recording)
        if isinstance(one.call, PlanCall) and one.call.succeeded and not failures(one.call, recording)
    ]


@contract(
    "credits.plan-price",
    select=_completed,
    systems=WORKFLOW,
    needs=SEEN,
    source="house: a plan costs 5 credits",
    breakers=("workflow-polls-cost", "credit-not-checked"),
)
def plan_price(one: Paid, recording: Recording) -> Findings:
    """A plan costs 5 credits, however long its answer took."""
    price = workflow.price_credits(recording.header.facts)
    if one.charged != price:
        yield one.call.violation(f"A plan costs {price} credits, {one.charged} were charged.", Pointer(probe="ledger"))


@contract(
    "log.plan-told",
    select=lambda recording: told(recording, "plan"),
    systems=WORKFLOW,
    needs=LOG,
    source="house: one line for each plan",
    breakers=(
        "workflow-log-without-session",
        "workflow-polls-after-client-left",
        "workflow-id-is-the-session",
        "overspend-calls-provider",
        "answer-id-made-anew",
        "call-id-reused",
    ),
)
def plan_told(one: Told, _recording: Recording) -> Findings:
    """A plan has one line `plan`: whose, which session of the provider's, how many polls, and how it ended.

    The provider's own support asks for the session first.
    """
    here = (Pointer(probe="log"),)
    if len(one.rows) != 1:
        yield one.call.violation(f"The plan has {len(one.rows)} lines 'plan'.", *here)
        return
    row, conversation = one.rows[0], one.conversation
    lacking = [name for name in ("planId", "userId", "status", "waitedSeconds") if name not in row]
    if lacking:
        yield one.call.violation(f"The plan's line lacks {', '.join(lacking)}.", *here)
    wanted: dict[str, Json] = {"polls": len(conversation.polls)}
    if conversation.sent is not None:
        wanted["sessionId"] = conversation.session
    if one.call.succeeded:
        wanted["planId"] = one.call.answer_id
    wrong = [f"{name} {row.get(name)!r} for {value!r}" for name, value in wanted.items() if row.get(name) != value]
    if wrong:
        yield one.call.violation(f"The plan's line says {', '.join(wrong)}.", *here)


def _starts(recording: Recording) -> Iterator[tuple[Mark, Probe | None]]:
    """Each start without a setting, and what came of it."""
    probes = [probe for probe in recording.probes if probe.name == "startup"]
    for mark in recording.marks:
        if mark.name == "without":
            yield mark, next((probe for probe in probes if probe.at_ns >= mark.at_ns), None)


@contract(
    "config.workflow-settings-required",
    select=_starts,
    systems=WORKFLOW,
    needs=STARTUP,
    source="house: settings OPENAI_API_KEY and EDN360_TRAINING_WORKFLOW_ID",
    breakers=("workflow-starts-without-settings",),
)
def settings_required(subject: tuple[Mark, Probe | None], _recording: Recording) -> Findings:
    """Without its key or its workflow the workflow does not start, and says which setting is missing.

    Started all the same, it takes credits for every plan, fails, and gives them back.
    """
    mark, probe = subject
    setting, here = str(mark.data["setting"]), (Pointer(probe="startup"),)
    if probe is None:
        yield Doubt("What came of the start is not in the recording.")
    elif probe.data.get("started"):
        yield Violation(f"It started without {setting}.", here)
    elif setting not in str(probe.data.get("error")):
        yield Violation(f"The refusal does not name {setting}: {probe.data.get('error')!r}.", here)
