"""What a run promises about the model that answers it, and about what the model is asked."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.errors import DecodeError
from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer
from harness.framing.json import loads
from harness.systems import runs

from .registry import Findings, contract
from .run_calls import RunCall, run_calls
from .subjects import sent
from .upstream import Upstream

RUNS = ("runs",)
PROVIDER = (Capability.PROVIDER,)
Asked = tuple[RunCall, Upstream]


def _asked(recording: Recording) -> Iterator[Asked]:
    """Runs with what the provider was asked for them."""
    for call in run_calls(recording):
        if call.upstream is not None and call.upstream.request is not None:
            yield call, call.upstream


def _sees(upstream: Upstream) -> str:
    return upstream.request.model if upstream.request else ""


def _named(recording: Recording) -> list[Asked]:
    table = runs.mapping(recording.header.facts)
    return [(call, upstream) for call, upstream in _asked(recording) if call.asked_model in table]


@contract(
    "models.mapped",
    select=_named,
    systems=RUNS,
    needs=PROVIDER,
    source="house: the table of models",
    breakers=("runs-model-not-mapped",),
)
def mapped(subject: Asked, recording: Recording) -> Findings:
    """The provider is asked for a model by its own name for it, not by the client's.

    Clients know models of another provider. Passed on as it is, such a name is not found, and every run of it fails.
    """
    call, upstream = subject
    wanted = runs.mapping(recording.header.facts)[call.model]
    if _sees(upstream) != wanted:
        yield call.violation(
            f"'{call.model}' was asked for: the provider should see '{wanted}', saw {_sees(upstream)!r}."
        )


def _configured(recording: Recording) -> str | None:
    settings = recording.header.asked.get("settings") or {}
    found = settings.get(runs.DEFAULT_MODEL_SETTING)
    return found if isinstance(found, str) else None


def _unnamed(recording: Recording) -> list[Asked]:
    return [(call, upstream) for call, upstream in _asked(recording) if call.asked and "model" not in call.asked]


@contract(
    "config.default-model-used",
    select=lambda recording: _unnamed(recording) if _configured(recording) else [],
    systems=RUNS,
    needs=[*PROVIDER, Capability.VARIANTS],
    source="house: the request's model, else GROQ_DEFAULT_MODEL; only the request's is validated",
    breakers=("runs-default-model-ignored", "runs-model-not-mapped", "runs-mapped-model-echoed"),
)
def default_model_used(subject: Asked, recording: Recording) -> Findings:
    """A run that names no model takes the one that is configured, under the provider's name for it, and says so.

    Also where the provider does not have it: whoever configured it must read that, and not get another model's words.
    """
    call, upstream = subject
    wanted = runs.mapping(recording.header.facts).get(call.model, call.model)
    if _sees(upstream) != wanted:
        yield call.violation(
            f"'{call.model}' is configured: the provider should see '{wanted}', saw {_sees(upstream)!r}."
        )
    if call.named_models - {call.model}:
        yield call.violation(f"'{call.model}' is configured, the answer names {', '.join(call.named_models)}.")


@contract(
    "models.default-can-be-called",
    select=lambda recording: [] if _configured(recording) else _unnamed(recording),
    systems=RUNS,
    needs=PROVIDER,
    source="house: else llama-3.1-8b-instant",
    breakers=("runs-default-model-missing-at-provider",),
)
def default_can_be_called(subject: Asked, recording: Recording) -> Findings:
    """Where no default is configured, a run that names no model takes the documented one, and the provider has it.

    Providers take models out of service. A default that is gone breaks every caller who trusted it, at once.
    """
    call, upstream = subject
    wanted = runs.mapping(recording.header.facts).get(call.model, call.model)
    if _sees(upstream) != wanted or upstream.exchange.status == runs.NOT_FOUND_STATUS:
        yield call.violation(
            f"The default is '{wanted}'; the provider was asked for {_sees(upstream)!r}, "
            f"and answered {upstream.exchange.status}."
        )


def _unknown(recording: Recording) -> Iterator[RunCall]:
    ties = {one.exchange.tie for one in sent(recording, "unknown-model")}
    return (call for call in run_calls(recording) if call.client.tie in ties)


@contract(
    "models.unknown-name-refused",
    select=_unknown,
    systems=RUNS,
    source="house: 400 and the name, the provider is never called",
    breakers=("runs-unknown-model-called",),
)
def unknown_name_refused(call: RunCall, _recording: Recording) -> Findings:
    """A model that no request may name is refused with 400 `Invalid model name: <model>`, before any provider call."""
    wanted = runs.INVALID_MODEL.replace("{model}", call.model)
    if call.client.status != runs.BAD_REQUEST_STATUS or call.words != wanted:
        yield call.violation(f"The answer should be 400 {wanted!r}, and was {call.client.status} {call.words!r}.")
    if call.upstream is not None:
        yield call.violation("The provider was called.", Pointer(call.upstream.exchange.id))


@contract(
    "models.input-trimmed",
    select=_asked,
    systems=RUNS,
    needs=PROVIDER,
    source="house: one user message with the trimmed input",
    breakers=("runs-input-not-trimmed",),
)
def input_trimmed(subject: Asked, _recording: Recording) -> Findings:
    """The provider gets one message, of the user, with the input without the white space around it.

    Blanks cost tokens, and a trailing line break changes what some models answer.
    """
    call, upstream = subject
    messages = upstream.request.messages if upstream.request else ()
    if messages != (("user", call.input.strip()),):
        shown = [(role, text[:40]) for role, text in messages]
        yield call.violation(f"The input was {call.input[:40]!r}, the provider got {shown}.")


@contract(
    "models.parameters",
    select=_asked,
    systems=RUNS,
    needs=PROVIDER,
    source="house: max_tokens 1000, temperature 0.7",
    breakers=("runs-wrong-parameters",),
)
def parameters(subject: Asked, _recording: Recording) -> Findings:
    """Every run asks with the same limit and temperature: what a run costs us, and how it reads, is no accident."""
    call, upstream = subject
    try:
        body = loads(upstream.exchange.request.body)
    except DecodeError:
        return
    wrong = [
        f"{name} {body.get(name)!r} for {value}" for name, value in runs.PARAMETERS.items() if body.get(name) != value
    ]
    if wrong:
        yield call.violation(f"The provider was asked with {', '.join(wrong)}.")
