"""What chat promises about models: names exactly as Bedrock has them, and bodies of the model's own family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.names import Capability
from harness.core.recording import Exchange, Json, Recording, Side
from harness.core.verdict import Pointer, Violation
from harness.framing.json import lenient
from harness.providers.bedrock import Family, family_of, target
from harness.systems import chat

from .chat_calls import CHAT, StreamCall, body_of, stream_calls, texts_of
from .registry import Findings, contract

PROVIDER = (Capability.PROVIDER,)


def _lists(recording: Recording) -> list[Exchange]:
    return [e for e in recording.side(Side.CLIENT) if e.operation == chat.MODELS.name and e.response is not None]


@contract(
    "models.chat-ids-exact",
    select=_lists,
    systems=CHAT,
    source="house: ids exactly as Bedrock has them; Amazon Bedrock user guide, supported models",
    breakers=("chat-model-suffix-cut", "models-need-token"),
)
def chat_ids_exact(exchange: Exchange, recording: Recording) -> Findings:
    """The list of models has every offered model under Bedrock's own id, `:0` and all.

    An id that is nearly right is refused by the provider, or is another model.
    """
    rows = body_of(exchange).get("models")
    listed = {row.get("id") for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    facts = [row["id"] for row in recording.header.facts.get("models", ()) if row.get("listed", True)]
    wanted = set(facts or chat.MODEL_IDS)
    if exchange.status != 200 or listed != wanted:
        odd = sorted(map(str, listed ^ wanted))
        yield Violation(f"The list differs in {', '.join(odd) or 'its status'}.", (Pointer(exchange.id),))


@dataclass(frozen=True)
class AskedOf:
    """A stream, and one request that it made of Bedrock."""

    call: StreamCall
    exchange: Exchange

    @property
    def model(self) -> str:
        """The model in the address."""
        found = target(self.exchange.request.method, self.exchange.request.url)
        return found[1] if found else ""

    @property
    def family(self) -> Family | None:
        """Whose body it must have."""
        return family_of(self.call.asked_model or "")

    @property
    def body(self) -> dict[str, Json]:
        """What was asked; empty where it is no object."""
        try:
            found = lenient(self.exchange.request.body)
        except DecodeError:
            return {}
        return found if isinstance(found, dict) else {}


def _asked(recording: Recording) -> Iterator[AskedOf]:
    for call in stream_calls(recording):
        if call.asked_model in chat.MODEL_IDS and call.client.tie is not None:
            for exchange in recording.side(Side.PROVIDER):
                if exchange.tie == call.client.tie and exchange.request.whole is None:
                    yield AskedOf(call, exchange)


@contract(
    "models.chat-asked-for-passed-on",
    select=_asked,
    systems=CHAT,
    needs=PROVIDER,
    source="house: the model that was asked for is the model that answers",
    breakers=("chat-other-model",),
)
def chat_asked_for_passed_on(asked: AskedOf, _recording: Recording) -> Findings:
    """Bedrock is asked for the model that the client named."""
    if asked.model != asked.call.asked_model:
        yield asked.call.violation(f"The client asked for {asked.call.asked_model!r}, Bedrock for {asked.model!r}.")


_WORDS = {Family.NOVA: "messages", Family.TITAN: "inputText", Family.LLAMA: "prompt"}


@contract(
    "models.chat-body-of-the-family",
    select=_asked,
    systems=CHAT,
    needs=PROVIDER,
    source="Amazon Bedrock user guide, inference request parameters of Nova, Titan text and Llama; house: the values",
    breakers=("chat-wrong-family-body", "chat-parameters-lost"),
)
def chat_body_of_the_family(asked: AskedOf, _recording: Recording) -> Findings:
    """The body has the form of the model's family, with the limits and parameters that go with every call."""
    body, family = asked.body, asked.family
    if family not in _WORDS:
        return
    if _WORDS[family] not in body:
        yield asked.call.violation(f"The body of a {family.value} call has no {_WORDS[family]}: {sorted(body)}.")
        return
    for path, wanted in chat.PARAMETERS[family.value].items():
        found: Json = body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found != wanted:
            yield asked.call.violation(f"{'.'.join(path)} is {found!r}, not {wanted}.")


@contract(
    "models.chat-words-complete",
    select=_asked,
    systems=CHAT,
    needs=PROVIDER,
    source="house: message, messages and messageHistory reach the model; Meta Llama 3 prompt format",
    breakers=("chat-history-dropped", "chat-llama-without-template", "chat-wrong-family-body"),
)
def chat_words_complete(asked: AskedOf, _recording: Recording) -> Findings:
    """The model reads everything that was said, the history too; Llama in its chat template.

    Without its template Llama 3 goes on writing the user's words instead of answering them.
    """
    held = asked.exchange.request.body.decode("utf-8", "replace")
    words = _texts(asked)
    lacking = [text for text in texts_of(asked.call.asked or {}) if text not in words]
    if lacking:
        yield asked.call.violation(f"The model does not read {lacking[0][:60]!r}.")
    elif asked.family is Family.LLAMA and any(mark not in held for mark in chat.LLAMA_TEMPLATE):
        yield asked.call.violation("The prompt is not in Llama's chat template.")


def _texts(asked: AskedOf) -> str:
    """All texts of the body, one after the other."""
    waiting: list[Json] = [asked.body]
    found: list[str] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return "\0".join(found)
