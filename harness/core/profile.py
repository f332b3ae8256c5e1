"""A profile: what a target is, how it is reached, and what it promises. Read from one TOML file, checked here.

The text of the file is read elsewhere; this module takes its decoded tables, so that it stays pure. Facts about a
system (models, prices, limits) are handed on to recordings as they are: judging needs nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any

import msgspec

from .errors import ProfileError, UnknownName
from .names import Capability, Provider, System


class Launch(StrEnum):
    """How a target comes to run."""

    EMBEDDED = "embedded"  # the reference backend, in a child process
    COMMAND = "command"  # a command of the profile's, started and stopped by the harness
    URL = "url"  # somebody else runs it


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model that the target offers. Prices are decimal strings in USD per million tokens; none: not priced.

    ``upstream`` is the provider's name for it, where that is another.
    """

    id: str
    provider: Provider
    upstream: str | None = None
    tier: str = "free"
    input_usd_per_million: str | None = None
    output_usd_per_million: str | None = None
    listed: bool = True


def dearest(models: Iterable[Model]) -> Model:
    """The one whose output costs most: with a cheap one every call costs one credit, and no wrong price shows."""
    return max(models, key=lambda model: Fraction(model.output_usd_per_million or 0))


class SystemFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the target promises of one system.

    ``services`` are the addresses of services of its own that it calls (name: URL), where they are to be recorded;
    ``service_ports`` those at which the harness stands between.
    """

    providers: tuple[Provider, ...]
    models: tuple[Model, ...] = ()
    url: str = ""
    numbers: dict[str, int | str] = {}
    services: dict[str, str] = {}
    service_ports: dict[str, int] = {}

    def family(self, provider: Provider, part: str) -> tuple[Model, ...]:
        """The listed models of a provider with this in their ids."""
        return tuple(one for one in self.models if one.listed and one.provider is provider and part in one.id)


class Auth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the harness comes by tokens and a project where it cannot make accounts: from the environment."""

    token_env: str = ""
    supervisor_token_env: str = ""
    project_env: str = ""
    jwt_secret_env: str = ""


KEYS = "See the README, 'Adding a target', for the keys."
_VALUE = re.compile(
    r"Invalid enum value '(?P<name>.*)' - at `(?:key` in `\$\.(?P<table>\w+)|.*?(?P<key>\w+)(?:\[\d+\])?)`$"
)
_FIELD = re.compile(r"unknown field `(?P<name>\w+)`")
_NAMES: Mapping[str, type[StrEnum]] = {
    "launch": Launch,
    "systems": System,
    "capabilities": Capability,
    "provider": Provider,
    "providers": Provider,
    "simulator_ports": Provider,
}
"""What may stand under a key: what the decoder does not say."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A target under test. ``expected_failures`` maps a contract's id to the reason why it is known to fail."""

    name: str
    launch: Launch
    summary: str = ""
    systems: dict[System, SystemFacts]
    capabilities: tuple[Capability, ...] = ()
    auth: Auth = Auth()
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    settings: dict[str, str] = {}
    simulator_ports: dict[Provider, int] = {}
    probe_url: str = ""
    ready_path: str = "/health"
    ready_s: float = 30.0
    expected_failures: dict[str, str] = {}

    def only(self, systems: Iterable[System]) -> Profile:
        """The same target with these of its systems: what is not asked for is not started."""
        wanted = set(systems)
        return msgspec.structs.replace(
            self, systems={system: facts for system, facts in self.systems.items() if system in wanted}
        )

    def facts(self, system: System) -> Mapping[str, Any]:
        """The facts of one system as plain JSON, for a recording's header."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.systems[system]))
        for address in ("url", "services", "service_ports"):
            plain.pop(address, None)
        return plain


def read_profile(tables: Mapping[str, Any], where: str) -> Profile:
    """The profile that a TOML file's tables describe; ``where`` is the file, for messages.

    Raises:
        ProfileError: a key is unknown, missing or of the wrong type, or keys contradict each other.
    """
    try:
        profile = msgspec.convert(tables, Profile)
    except msgspec.ValidationError as wrong:
        raise ProfileError(str(wrong), where=where, fix=_fix(str(wrong))) from wrong
    problem = _contradiction(profile)
    if problem:
        raise ProfileError(problem, where=where, fix=KEYS)
    return profile


def _fix(problem: str) -> str:
    """What to do about what the decoder says: names that look like the wrong one, where it has one."""
    value, field = _VALUE.search(problem), _FIELD.search(problem)
    if value is not None:
        return UnknownName("value", value["name"], _NAMES[value["key"] or value["table"]]).fix
    if field is not None:
        known = {name for table in (Profile, SystemFacts, Model, Auth) for name in table.__struct_fields__}
        return f"{UnknownName('key', field['name'], known).fix} {KEYS}"
    return KEYS


def _contradiction(profile: Profile) -> str | None:
    if not profile.systems:
        return "no system is declared: at least one [systems.NAME] table is needed"
    for system, facts in profile.systems.items():
        if not facts.providers:
            return f"systems.{system}.providers is empty"
        if profile.launch is Launch.URL and not facts.url:
            return f"launch = 'url' needs systems.{system}.url"
        if facts.url and not facts.url.startswith(("http://", "https://")):
            return f"systems.{system}.url is not an http(s) address: {facts.url!r}"
    if profile.launch is Launch.COMMAND and not profile.command:
        return "launch = 'command' needs a command"
    needs_probe = {Capability.ACCOUNTS, Capability.LEDGER, Capability.LOG, Capability.RESOURCES, Capability.CLOCK}
    needs_probe |= {Capability.STORE}
    if profile.launch is not Launch.EMBEDDED and needs_probe & set(profile.capabilities) and not profile.probe_url:
        return "the capabilities accounts, ledger, log, resources and clock need a probe_url"
    return None
