"""Runs as subjects: a client's run with the provider traffic it caused, and its health checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.errors import DecodeError
from harness.core.recording import Exchange, Json, Recording, Side
from harness.framing.json import lenient, loads
from harness.systems import runs
from harness.systems.route import Outcome

from .calls import Call, upstreams_of


@dataclass(frozen=True, kw_only=True)
class RunCall(Call):
    """A run: what was asked for, and the answer's object, whatever its status. ``asked`` is None where it is none."""

    table = runs.PROVIDER_TABLE

    asked: dict[str, Json] | None
    answer: dict[str, Json]
    default_model: str

    @property
    def asked_model(self) -> str | None:
        """The model that the client named, where it named one."""
        name = self.asked.get("model") if self.asked else None
        return name if isinstance(name, str) else None

    @property
    def model(self) -> str:
        """The model that the run is about: the request's, else the default."""
        return self.asked_model or self.default_model

    @property
    def names(self) -> frozenset[str]:
        """What the answer may call the model: as it was asked for; where none was, the default, or what was called.

        Whether that is the right default has contracts of its own.
        """
        seen = self.upstream.request.model if self.upstream and self.upstream.request else self.default_model
        return frozenset({self.asked_model} if self.asked_model else {self.default_model, seen})

    @property
    def input(self) -> str:
        """The input as it was sent; empty where there is none."""
        found = self.asked.get("input") if self.asked else None
        return found if isinstance(found, str) else ""

    @property
    def run(self) -> dict[str, Json]:
        """The run in the answer; empty where there is none."""
        found = self.answer.get("run")
        return found if isinstance(found, dict) else {}

    @property
    def named_models(self) -> frozenset[str]:
        """The models that the answer names."""
        name = self.run.get("model")
        return frozenset({name} if isinstance(name, str) else ())

    @property
    def text(self) -> str:
        """The words that the client received."""
        found = self.run.get("output")
        return found if isinstance(found, str) else ""

    @property
    def succeeded(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        return self.client.status == runs.CREATED_STATUS and bool(self.run) and not self.left

    @property
    def answer_id(self) -> str:
        """The id of the answer; empty where it has none."""
        found = self.run.get("id")
        return found if isinstance(found, str) else ""

    @property
    def code(self) -> str | int | None:
        """The code of the error that the client read."""
        found = self.answer.get("code")
        return found if isinstance(found, str) else None

    @property
    def words(self) -> str:
        """The words of the error that the client read."""
        found = self.answer.get("error")
        return found if isinstance(found, str) else ""

    def wanted_words(self, outcome: Outcome) -> tuple[str, ...]:
        """The error's words for this outcome, by each of ``names``.

        The reason of a refused request is the provider's message, word for word. Any other reason is not prescribed:
        ``{reason}`` stays.
        """
        words = outcome.message or ""
        if outcome == self.table.for_status(400) and self.upstream is not None and self.upstream.error is not None:
            words = words.replace("{reason}", self.upstream.error.message)
        return tuple(sorted({words.replace("{model}", name) for name in self.names}))

    def says(self, outcome: Outcome) -> bool:
        """Whether the error's words are those of this outcome."""
        return any(_fits(self.words, wanted) for wanted in self.wanted_words(outcome))


def _fits(words: str, wanted: str) -> bool:
    head, free, tail = wanted.partition("{reason}")
    if not free:
        return words == wanted
    return words.startswith(head) and words.endswith(tail) and len(words) > len(head + tail)


def run_calls(recording: Recording) -> tuple[RunCall, ...]:
    """The runs of a recording's clients, by the time they were sent."""
    return recording.memo("run-calls", lambda: tuple(_run_calls(recording)))


def _run_calls(recording: Recording) -> Iterator[RunCall]:
    settings = recording.header.asked.get("settings") or {}
    default = runs.default_model(recording.header.facts, settings)
    clients = [e for e in recording.side(Side.CLIENT) if e.operation == runs.RUN.name]
    for client in clients:
        yield RunCall(
            client=client,
            upstreams=upstreams_of(client, clients, recording),
            asked=_object(client.request.body, strict=True),
            answer=_object(client.body) or {},
            default_model=default,
        )


def project_of(call: RunCall) -> str:
    """The project's id in the address, as it was sent."""
    before, after = runs.RUN.path.split("{project_id}")
    path = call.client.request.url.split("?", 1)[0]
    return path.partition(before)[2].removesuffix(after)


def health_checks(recording: Recording) -> Iterator[Exchange]:
    """The health checks of a recording's clients that were answered."""
    return (e for e in recording.side(Side.CLIENT) if e.operation == runs.HEALTH.name and e.response is not None)


def body_object(exchange: Exchange) -> dict[str, Json]:
    """The JSON object in an answer; empty where it is none."""
    return _object(exchange.body) or {}


def _object(data: bytes, *, strict: bool = False) -> dict[str, Json] | None:
    try:
        value = loads(data) if strict else lenient(data)
    except DecodeError:
        return None
    return value if isinstance(value, dict) else None
