"""Settings of the reference backend, read from a mapping of names to texts (an environment, say)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from .clock import CLOCKS

OWN_NAME = "openai"
"""The provider name that means: the OpenAI provider itself."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_TAKEN = frozenset({"anthropic", "bedrock", "chatkit", "groq", "vertex"})
_PORT_MAX = 65_535
_COUNT_MAX = 1_000_000
_KEY_BYTES_MIN = 32  # RFC 7518 section 3.2: an HS256 key has at least the size of the hash


class SettingsError(ValueError):
    """A setting cannot be used as given. ``str()`` names the setting and says what it must be.

    What it is, is not told: a key may have been put there by mistake.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the backend runs with. Times are seconds; secrets are left out of ``repr``.

    ``openai_base_url`` points the provider ``openai_custom_provider_name`` anywhere: the OpenAI provider itself
    where that is its name, otherwise one more provider. ``openai_api_url`` and ``groq_api_url`` are where the two
    known providers are. An empty ``database_url`` means SQLite in a temporary file, gone when the backend stops.
    ``groq_default_model`` is what runs take where none is asked for, whatever it is; empty for their own choice.
    ``chatkit_api_url`` is where ChatKit is, ``edn360_training_workflow_id`` its workflow that makes training plans,
    ``poll_s`` the wait between two polls of it.
    ``bedrock_url`` is where Amazon Bedrock's runtime is, empty for AWS's own address in ``aws_region``.
    ``accounting_url`` is where chat finds its accounting, empty for the one that is served beside it.
    ``clock`` is ``real``, or ``skipping`` where nothing shall wait for real (see ``backend.clock``).
    ``agent_provider`` is who serves the agent's models; empty for the first of Anthropic and Vertex with credentials.
    ``breaker_failures`` in a row open a provider's breaker, for ``breaker_cool_down_s``.
    ``retry_wait_s`` is the agent's wait before its second try of a provider, doubled before each further one, each up
    to the share ``retry_jitter`` longer, none longer than ``retry_wait_max_s``.
    ``health_s`` is how long a health check waits for one part, ``health_fresh_s`` how long its answer is good.
    """

    openai_api_key: str = field(default="", repr=False)
    groq_api_key: str = field(default="", repr=False)
    openai_api_url: str = "https://api.openai.com/v1"
    groq_api_url: str = "https://api.groq.com/openai/v1"
    groq_default_model: str = ""
    chatkit_api_url: str = "https://api.openai.com/v1"
    edn360_training_workflow_id: str = ""
    poll_s: float = 2.0
    openai_base_url: str = field(default="", repr=False)
    openai_custom_provider_name: str = OWN_NAME
    openai_custom_credit_multiplier: Fraction = Fraction(10)
    openai_custom_token_estimation: str = "character_count"
    credit_multiplier: Fraction = Fraction(3, 2)
    bedrock_url: str = ""
    aws_access_key_id: str = field(default="", repr=False)
    aws_secret_access_key: str = field(default="", repr=False)
    aws_region: str = "us-east-1"
    accounting_url: str = ""
    jwt_secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    database_url: str = field(default="", repr=False)
    log_stream: str = "stderr"
    port: int = 4000
    clock: str = "real"
    connect_s: float = 5.0
    first_byte_s: float = 30.0
    segment_s: float = 30.0
    call_s: float = 60.0
    drain_s: float = 10.0
    grace_s: float | None = None
    health_s: float = 2.0
    health_fresh_s: float = 1.0
    agent_provider: str = ""
    anthropic_api_key: str = field(default="", repr=False)
    anthropic_api_url: str = "https://api.anthropic.com"
    vertex_api_url: str = "https://aiplatform.googleapis.com"
    google_cloud_location: str = "us-east5"
    google_application_credentials: str = ""
    google_cloud_project: str = ""
    vertex_access_token: str = field(default="", repr=False)
    breaker_failures: int = 5
    breaker_cool_down_s: float = 30.0
    retry_wait_s: float = 1.0
    retry_wait_max_s: float = 8.0
    retry_jitter: float = 0.25
    models_fresh_s: float = 300.0

    def __post_init__(self) -> None:
        if len(self.jwt_secret.encode()) < _KEY_BYTES_MIN:
            raise SettingsError(f"JWT_SECRET must have at least {_KEY_BYTES_MIN} bytes (RFC 7518 section 3.2)")
        name = self.openai_custom_provider_name
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise SettingsError(
                "OPENAI_CUSTOM_PROVIDER_NAME must be lower-case letters, digits, - or _, "
                f"and not {' or '.join(sorted(_TAKEN))}"
            )
        if self.openai_custom_token_estimation != "character_count":
            raise SettingsError("OPENAI_CUSTOM_TOKEN_ESTIMATION must be character_count: there is no other estimate")
        if self.clock not in CLOCKS:
            raise SettingsError(f"CLOCK must be one of {', '.join(CLOCKS)}")
        if self.agent_provider not in ("", "anthropic", "vertex"):
            raise SettingsError("AGENT_PROVIDER must be anthropic or vertex")
        if self.log_stream not in ("stderr", "stdout", "none"):
            raise SettingsError("LOG_STREAM must be stderr, stdout or none")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str]) -> Settings:
        """The settings that a mapping holds; names it does not know are left alone, empty values count as absent.

        Raises:
            SettingsError: a value is not of its kind; the setting is named.
        """
        given: dict[str, Any] = {}
        for name, (attribute, read) in SETTINGS.items():
            text = mapping.get(name, "").strip()
            if text:
                given[attribute] = read(name, text)
        return cls(**given)

    @property
    def bedrock_address(self) -> str:
        """Where Amazon Bedrock's runtime is."""
        return self.bedrock_url or f"https://bedrock-runtime.{self.aws_region}.amazonaws.com"

    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log line or an answer."""
        aws = (self.aws_access_key_id, self.aws_secret_access_key)
        return tuple(
            filter(
                None,
                (
                    self.openai_api_key,
                    self.groq_api_key,
                    self.jwt_secret,
                    self.anthropic_api_key,
                    self.vertex_access_token,
                    *aws,
                ),
            )
        )


def _text(name: str, text: str) -> str:
    del name
    return text


def _url(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{name} must be an http or https URL")
    return text.rstrip("/")


def _port(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:6]) > _PORT_MAX:
        raise SettingsError(f"{name} must be a whole number from 0 to {_PORT_MAX}")
    return int(text)


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:10]) <= _COUNT_MAX:
        raise SettingsError(f"{name} must be a whole number from 1 to {_COUNT_MAX}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value <= 0:
        raise SettingsError(f"{name} must be a number of seconds above 0")
    return value


def _share(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise SettingsError(f"{name} must be a number from 0 to 1")
    return value


def _factor(name: str, text: str) -> Fraction:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if not 0 < value <= 1_000_000:
        raise SettingsError(f"{name} must be a number above 0 and at most 1000000")
    return value


SETTINGS: Mapping[str, tuple[str, Callable[[str, str], Any]]] = {
    "PORT": ("port", _port),
    "CLOCK": ("clock", _text),
    "GROQ_API_KEY": ("groq_api_key", _text),
    "GROQ_DEFAULT_MODEL": ("groq_default_model", _text),
    "OPENAI_API_KEY": ("openai_api_key", _text),
    "OPENAI_API_URL": ("openai_api_url", _url),
    "GROQ_API_URL": ("groq_api_url", _url),
    "CHATKIT_API_URL": ("chatkit_api_url", _url),
    "EDN360_TRAINING_WORKFLOW_ID": ("edn360_training_workflow_id", _text),
    "POLL_INTERVAL_S": ("poll_s", _seconds),
    "OPENAI_BASE_URL": ("openai_base_url", _url),
    "OPENAI_CUSTOM_PROVIDER_NAME": ("openai_custom_provider_name", _text),
    "OPENAI_CUSTOM_CREDIT_MULTIPLIER": ("openai_custom_credit_multiplier", _factor),
    "OPENAI_CUSTOM_TOKEN_ESTIMATION": ("openai_custom_token_estimation", _text),
    "CREDIT_MULTIPLIER": ("credit_multiplier", _factor),
    "BEDROCK_URL": ("bedrock_url", _url),
    "AWS_ACCESS_KEY_ID": ("aws_access_key_id", _text),
    "AWS_SECRET_ACCESS_KEY": ("aws_secret_access_key", _text),
    "AWS_REGION": ("aws_region", _text),
    "ACCOUNTING_URL": ("accounting_url", _url),
    "JWT_SECRET": ("jwt_secret", _text),
    "DATABASE_URL": ("database_url", _text),
    "LOG_STREAM": ("log_stream", _text),
    "TIMEOUT_CONNECT_S": ("connect_s", _seconds),
    "TIMEOUT_FIRST_BYTE_S": ("first_byte_s", _seconds),
    "TIMEOUT_BETWEEN_SEGMENTS_S": ("segment_s", _seconds),
    "TIMEOUT_WHOLE_CALL_S": ("call_s", _seconds),
    "TIMEOUT_DRAIN_S": ("drain_s", _seconds),
    "TIMEOUT_GRACE_S": ("grace_s", _seconds),
    "TIMEOUT_HEALTH_S": ("health_s", _seconds),
    "HEALTH_FRESH_S": ("health_fresh_s", _seconds),
    "ANTHROPIC_API_KEY": ("anthropic_api_key", _text),
    "ANTHROPIC_API_URL": ("anthropic_api_url", _url),
    "VERTEX_API_URL": ("vertex_api_url", _url),
    "GOOGLE_CLOUD_LOCATION": ("google_cloud_location", _text),
    "AGENT_PROVIDER": ("agent_provider", _text),
    "GOOGLE_APPLICATION_CREDENTIALS": ("google_application_credentials", _text),
    "GOOGLE_CLOUD_PROJECT": ("google_cloud_project", _text),
    "VERTEX_AI_ACCESS_TOKEN": ("vertex_access_token", _text),
    "BREAKER_FAILURES": ("breaker_failures", _count),
    "BREAKER_COOL_DOWN_S": ("breaker_cool_down_s", _seconds),
    "RETRY_WAIT_S": ("retry_wait_s", _seconds),
    "RETRY_WAIT_MAX_S": ("retry_wait_max_s", _seconds),
    "RETRY_JITTER": ("retry_jitter", _share),
    "MODELS_FRESH_S": ("models_fresh_s", _seconds),
}
"""Every setting by its name: the attribute of ``Settings`` and how its text is read."""
