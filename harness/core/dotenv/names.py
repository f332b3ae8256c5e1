"""Names of settings, what they hold, and what secrets look like: enough to tell one from the other."""

from __future__ import annotations

import re
from types import MappingProxyType

# fmt: off
KNOWN = frozenset((
    "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_VERTEX_PROJECT_ID", "API_KEY", "APP_ENV",
    "AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_PROFILE", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "BASE_URL", "CORS_ORIGIN", "CREDIT_MULTIPLIER", "DATABASE_URL",
    "DEBUG", "DEEPSEEK_API_KEY", "EDN360_TRAINING_WORKFLOW_ID", "ENVIRONMENT", "FRONTEND_URL", "GEMINI_API_KEY",
    "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_LOCATION", "GOOGLE_CLOUD_PROJECT",
    "GROQ_API_KEY", "GROQ_API_URL", "GROQ_BASE_URL", "GROQ_DEFAULT_MODEL", "GROQ_MODEL", "HF_TOKEN", "HOST",
    "HTTPS_PROXY", "HTTP_PROXY", "JWT_SECRET", "LOG_LEVEL", "LOG_STREAM", "MISTRAL_API_KEY", "MODEL", "NODE_ENV",
    "NO_PROXY", "OPENAI_API_KEY", "OPENAI_API_URL", "OPENAI_BASE_URL", "OPENAI_CUSTOM_CREDIT_MULTIPLIER",
    "OPENAI_CUSTOM_PROVIDER_NAME", "OPENAI_CUSTOM_TOKEN_ESTIMATION", "OPENAI_DEFAULT_MODEL", "OPENAI_MODEL",
    "OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT", "OPENROUTER_API_KEY", "PORT", "POSTGRES_DB",
    "POSTGRES_HOST", "POSTGRES_PASSWORD", "POSTGRES_PORT", "POSTGRES_USER", "REDIS_HOST", "REDIS_PORT", "REDIS_URL",
    "SECRET_KEY", "SENTRY_DSN", "SUPABASE_ANON_KEY", "SUPABASE_JWT_SECRET", "SUPABASE_KEY", "SUPABASE_SERVICE_KEY",
    "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_URL", "TIMEOUT_BETWEEN_SEGMENTS_S", "TIMEOUT_CONNECT_S", "TIMEOUT_DRAIN_S",
    "TIMEOUT_FIRST_BYTE_S", "TIMEOUT_WHOLE_CALL_S", "VERTEX_AI_ACCESS_TOKEN",
))
# fmt: on
"""Names that backends of language models are set up with: one of them before a ``=`` is a setting, wherever it is."""

SHAPES = MappingProxyType(
    {
        "Anthropic": re.compile(r"sk-ant-[A-Za-z0-9_-]{8,}"),
        "OpenRouter": re.compile(r"sk-or-[A-Za-z0-9_-]{8,}"),
        "OpenAI": re.compile(r"sk-(?!ant-|or-)[A-Za-z0-9_-]{16,}"),
        "Groq": re.compile(r"gsk_[A-Za-z0-9]{8,}"),
        "Google": re.compile(r"AIza[A-Za-z0-9_-]{20,}"),
        "AWS": re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
        "GitHub": re.compile(r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
        "Hugging Face": re.compile(r"hf_[A-Za-z0-9]{16,}"),
        "Slack": re.compile(r"xox[abprs]-[A-Za-z0-9-]{10,}"),
        "Stripe": re.compile(r"[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    }
)
"""What the whole of a secret looks like, by whose it is."""

_OWNERS = MappingProxyType(
    {
        "Anthropic": ("ANTHROPIC", "CLAUDE"),
        "OpenRouter": ("OPENROUTER",),
        "OpenAI": ("OPENAI",),
        "Groq": ("GROQ",),
        "Google": ("GOOGLE", "GEMINI", "VERTEX"),
        "AWS": ("AWS", "BEDROCK"),
        "GitHub": ("GITHUB", "GH"),
        "Hugging Face": ("HF", "HUGGINGFACE", "HUGGING"),
        "Slack": ("SLACK",),
        "Stripe": ("STRIPE",),
    }
)
_SECRET_WORDS = frozenset({"KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASS", "PWD", "APIKEY"})
_NO_SECRET = frozenset({"PUBLIC", "ANON", "PUBLISHABLE"})
# fmt: off
_PLAIN_WORDS = frozenset((
    "PORT", "MODEL", "HOST", "HOSTNAME", "URL", "URI", "ENDPOINT", "NAME", "ENV", "REGION", "LEVEL", "ID", "VERSION",
    "MODE", "LOCATION", "PROJECT", "TIMEOUT",
))
# fmt: on
_BROWSER = ("NEXT_PUBLIC_", "VITE_", "REACT_APP_", "EXPO_PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "PUBLIC_")
_PLAIN_KEY = re.compile(
    r"[A-Za-z][A-Za-z0-9.-]{0,15}|_?(?:[A-Z0-9]{0,16}_)*[A-Z0-9]{1,16}|_?(?:[a-z0-9]{0,16}_)*[a-z0-9]{1,16}"
)
_LONGEST_KEY = 64


def mask(value: str) -> str:
    """A short prefix, then asterisks: enough to find a value by, of no use to anybody else."""
    return value[: min(4, len(value) // 4)] + "****"


def shown(key: str) -> str:
    """A key as it may be shown: masked where it looks like the value that somebody put in its place."""
    plain = len(key) <= _LONGEST_KEY and _PLAIN_KEY.fullmatch(key) is not None and owner_of_value(key) is None
    return key if key in KNOWN or plain else mask(key)


def holds_secret(key: str) -> bool:
    """Whether a setting of this name holds a secret."""
    words = key.upper().split("_")
    return words[-1] in _SECRET_WORDS and not _NO_SECRET & set(words)


def holds_plain(key: str) -> bool:
    """Whether a setting of this name certainly holds no secret: a port, a model's name, an address."""
    return key.upper().split("_")[-1] in _PLAIN_WORDS and key.upper() != "AWS_ACCESS_KEY_ID"


def sent_to_browsers(key: str) -> bool:
    """Whether build tools put a setting of this name into the pages that they make."""
    return key.startswith(_BROWSER)


def owner_of_key(key: str) -> str | None:
    """Whose secret a setting of this name holds; None where the name does not say."""
    words = set(key.upper().split("_"))
    return next((owner for owner, names in _OWNERS.items() if words & set(names)), None)


def owner_of_value(value: str) -> str | None:
    """Whose secret this is by its looks; None where it looks like none."""
    return next((owner for owner, shape in SHAPES.items() if shape.fullmatch(value)), None)
