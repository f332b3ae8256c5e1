"""What a stream of chat promises its owner: words as they come, one end, and the truth about it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Mark, Recording
from harness.core.verdict import Doubt, Pointer
from harness.systems import chat

from .calls import failures
from .chat_calls import CHAT, StreamCall, broken, healthy, stream_calls, undisturbed
from .registry import Findings, contract
from .upstream import Way

PROVIDER = (Capability.PROVIDER,)


def _whole(recording: Recording) -> list[StreamCall]:
    return [call for call in stream_calls(recording) if call.streamed and not call.left]


@contract(
    "stream.chat-one-terminal",
    select=_whole,
    systems=CHAT,
    source="house: then one terminal, done or error",
    breakers=("chat-silent-end", "chat-two-terminals", "chat-stop-cuts-streams"),
)
def chat_one_terminal(call: StreamCall, _recording: Recording) -> Findings:
    """A stream has one terminal, `done` or `error`, and it is the last event.

    Without one a client cannot tell an answer from half of it; with two it does not know which to believe.
    """
    if len(call.terminals) != 1:
        yield call.violation(f"The stream has {len(call.terminals)} terminals.")
    elif call.events[-1] is not call.terminals[0]:
        yield call.violation("An event came after the terminal.", call.at_event(call.events[-1]))


@contract(
    "stream.chat-failure-told",
    select=broken,
    systems=CHAT,
    needs=PROVIDER,
    source="house; BerriAI/litellm #33404 made up an end",
    breakers=("chat-invented-done", "chat-silent-end"),
)
def chat_failure_told(call: StreamCall, _recording: Recording) -> Findings:
    """A stream whose provider failed ends in an error event, never in `done`.

    Half a frame, a wrong checksum, a missing end: the library that reads them takes some of it for a clean end.
    """
    if call.done is not None:
        yield call.violation("The provider failed, and the stream says that it is done.", call.at_event(call.done))
    elif call.error is None:
        yield call.violation("The provider failed, and the stream just ends.")


@contract(
    "stream.chat-failure-code",
    select=broken,
    systems=CHAT,
    needs=PROVIDER,
    source="house: the system's table of provider failures",
    breakers=("chat-in-band-code-generic", "chat-observer-kills-owner"),
)
def chat_failure_code(call: StreamCall, recording: Recording) -> Findings:
    """An error event carries the code that the failure has before a stream too, and words."""
    wanted = {outcome.code for outcome in failures(call, recording)}
    if call.error is not None and (call.code not in wanted or not call.words):
        said = f"{call.code!r} with {'words' if call.words else 'no words'}"
        yield call.violation(f"The failure calls for {' or '.join(sorted(wanted))}, the event says {said}.")


@contract(
    "stream.chat-words-faithful",
    select=undisturbed,
    systems=CHAT,
    needs=PROVIDER,
    source="house: words are passed on, not edited",
    breakers=("chat-dropped-delta",),
)
def chat_words_faithful(call: StreamCall, _recording: Recording) -> Findings:
    """The owner reads the provider's words: all where it finished, the first of them where it failed."""
    upstream = call.upstream
    if upstream is None:
        return
    theirs, ours = upstream.text, call.text
    if ours != theirs and not (upstream.way is not Way.COMPLETE and theirs.startswith(ours)):
        yield call.violation(f"The provider sent {len(theirs)} characters, the owner read {len(ours)} or others.")


def _paced(recording: Recording) -> Iterator[tuple[StreamCall, Mark]]:
    opened = recording.mark("gate-opened")
    if recording.header.scenario == "stream-paced" and opened is not None:
        yield from ((call, opened) for call in stream_calls(recording))


@contract(
    "stream.chat-incremental",
    select=_paced,
    systems=CHAT,
    needs=PROVIDER,
    source="house: CopilotKit/aimock #125 shows a relay that buffers",
    breakers=("chat-buffered",),
)
def chat_incremental(subject: tuple[StreamCall, Mark], _recording: Recording) -> Findings:
    """Words reach the owner as the provider sends them, not when it has finished."""
    call, opened = subject
    if call.upstream is None or not call.upstream.pieces:
        yield Doubt("The provider sent no words before its gate was opened.")
        return
    first = next((event for event in call.events if event.text), None)
    read_ns = call.client.response.at(first.end - 1) if first and call.client.response else None
    if read_ns is None or read_ns >= opened.at_ns:
        yield call.violation("The provider sent its first words and waited; the owner read none meanwhile.")


@contract(
    "stream.chat-headers",
    select=_whole,
    systems=CHAT,
    source="house; WHATWG HTML, 9.2 server-sent events: text/event-stream; RFC 9111: no-cache",
    breakers=("chat-no-cache-missing",),
)
def chat_headers(call: StreamCall, _recording: Recording) -> Findings:
    """A stream says `Cache-Control: no-cache`: no cache keeps one user's words for another."""
    response = call.client.response
    control = (response.header("cache-control") or "") if response else ""
    if "no-cache" not in control and "no-store" not in control:
        yield call.violation(f"Cache-Control is {control!r}.", Pointer(call.client.id))


@contract(
    "stream.chat-usage-true",
    select=healthy,
    systems=CHAT,
    needs=PROVIDER,
    source="house: done carries the usage, the provider's where it can be believed",
    breakers=("chat-usage-invented",),
)
def chat_usage_true(call: StreamCall, _recording: Recording) -> Findings:
    """`done` says how many tokens were used, as whole numbers: the provider's count where that can be believed."""
    data = call.done.data if call.done is not None and isinstance(call.done.data, dict) else None
    if data is None or call.upstream is None:
        return
    usage = data.get("usage")
    said = tuple(usage.get(name) if isinstance(usage, dict) else None for name in chat.USAGE_FIELDS)
    counted = call.upstream.counted
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in said):
        yield call.violation(f"The usage is {said!r}.")
    elif counted is not None and said != counted:
        yield call.violation(f"The provider counted {counted}, the owner read {said}.")
