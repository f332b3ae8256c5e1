"""What a refused stream promises: why, in words and a code, and nothing asked of the provider."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.names import Capability
from harness.core.recording import Exchange, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.systems import accounting, chat

from .chat_calls import CHAT, StreamCall, asked_of, body_of, refused, stream_calls
from .registry import Findings, contract
from .subjects import Sent, sent

ACCOUNTS = (Capability.ACCOUNTS,)


def _refusals(recording: Recording) -> list[StreamCall]:
    return [call for call in refused(recording) if call.client.status not in (401, 405)]


@contract(
    "errors.chat-refusal-says-why",
    select=_refusals,
    systems=CHAT,
    source="house: message and error",
    breakers=("chat-refusal-bare", "error-shape-bare"),
)
def chat_refusal_says_why(call: StreamCall, _recording: Recording) -> Findings:
    """A stream that is refused before it began has the message `Error streaming chat response`, and why in `error`."""
    message, why = call.answer.get("message"), call.answer.get("error")
    if message != chat.REFUSAL_MESSAGE:
        yield call.violation(f"The message is {message!r}, not {chat.REFUSAL_MESSAGE!r}.")
    elif not isinstance(why, str) or not why:
        yield call.violation(f"A {call.client.status} does not say why.")


def _too_poor(recording: Recording) -> list[StreamCall]:
    return [call for call in refused(recording) if call.client.status == chat.INSUFFICIENT.status]


@contract(
    "errors.chat-insufficient-code",
    select=_too_poor,
    systems=CHAT,
    needs=ACCOUNTS,
    source="house: INSUFFICIENT_CREDITS (402)",
    breakers=("chat-402-without-code",),
)
def chat_insufficient_code(call: StreamCall, _recording: Recording) -> Findings:
    """A 402 has the code `INSUFFICIENT_CREDITS`: it is what sends a user to the till."""
    if call.code != chat.INSUFFICIENT.code:
        yield call.violation(f"A 402 has the code {call.code!r}.")


def _unknown_models(recording: Recording) -> Iterator[tuple[Sent, StreamCall]]:
    for subject in sent(recording, "unknown-model"):
        yield from ((subject, call) for call in stream_calls(recording) if call.client is subject.exchange)


@contract(
    "models.chat-unknown-refused",
    select=_unknown_models,
    systems=CHAT,
    source="house: MODEL_NOT_AVAILABLE (400) where that is why",
    breakers=("chat-unknown-model-passed-on",),
)
def chat_unknown_refused(subject: tuple[Sent, StreamCall], _recording: Recording) -> Findings:
    """A model that is not offered is refused with 400 `MODEL_NOT_AVAILABLE`, and the provider is not asked."""
    named, call = subject
    wanted = chat.MODEL_NOT_AVAILABLE
    if (call.client.status, call.code) != (wanted.status, wanted.code):
        yield call.violation(f"{named.kind!r} was answered by {call.client.status} {call.code!r}.")
    elif call.upstreams:
        yield call.violation(f"{named.kind!r} is not offered, and the provider was asked for it.")


def _foreign(recording: Recording) -> list[Sent]:
    return list(sent(recording, "foreign-user"))


@contract(
    "errors.foreign-user-refused",
    select=_foreign,
    systems=CHAT,
    needs=ACCOUNTS,
    source="house: userId must be the token's; CWE-639: authorization by a key that the user controls",
    breakers=("chat-user-id-trusted", "chat-accounting-user-id-trusted"),
)
def foreign_user_refused(subject: Sent, _recording: Recording) -> Findings:
    """Nobody streams, or has credits held, in the name of another user: 403 or 400."""
    if subject.exchange.status not in (400, 403):
        yield Violation(
            f"A request in another user's name was answered by {subject.exchange.status or 'nothing'}.",
            (Pointer(subject.exchange.id, at_ns=subject.exchange.ended_ns),),
        )


def _bad_holds(recording: Recording) -> list[Sent]:
    return [one for one in sent(recording, "bad-input") if one.exchange.operation == accounting.INITIALIZE.name]


@contract(
    "errors.accounting-field-named",
    select=_bad_holds,
    systems=CHAT,
    source="house: a field missing or mistyped, 400 naming it",
    breakers=("chat-accounting-field-unnamed",),
)
def accounting_field_named(subject: Sent, _recording: Recording) -> Findings:
    """Accounting says which field of a hold is missing or of the wrong type.

    Without the name an incident is two services that blame each other.
    """
    field, told = str(subject.mark.data["field"]), body_of(subject.exchange).get("message")
    if subject.exchange.status == 400 and field not in str(told):
        yield Violation(
            f"'{subject.kind}' was refused without naming {field}: {told!r}.",
            (Pointer(subject.exchange.id, at_ns=subject.exchange.ended_ns),),
        )


def _service_refused(recording: Recording) -> Iterator[tuple[StreamCall, Exchange]]:
    """A stream that accounting would not initialize, for anything but lack of credit or another stream."""
    for exchange in recording.side(Side.SERVICE):
        failed = (exchange.status or 0) >= 400 and exchange.status not in (402, 409)
        if exchange.operation == accounting.INITIALIZE.name and failed:
            yield from ((call, exchange) for call in stream_calls(recording) if _within(exchange, call))


def _within(exchange: Exchange, call: StreamCall) -> bool:
    """Whether a call of accounting was made while this stream was asked for, and no other stream in the session was."""
    sent_ns = exchange.request.sent_ns
    during = call.client.request.sent_ns <= sent_ns <= call.client.ended_ns
    return during and asked_of(exchange).get("sessionId", call.session) == call.session


@contract(
    "errors.initialize-failure-told",
    select=_service_refused,
    systems=CHAT,
    source="house: Failed to initialize streaming session: Request failed with status code 400",
    breakers=("chat-accounting-failure-hidden", "chat-estimate-not-sent"),
)
def initialize_failure_told(subject: tuple[StreamCall, Exchange], _recording: Recording) -> Findings:
    """Where accounting refuses to initialize, the client reads so with its status, by 4xx or 5xx and before a stream.

    The incident was found by exactly these words.
    """
    call, exchange = subject
    wanted = chat.INITIALIZE_FAILED.format(status=exchange.status)
    if (call.client.status or 0) < 400:
        yield call.violation(f"Accounting answered {exchange.status}, the client read {call.client.status}.")
    elif call.answer.get("error") != wanted:
        yield call.violation(f"The client read {call.answer.get('error')!r}, not {wanted!r}.")
    elif call.upstreams:
        yield call.violation("Nothing was held, and the provider was asked.")
    elif (exchange.status or 0) < 500 and asked_wrongly(exchange):
        yield call.violation("Accounting refused what chat itself had left out.")


def asked_wrongly(exchange: Exchange) -> bool:
    """Whether it names a field as missing, of those that chat has to send."""
    return body_of(exchange).get("field") in accounting.INITIALIZE_FIELDS


def _unsettled(recording: Recording) -> Iterator[tuple[StreamCall, Exchange]]:
    made = stream_calls(recording)
    for exchange in recording.side(Side.SERVICE):
        if exchange.operation == accounting.FINALIZE.name and exchange.status != 200 and len(made) == 1:
            yield made[0], exchange


@contract(
    "errors.finalize-failure-told",
    select=_unsettled,
    systems=CHAT,
    source="house: done says what the stream cost",
    breakers=("chat-finalize-failure-hidden",),
)
def finalize_failure_told(subject: tuple[StreamCall, Exchange], _recording: Recording) -> Findings:
    """A stream that could not be settled does not end in `done`: nobody knows what it cost."""
    call, exchange = subject
    if call.done is not None or call.error is None:
        yield call.violation(f"Accounting answered {exchange.status}, and the stream did not end in an error event.")
