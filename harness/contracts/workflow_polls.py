"""What the workflow promises of its polls: when the first is, how long between, how many, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.names import Capability
from harness.core.race import END_RACED
from harness.core.recording import Json, Recording
from harness.core.verdict import Doubt, Pointer
from harness.systems import workflow

from .plan_calls import PlanCall, Told, plan_calls, told
from .registry import Findings, contract
from .scope import WORKFLOW
from .upstream import Way
from .upstreams.chatkit import Conversation

PROVIDER = (Capability.PROVIDER,)
LOG = (Capability.LOG, Capability.PROVIDER)
HERE = (Pointer(probe="log"),)


@dataclass(frozen=True)
class Polled:
    """A plan whose provider was polled, and the conversation."""

    call: PlanCall
    conversation: Conversation

    @property
    def count(self) -> int:
        """How many polls there were."""
        return len(self.conversation.polls)


def _polled(recording: Recording) -> Iterator[Polled]:
    for call in plan_calls(recording):
        yield from (Polled(call, one) for one in call.conversations if one.polls)


def _given_up(recording: Recording) -> list[Polled]:
    """Plans that ended while every poll had been answered, and none had found an answer."""
    return [
        one
        for one in _polled(recording)
        if not one.call.left and one.conversation.failed is None and one.conversation.answered is None
    ]


def _answered(recording: Recording) -> list[Polled]:
    return [one for one in _polled(recording) if one.conversation.answered is not None]


@contract(
    "workflow.polls-bounded",
    select=_polled,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: 60 tries at most",
    breakers=("workflow-polls-61",),
)
def polls_bounded(one: Polled, recording: Recording) -> Findings:
    """A provider is polled 60 times at the most for one plan.

    Whoever never answers must not be asked for ever: the client waits, and so does everything it holds.
    """
    most = workflow.polls_max(recording.header.facts)
    if one.count > most:
        yield one.call.violation(f"The provider was polled {one.count} times, {most} is the limit.")


@contract(
    "workflow.gives-up-after-all-polls",
    select=_given_up,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: no answer in 60 tries is a time-out, after exactly 60 polls",
    breakers=(
        "workflow-polls-61",
        "workflow-gives-up-early",
        "workflow-user-message-taken",
        "workflow-any-block-taken",
    ),
)
def gives_up_after_all_polls(one: Polled, recording: Recording) -> Findings:
    """A plan is given up for want of an answer after exactly as many polls as there may be.

    One fewer is a plan that was thrown away although it may have been ready.
    """
    most = workflow.polls_max(recording.header.facts)
    if one.count != most:
        yield one.call.violation(f"The plan was given up after {one.count} polls without an answer, not after {most}.")


@contract(
    "workflow.polls-end-with-the-answer",
    select=_answered,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: until an assistant message holds a block of type output_text or text",
    breakers=("workflow-polls-once-more", "workflow-text-blocks-ignored"),
)
def polls_end_with_the_answer(one: Polled, _recording: Recording) -> Findings:
    """Once a poll has found the answer there is no other."""
    answered = one.conversation.answered
    late = one.conversation.polls[answered + 1 :] if answered is not None else ()
    if late:
        yield one.call.violation(
            f"Poll {one.count - len(late)} found the answer, and {len(late)} more followed.", Pointer(late[0].id)
        )


def _left(recording: Recording) -> list[Polled]:
    """Plans that were left while they were polled for; not those whose answer came at the same moment."""
    raced = {mark.data["tie"] for mark in recording.marks if mark.name == END_RACED}
    return [one for one in _polled(recording) if one.call.left and one.call.client.tie not in raced]


@contract(
    "workflow.polls-end-with-the-client",
    select=_left,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: polls stop when the client has gone; BerriAI/litellm #17364",
    breakers=("workflow-polls-after-client-left",),
)
def polls_end_with_the_client(one: Polled, _recording: Recording) -> Findings:
    """When the client leaves, polling stops.

    Two minutes of polls for nobody, for each client who lost patience, are what brings a provider's rate limit about.
    """
    left_ns = one.call.client.ended_ns
    late = [poll for poll in one.conversation.polls if poll.request.sent_ns > left_ns]
    held = any(poll.request.sent_ns <= left_ns <= poll.ended_ns for poll in one.conversation.polls)
    if len(late) > (0 if held else 1):
        yield one.call.violation(f"The client left, and {len(late)} polls followed.", Pointer(late[0].id))
    elif late:
        yield Doubt("One poll followed the client's leaving: it may have been under way.")


def _told(recording: Recording) -> Iterator[tuple[Told, float]]:
    """The plan's own line and what it says was waited between the polls, in seconds."""
    for one in told(recording, "plan"):
        if one.conversation.polls and not one.call.left and len(one.rows) == 1:
            waited_s: Json = one.rows[0].get("waitedSeconds")
            if isinstance(waited_s, int | float) and not isinstance(waited_s, bool):
                yield one, float(waited_s)


def _waits_s(one: Told, recording: Recording) -> float:
    """What is to be waited between as many polls as there were."""
    return (len(one.conversation.polls) - 1) * workflow.poll_interval_s(recording.header.facts)


@contract(
    "workflow.first-poll-at-once",
    select=_told,
    systems=WORKFLOW,
    needs=LOG,
    source="house: first at once, then every 2 s",
    breakers=("workflow-waits-first",),
)
def first_poll_at_once(subject: tuple[Told, float], recording: Recording) -> Findings:
    """The first poll comes at once: N polls have N - 1 waits between them, by the log.

    An answer that is there already is not waited for.
    """
    one, waited_s = subject
    most_s = _waits_s(one, recording)
    if waited_s > most_s:
        polls = len(one.conversation.polls)
        yield one.call.violation(f"{polls} polls have {most_s:g} s between them; {waited_s:g} s were waited.", *HERE)


@contract(
    "workflow.poll-interval",
    select=_told,
    systems=WORKFLOW,
    needs=LOG,
    source="house: first at once, then every 2 s",
    breakers=("workflow-polls-without-pause",),
)
def poll_interval(subject: tuple[Told, float], recording: Recording) -> Findings:
    """Between two polls the interval is waited, by the log.

    Without it sixty polls are over in a second, and a plan that takes two is given up.
    """
    one, waited_s = subject
    least_s = _waits_s(one, recording)
    if waited_s < least_s:
        polls = len(one.conversation.polls)
        yield one.call.violation(f"{polls} polls have {least_s:g} s between them; {waited_s:g} s were waited.", *HERE)


def _long(recording: Recording) -> list[Told]:
    return [one for one in told(recording, "plan_progress") if one.conversation.unanswered >= workflow.PROGRESS_EVERY]


@contract(
    "log.poll-progress",
    select=_long,
    systems=WORKFLOW,
    needs=LOG,
    source="house: progress logged every 10",
    breakers=("workflow-progress-untold",),
)
def poll_progress(one: Told, _recording: Recording) -> Findings:
    """Every tenth poll without an answer is in the log: a plan that takes long can be told from one that hangs."""
    every = workflow.PROGRESS_EVERY
    wanted = list(range(every, one.conversation.unanswered + 1, every))
    said = [row.get("polls") for row in one.rows]
    if said != wanted:
        yield one.call.violation(f"Progress was logged at polls {said}, not at {wanted}.", *HERE)


@contract(
    "workflow.answer-of-the-assistant",
    select=_polled,
    systems=WORKFLOW,
    needs=PROVIDER,
    source="house: an assistant message with a block of type output_text or text",
    breakers=(
        *("workflow-user-message-taken", "workflow-any-block-taken", "workflow-other-key-taken"),
        "workflow-programme-cut",
    ),
)
def answer_of_the_assistant(one: Polled, _recording: Recording) -> Findings:
    """A plan is made of what the assistant said in a block of type `output_text` or `text`, and of nothing else.

    The list of messages holds the user's own too, and blocks that tell of progress: neither is an answer.
    """
    call = one.call
    upstream = call.upstream
    if call.left or upstream is None:
        return
    judged = call.succeeded or call.code == call.table.invalid.code
    if judged and upstream.way is Way.SILENT:
        yield call.violation(f"No assistant had answered in {one.count} polls, the client read {call.client.status}.")
    elif call.succeeded and call.text != upstream.text:
        yield call.violation(f"The assistant's answer was {upstream.text[:60]!r}, the plan is {call.text[:60]!r}.")
