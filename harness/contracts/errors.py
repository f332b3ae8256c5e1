"""What a failed call promises its caller: the right status and code, the right words, and none that it must not see."""

from __future__ import annotations

import re

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording
from harness.core.verdict import Pointer, Violation
from harness.providers.openai import decode_error
from harness.systems import agent, gateway, runs
from harness.systems.route import Outcome

from . import chat_calls
from .calls import Call, ChatCall, Way, failures
from .registry import Findings, contract
from .scope import COMPLETIONS, EVERY, WORKFLOW
from .subjects import Sent, answers, calls, completed, error_answers, failed, failed_after, failed_before, sent

PROVIDER = (Capability.PROVIDER,)
TABLE = "house: the system's table of provider failures"
HEALTH = (runs.HEALTH.name, agent.HEALTH.name)
LEAK = re.compile(rb"\[REDACTED:[a-z0-9:-]+\]")


def _words(outcomes: tuple[Outcome, ...]) -> str:
    return " or ".join(f"{outcome.status} {outcome.code}" for outcome in outcomes)


@contract(
    "errors.provider-failure-mapped",
    select=failed_before,
    systems=EVERY,
    needs=PROVIDER,
    source=TABLE,
    breakers=(
        *("flattened-500", "chat-estimate-not-sent", "runs-error-without-code", "workflow-flattened-500"),
        "drops-request",
        *("workflow-user-message-taken", "workflow-any-block-taken", "workflow-other-key-taken"),
    ),
)
def provider_failure_mapped(call: Call, recording: Recording) -> Findings:
    """Before a stream began, each provider failure has the status and code of the system's table.

    A gateway's caller retries a 429 or a 503, mends a 400, and pages somebody for an authentication error: one 500 for
    all of them leaves nothing to decide by. A run has one code for all, which says that the run failed and not the
    request.
    """
    wanted = failures(call, recording)
    if not any(call.client.status == outcome.status and call.code == outcome.code for outcome in wanted):
        said = f"{call.client.status or 'no answer'} {call.code or 'without a code'}"
        yield call.violation(f"The provider's failure calls for {_words(wanted)}, the client read {said}.")


@contract(
    "errors.in-band-code",
    select=failed_after,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source=TABLE,
    breakers=("in-band-code-generic",),
)
def in_band_code(call: ChatCall, recording: Recording) -> Findings:
    """After a stream began, the error event's code is the one that the failure would have had before.

    The status is spent; the code is all that tells a time-out from a broken stream.
    """
    wanted = failures(call, recording)
    for event in (call.stream.errors if call.stream else ())[:1]:
        error = event.data.get("error") if isinstance(event.data, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        if code not in {outcome.code for outcome in wanted}:
            yield call.violation(
                f"The failure calls for {_words(wanted)}, the event's code is {code!r}.", call.at_event(event.index)
            )


def _refusals(recording: Recording) -> list[Exchange]:
    return [e for e in error_answers(recording) if e.operation not in HEALTH]  # its 503 is an answer


@contract(
    "errors.object-shape",
    select=_refusals,
    systems=EVERY,
    source="OpenAI API reference, error object: message, type, param, code; for runs: house",
    breakers=("error-shape-bare",),
)
def object_shape(exchange: Exchange, _recording: Recording) -> Findings:
    """An error is `{"error": {"message", "type", "param", "code"}}`, a run's `{"error": text}`; no text is empty.

    One of streamed chat or of its accounting is `{"message": text, ...}`.

    Client libraries make their exceptions of these fields; whatever has another shape becomes an unknown error.
    """
    error = decode_error(exchange.body)
    if exchange.operation == runs.RUN.name:
        if not isinstance(error and error.data.get("error"), str):
            yield Violation(f"A {exchange.status} came without an error text: {exchange.body[:60]!r}.", _all(exchange))
        return
    if exchange.operation in chat_calls.OPERATIONS:
        message = chat_calls.body_of(exchange).get("message")
        if not isinstance(message, str) or not message:
            yield Violation(f"A {exchange.status} came without a message: {exchange.body[:60]!r}.", _all(exchange))
        return
    held = error.data.get("error") if error and isinstance(error.data, dict) else None
    if not isinstance(held, dict):
        yield Violation(f"A {exchange.status} came without an error object: {exchange.body[:60]!r}.", _all(exchange))
        return
    lacking = [field for field in gateway.ERROR_FIELDS if field not in held]
    if lacking or not error or not error.message:
        yield Violation(
            f"The error object of a {exchange.status} lacks {', '.join(lacking) or 'a message'}.", _all(exchange)
        )


@contract(
    "errors.in-band-shape",
    select=failed_after,
    systems=COMPLETIONS,
    needs=PROVIDER,
    source="house: the same error object in band",
    breakers=("in-band-error-bare",),
)
def in_band_shape(call: ChatCall, _recording: Recording) -> Findings:
    """An error event holds the same object as an error answer: message, type, param, code.

    One reader then serves both, and the published clients raise their own exception for it.
    """
    for event in call.stream.errors if call.stream else ():
        error = event.data.get("error") if isinstance(event.data, dict) else None
        lacking = [field for field in gateway.ERROR_FIELDS if not isinstance(error, dict) or field not in error]
        if lacking:
            yield call.violation(f"The error event lacks {', '.join(lacking)}.", call.at_event(event.index))


def _limited(recording: Recording) -> list[Call]:
    return [call for call in failed_before(recording) if call.upstream and call.upstream.exchange.status == 429]


@contract(
    "errors.retry-after-passed-on",
    select=_limited,
    systems=(*COMPLETIONS, *chat_calls.CHAT, *WORKFLOW),
    needs=PROVIDER,
    source="RFC 9110, 10.2.3: Retry-After is seconds or an HTTP date",
    breakers=(
        *("retry-after-dropped", "retry-after-seconds-only", "workflow-retry-after-dropped"),
        "chat-retry-after-dropped",
    ),
)
def retry_after_passed_on(call: Call, _recording: Recording) -> Findings:
    """A 429 carries the provider's `retry-after`, in the form it had, and none where it had none.

    Without it callers guess, and a guess too short makes the limit worse.
    """
    upstream = call.upstream
    theirs = upstream.exchange.response.header("retry-after") if upstream and upstream.exchange.response else None
    ours = call.client.response.header("retry-after") if call.client.response else None
    if theirs != ours:
        yield call.violation(f"The provider said retry-after {theirs!r}, the client read {ours!r}.")


def _refused_keys(recording: Recording) -> list[Call]:
    return [call for call in failed(recording) if call.upstream and call.upstream.exchange.status in (401, 403)]


@contract(
    "errors.auth-words-withheld",
    select=_refused_keys,
    systems=EVERY,
    needs=PROVIDER,
    source="house: a provider's words about a key may quote the key",
    breakers=("leaks-provider-words", "runs-leaks-key", "workflow-leaks-key"),
)
def auth_words_withheld(call: Call, _recording: Recording) -> Findings:
    """What the provider says about the system's own key never reaches a client.

    Providers quote the key that they refuse. It is the system's, and worth money to whoever reads it.
    """
    theirs = call.upstream.error.message if call.upstream and call.upstream.error else ""
    if theirs and theirs in call.words:
        yield call.violation(f"The client read the provider's own words: {call.words[:80]!r}.")


def _refused_requests(recording: Recording) -> list[Call]:
    return [call for call in failed(recording) if call.upstream and call.upstream.exchange.status == 400]


@contract(
    "errors.bad-request-words-passed-on",
    select=_refused_requests,
    systems=EVERY,
    needs=PROVIDER,
    source=TABLE,
    breakers=("bad-request-message-lost", "runs-flattened-500", "workflow-words-lost"),
)
def bad_request_words_passed_on(call: Call, _recording: Recording) -> Findings:
    """A 400 of the provider's reaches the client with the provider's message.

    Only the provider knows what it did not like, and only the caller can mend it.
    """
    theirs = call.upstream.error.message if call.upstream and call.upstream.error else ""
    if theirs and theirs not in call.words:
        yield call.violation(f"The provider said {theirs[:80]!r}, the client read {call.words[:80]!r}.")


def _bad_inputs(recording: Recording) -> list[Sent]:
    return list(sent(recording, "bad-input"))


@contract(
    "errors.bad-input-refused",
    select=_bad_inputs,
    systems=EVERY,
    source="RFC 9110, 15.5: a fault of the client's is answered by 4xx",
    breakers=("bad-json-500", "runs-bad-json-500", "workflow-bad-json-500"),
)
def bad_input_refused(subject: Sent, _recording: Recording) -> Findings:
    """A request that cannot be right is answered by 400 (413 where it is too large), never by 5xx.

    A 5xx says that the server is at fault: callers retry it, and somebody is woken up for a typing error.
    """
    if subject.exchange.status not in (400, 413):
        yield Violation(
            f"A request of kind '{subject.kind}' was answered by {subject.exchange.status or 'nothing'}.",
            _all(subject.exchange),
        )


@contract(
    "errors.bad-input-named",
    select=_bad_inputs,
    systems=EVERY,
    source="OpenAI API reference, error object: param names the parameter",
    breakers=("bad-input-unnamed", "error-shape-bare"),
)
def bad_input_named(subject: Sent, _recording: Recording) -> Findings:
    """The refusal of a bad field names the field.

    Somebody has to find it in a body of a hundred lines.
    """
    field = subject.mark.data.get("field")
    error = decode_error(subject.exchange.body)
    if field and error and field not in (error.param or "") and field not in error.message:
        yield Violation(
            f"'{subject.kind}' was refused without naming '{field}': {error.message[:80]!r}.", _all(subject.exchange)
        )


def _odd_inputs(recording: Recording) -> list[Sent]:
    return list(sent(recording, "odd-input"))


@contract(
    "errors.odd-input-survived",
    select=_odd_inputs,
    systems=EVERY,
    source="RFC 9110, 15.6: 5xx is the server's fault; RFC 8259, 4 and 8.2: read as you like; fields: house",
    breakers=(
        *("unknown-fields-refused", "lone-surrogate-500", "tokens-overflow-500", "chat-estimate-not-sent"),
        "workflow-context-object-only",
    ),
)
def odd_input_survived(subject: Sent, recording: Recording) -> Findings:
    """A request that may be read in two ways is served or refused with 4xx, never 5xx; fields nobody knows are let be.

    Half a surrogate pair, a NUL, a key that comes twice, twenty megabytes, more tokens than anybody has: each has
    passed a reader and broken a writer behind it. A field that is new to the server is old to the client that sends
    it.
    """
    if any(
        call.client is subject.exchange and call.upstream and failures(call, recording) for call in calls(recording)
    ):
        return  # the provider was asked and failed: that is judged by its failure
    status, accept = subject.exchange.status or 0, bool(subject.mark.data.get("accept"))
    if not 200 <= status < (300 if accept else 500):
        wanted = "2xx" if accept else "2xx or 4xx"
        yield Violation(
            f"A request of kind '{subject.kind}' was answered by {status or 'nothing'}, not {wanted}.",
            _all(subject.exchange),
        )


@contract(
    "errors.no-secret-in-answers",
    select=answers,
    systems=EVERY,
    source="house; CWE-209: error messages that hold sensitive information",
    breakers=("leaks-provider-words", "runs-leaks-key", "runs-health-shows-secret", "workflow-leaks-key"),
)
def no_secret_in_answers(exchange: Exchange, _recording: Recording) -> Findings:
    """No answer holds a key, in its body or in a header.

    Redaction put a marker where a secret was: a marker in an answer is a secret that went out.
    """
    found = LEAK.search(exchange.body)
    if found:
        yield Violation(
            f"A secret was at byte {found.start()} of the answer: {found[0].decode()}.",
            (Pointer(exchange.id, start=found.start(), end=found.end()),),
        )
    for name, value in exchange.response.headers if exchange.response else ():
        if name.lower() != "set-cookie" and LEAK.search(value.encode()):
            yield Violation(f"A secret was in the header {name}.", (Pointer(exchange.id),))


@contract(
    "errors.answered",
    select=calls,
    systems=EVERY,
    source="house: a caller is told, whatever happens upstream",
    breakers=("drops-request", "stop-cuts-calls", "runs-stop-cuts-calls", "workflow-stop-cuts-calls"),
)
def answered(call: Call, _recording: Recording) -> Findings:
    """Every call is answered: no connection is closed without a word, none is left hanging.

    A provider that hangs is the system's to notice, by the time limits that it has for that.
    """
    if not call.left and call.client.response is None:
        way = call.upstream.way if call.upstream else Way.UNREACHABLE
        yield call.violation(
            f"No answer came ({call.client.ending.value}: {call.client.error}); the provider's exchange: {way.value}."
        )


def _paid_for(recording: Recording) -> list[Call]:
    """Completed calls; those that got no answer, or one for lack of credit, have contracts of their own.

    So have those that a service beside the target, or a deletion, kept from their end.
    """
    whole = [call for call in completed(recording) if call.client.status not in (None, gateway.INSUFFICIENT_STATUS)]
    return [call for call in whole if not chat_calls.kept_from_its_end(call, recording)]


@contract(
    "errors.answer-delivered",
    select=_paid_for,
    systems=EVERY,
    needs=PROVIDER,
    source="house: the words are the provider's; OpenAI API reference, chat completion object",
    breakers=(
        *("double-settle", "runs-output-cut", "workflow-programme-renamed", "workflow-text-blocks-ignored"),
        *("workflow-programme-cut", "chat-expired-token-ends-nothing", "chat-no-usage-fails"),
    ),
)
def answer_delivered(call: Call, _recording: Recording) -> Findings:
    """A call whose provider gave its whole answer is answered by success, with the provider's words unchanged.

    The words were paid for. A failure after that is the system's own.
    """
    theirs = call.upstream.text if call.upstream else ""
    if not call.succeeded:
        yield call.violation(f"The provider's answer was whole, the client read {call.client.status or 'nothing'}.")
    elif not call.streamed and call.text != theirs:
        yield call.violation(f"The provider sent {theirs[:80]!r}, the client read {call.text[:80]!r}.")


def _all(exchange: Exchange) -> tuple[Pointer, ...]:
    return (Pointer(exchange.id, start=0, end=len(exchange.body), at_ns=exchange.ended_ns),)
