"""Defects in what the provider is asked for, and for which model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from harness.backend.runs.generation import Generator
from harness.backend.runs.models import SMALL, Models
from harness.backend.runs.request import RunValidator
from harness.backend.runs.run import Run
from harness.backend.runs.service import RunService
from harness.backend.upstream import UpstreamError

from .base import Defect, instead


class RunsModelNotMapped(Defect):
    """The client's name for a model goes to a provider that has none of that name."""

    id = "runs-model-not-mapped"
    summary = "the provider is asked for the model by the client's name for it"

    class _Passes(Models):
        def mapped(self, name: str) -> str:
            return name

    runs = instead(models=_Passes)


class RunsMappedModelEchoed(Defect):
    """The answer names a model that nobody asked for."""

    id = "runs-mapped-model-echoed"
    summary = "run.model is the provider's name, not the one that was asked for"

    class _Echoes(RunService):
        def model_name(self, run: Run) -> str:
            return run.model.mapped

    runs = instead(service=_Echoes)


class RunsUnknownModelCalled(Defect):
    """Every name is as good as any other."""

    id = "runs-unknown-model-called"
    summary = "a model that does not exist is asked of the provider"

    class _Trusts(Models):
        def valid(self, name: str) -> bool:
            return True

    runs = instead(models=_Trusts)


class RunsDefaultModelIgnored(Defect):
    """The setting is there, and nobody reads it."""

    id = "runs-default-model-ignored"
    summary = "GROQ_DEFAULT_MODEL has no effect"

    class _Ignores(Models):
        def default(self) -> str:
            return SMALL

    runs = instead(models=_Ignores)


class RunsDefaultModelMissingAtProvider(Defect):
    """The default is a model that the provider has taken out of service."""

    id = "runs-default-model-missing-at-provider"
    summary = "a run that names no model asks for one that the provider does not have"

    class _Outdated(Models):
        def default(self) -> str:
            return self._configured or "llama-3.1-70b-instant"

    runs = instead(models=_Outdated)


class RunsInputNotTrimmed(Defect):
    """What was typed is what is sent, blanks and all."""

    id = "runs-input-not-trimmed"
    summary = "the provider gets the input with the white space around it"

    class _Keeps(RunValidator):
        def trimmed(self, text: str) -> str:
            return text

    runs = instead(validator=_Keeps)


class RunsWrongParameters(Defect):
    """The provider's own defaults apply."""

    id = "runs-wrong-parameters"
    summary = "the provider is asked without max_tokens and temperature"

    class _Forgets(Generator):
        def parameters(self) -> dict[str, Any]:
            return {}

    runs = instead(generator=_Forgets)


class RunsRetries(Defect):
    """What failed is tried again, unasked."""

    id = "runs-retries"
    summary = "a failed call of the provider is made a second time"

    class _Insists(Generator):
        async def generate(self, model: str, text: str) -> str:
            with suppress(UpstreamError):
                return await super().generate(model, text)
            return await super().generate(model, text)

    runs = instead(generator=_Insists)


class RunsIdNotUuid(Defect):
    """The id has a prefix, so that people see what it is."""

    id = "runs-id-not-uuid"
    summary = "run.id is not a UUID"

    class _Prefixes(RunService):
        def run_id(self, run: Run) -> str:
            return f"run_{run.id.hex}"

    runs = instead(service=_Prefixes)


class RunsCreatedAtLocal(Defect):
    """The time of wherever the server stands."""

    id = "runs-created-at-local"
    summary = "run.created_at is a local time that does not say of which zone"

    class _Local(RunService):
        def created_at(self, run: Run) -> str:
            return run.created_at.astimezone().replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")

    runs = instead(service=_Local)
