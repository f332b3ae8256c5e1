"""What a streamed answer promises its reader."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Mark, Recording
from harness.core.verdict import Doubt, Pointer
from harness.providers.openai import Kind

from .calls import ChatCall, Way, chat_calls
from .registry import Findings, contract
from .scope import COMPLETIONS
from .subjects import failed_after, healthy_streams, streams, whole_streams

API_REFERENCE = "OpenAI API reference, chat completion chunk object"
PROVIDER = (Capability.PROVIDER,)


@contract(
    "stream.done-once-and-last",
    select=whole_streams,
    systems=COMPLETIONS,
    source=f"{API_REFERENCE}: the stream is terminated by a data: [DONE] message",
    breakers=("double-done", "no-done", "no-done-after-error", "silent-end", "stop-cuts-streams"),
)
def done_once_and_last(call: ChatCall, _recording: Recording) -> Findings:
    """A stream ends with one `[DONE]`, and nothing comes after it.

    Clients stop reading there. Without it they cannot tell an end from a broken connection; after it, whatever comes
    is lost or read as part of the next answer.
    """
    stream = call.stream
    if stream is None:
        return
    if not stream.done:
        yield call.violation(f"The stream ended after {len(stream.events)} events without [DONE].")
    elif len(stream.done) > 1:
        yield call.violation(f"[DONE] came {len(stream.done)} times.", call.at_event(stream.done[1]))
    elif stream.done[0] != len(stream.events) - 1:
        behind = len(stream.events) - 1 - stream.done[0]
        yield call.violation(f"{behind} events came after [DONE].", call.at_event(stream.done[0] + 1))


@contract(
    "stream.no-invented-terminal",
    select=failed_after,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: BerriAI/litellm #33404 shows what it costs",
    breakers=("invented-stop",),
)
def no_invented_terminal(call: ChatCall, _recording: Recording) -> Findings:
    """A finish reason that the provider did not give is never made up.

    A provider that drops its connection leaves half an answer. Told `finish_reason: stop`, the client keeps the half
    for the whole, and nobody ever learns of it.
    """
    upstream, stream = call.upstream, call.stream
    if upstream is None or stream is None:
        return
    given = upstream.finish_reasons
    for event in stream.events:
        if event.finish_reason is not None and event.finish_reason not in given:
            yield call.violation(
                f"The client read finish_reason '{event.finish_reason}', the provider's stream had none of that.",
                call.at_event(event.index),
            )


@contract(
    "stream.failure-told-in-band",
    select=failed_after,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: after the headers only the stream can say that it failed (BerriAI/litellm #39748)",
    breakers=("silent-end", "invented-stop", "agent-closed-socket-hidden"),
)
def failure_told_in_band(call: ChatCall, _recording: Recording) -> Findings:
    """A stream whose provider failed holds exactly one error event.

    The status was sent before the failure and stays 200. Without the event a broken answer reads like a short one.
    """
    errors = call.stream.errors if call.stream else ()
    way = call.upstream.way.value if call.upstream else "unreachable"
    if not errors:
        yield call.violation(f"The provider's exchange was {way}, and the client's stream says nothing of it.")
    elif len(errors) > 1:
        yield call.violation(f"One failure was told {len(errors)} times.", call.at_event(errors[1].index))


@contract(
    "stream.error-event-near-the-end",
    select=failed_after,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: one error event, then [DONE]",
    breakers=("content-after-error",),
)
def nothing_between_error_and_done(call: ChatCall, _recording: Recording) -> Findings:
    """After the error event comes `[DONE]` and no content.

    A client that has been told of a failure throws the answer away; more words would be charged and never read.
    """
    stream = call.stream
    if stream is None or not stream.errors:
        return
    for event in stream.events[stream.errors[0].index + 1 :]:
        if event.kind not in (Kind.DONE, Kind.ERROR):
            yield call.violation(
                "An event that is neither [DONE] nor an error came after the error.", call.at_event(event.index)
            )
            return


@contract(
    "stream.words-faithful",
    select=streams,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: the gateway passes words on, it does not edit them",
    breakers=("dropped-chunk", "agent-retries-after-delivery"),
)
def words_faithful(call: ChatCall, _recording: Recording) -> Findings:
    """The client reads the provider's words: all where the provider finished, the first of them where it failed.

    Characters that the provider's writes cut in two arrive whole.
    """
    upstream = call.upstream
    if upstream is None or call.stream is None:
        return
    theirs, ours = upstream.text, call.text
    whole = upstream.way is Way.COMPLETE and not call.left
    if ours == theirs or (not whole and theirs.startswith(ours)):
        return
    differs = next(
        (i for i, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), min(len(theirs), len(ours))
    )
    yield call.violation(
        f"The provider sent {len(theirs)} characters, the client read {len(ours)}; from character {differs} on: "
        f"{theirs[differs : differs + 12]!r} against {ours[differs : differs + 12]!r}."
    )


@contract(
    "stream.headers",
    select=streams,
    systems=COMPLETIONS,
    source="house; WHATWG HTML, 9.2 server-sent events: text/event-stream; RFC 9111: no-cache",
    breakers=("no-cache-header-missing",),
)
def stream_headers(call: ChatCall, _recording: Recording) -> Findings:
    """A stream says `Cache-Control: no-cache`.

    A cache or proxy that keeps a stream serves one user's words to another, or holds them back until the end.
    """
    response = call.client.response
    control = (response.header("cache-control") or "") if response else ""
    if "no-cache" not in control and "no-store" not in control:
        yield call.violation(
            f"Cache-Control is {control!r}.", Pointer(call.client.id, at_ns=response.at_ns if response else 0)
        )


def _paced(recording: Recording) -> Iterator[tuple[ChatCall, Mark]]:
    opened = recording.mark("gate-opened")
    return ((call, opened) for call in chat_calls(recording) if opened is not None)


@contract(
    "stream.incremental",
    select=_paced,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: CopilotKit/aimock #125 shows a relay that buffers",
    breakers=("buffered-relay",),
)
def incremental(subject: tuple[ChatCall, Mark], _recording: Recording) -> Findings:
    """Words reach the client as the provider sends them, not when it has finished.

    The provider sent its first words and waited. A relay that collects the answer first gives the client nothing to
    read until the end, which is what streaming is there to avoid.
    """
    call, opened = subject
    upstream = call.upstream
    sent = upstream.pieces if upstream else ()
    if upstream is None or upstream.exchange.response is None or not sent:
        yield Doubt("The provider sent no words before its gate was opened.")
        return
    sent_ns = upstream.exchange.response.at(sent[0].start)
    first = call.stream.content_events[:1] if call.stream else ()
    read_ns = call.client.response.at(first[0].end - 1) if first and call.client.response else None
    if read_ns is None or read_ns >= opened.at_ns:
        waited_ms = (opened.at_ns - sent_ns) / 1e6
        yield call.violation(
            f"The provider sent its first words and waited {waited_ms:.0f} ms; the client read none meanwhile.",
            Pointer(upstream.exchange.id, start=sent[0].start, end=sent[0].end, event=sent[0].index, at_ns=sent_ns),
        )


@contract(
    "stream.chunk-shape",
    select=streams,
    systems=COMPLETIONS,
    source=API_REFERENCE,
    breakers=("chunk-without-object",),
)
def chunk_shape(call: ChatCall, _recording: Recording) -> Findings:
    """Every event is a `chat.completion.chunk` with its fields, an error object, or `[DONE]`.

    Client libraries read `id`, `created`, `model` and `choices` without asking whether they are there.
    """
    for event in call.stream.events if call.stream else ():
        if event.kind in (Kind.DONE, Kind.ERROR):
            continue
        data = event.data if isinstance(event.data, dict) else {}
        lacking = [key for key in ("id", "created", "model", "choices") if key not in data]
        if event.kind is not Kind.CHUNK or lacking or data.get("object") != "chat.completion.chunk":
            what = f"lacks {', '.join(lacking)}" if lacking else f"has object {data.get('object')!r}"
            yield call.violation(f"Event {event.index} {what}.", call.at_event(event.index))
            return


@contract(
    "stream.finish-reason-once",
    select=healthy_streams,
    systems=COMPLETIONS,
    source=API_REFERENCE,
    breakers=("finish-reason-lost",),
)
def finish_reason_once(call: ChatCall, _recording: Recording) -> Findings:
    """A stream that went well gives the provider's finish reason, once.

    `length` and `content_filter` tell a client that the answer is cut short; `tool_calls` that it must act.
    """
    upstream, stream = call.upstream, call.stream
    if upstream is None or not upstream.streamed or stream is None:
        return
    given, read = upstream.finish_reasons, stream.finish_reasons
    if given and read != given[:1]:
        yield call.violation(f"The provider's finish reason was {given[0]!r}, the client read {list(read)}.")


@contract(
    "stream.usage-as-asked",
    select=healthy_streams,
    systems=COMPLETIONS,
    source="OpenAI API reference, stream_options.include_usage",
    breakers=("usage-chunk-always", "usage-chunk-missing"),
)
def usage_as_asked(call: ChatCall, _recording: Recording) -> Findings:
    """With `include_usage` the last chunk has the usage and empty `choices`; without it no chunk has a usage.

    Clients that did not ask for it read the first choice of every chunk, and break on a chunk that has none.
    """
    stream = call.stream
    if stream is None or call.request is None:
        return
    chunks = [event for event in stream.events if event.kind is Kind.CHUNK]
    with_usage = [event for event in chunks if event.usage is not None]
    if not call.request.include_usage:
        if with_usage:
            yield call.violation("A usage came that nobody asked for.", call.at_event(with_usage[0].index))
    elif not with_usage:
        yield call.violation("include_usage was asked for, and no chunk has a usage.")
    elif with_usage != chunks[-1:] or chunks[-1].data.get("choices") != []:
        yield call.violation(
            "The usage is not in one last chunk with empty choices.", call.at_event(with_usage[0].index)
        )


@contract(
    "stream.ends-by-http",
    select=whole_streams,
    systems=COMPLETIONS,
    source="RFC 9112, 6.3: a message that ends before its framing says so is incomplete",
    breakers=("drops-connection", "stop-cuts-streams"),
)
def ends_by_http(call: ChatCall, _recording: Recording) -> Findings:
    """A stream's HTTP message is complete, whatever the provider did.

    A connection that is cut tells the client nothing that it could act on: it looks like a fault of the network.
    """
    if call.client.ending.value != "eof":
        yield call.violation(
            f"The answer ended by {call.client.ending.value}: {call.client.error or 'no reason given'}."
        )
