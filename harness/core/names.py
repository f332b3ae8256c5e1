"""The closed sets of names that everything else is written in."""

from __future__ import annotations

from enum import StrEnum


class System(StrEnum):
    """One of the five API families under test."""

    RUNS = "runs"
    CHAT = "chat"
    WORKFLOW = "workflow"
    GATEWAY = "gateway"
    AGENT = "agent"


class Provider(StrEnum):
    """An upstream API."""

    OPENAI = "openai"
    GROQ = "groq"
    COMPATIBLE = "compatible"
    ANTHROPIC = "anthropic"
    BEDROCK = "bedrock"
    VERTEX = "vertex"
    CHATKIT = "chatkit"


class Answer(StrEnum):
    """The kinds of answer that a provider gives, and that a fault can spoil."""

    PLAIN = "plain"
    STREAM = "stream"


class Form(StrEnum):
    """How a model's answer is written down: what beside its provider decides which faults can spoil it."""

    CHUNKS = "chunks"  # OpenAI's: an event stream that [DONE] ends
    EVENTS = "events"  # Anthropic's: an event stream of named events, the last of which says so
    CANDIDATES = "candidates"  # Gemini's: an event stream of CR LF, or one array; nothing but its last chunk ends it
    FRAMES = "frames"  # Bedrock's binary frames
    FRAMED_EVENTS = "framed-events"  # Anthropic's events in them, as its models' own stream on Bedrock has it
    DOCUMENTS = "documents"  # JSON documents, and no streams


class Capability(StrEnum):
    """What a target lets the harness do or see beyond its own API; a profile declares which it has."""

    ACCOUNTS = "accounts"  # users can be made, with a balance, a tier and a role, and projects for them
    LEDGER = "ledger"  # the probe shows balances, ledger entries and usage rows
    LOG = "log"  # the probe shows the log lines of a user's calls
    RESOURCES = "resources"  # the probe counts tasks, sockets, descriptors and client sessions
    PROVIDER = "provider"  # its provider traffic goes through our simulators
    VARIANTS = "variants"  # it can be started again with other settings
    TOKENS = "tokens"  # tokens can be minted: expired, unsigned, foreign-key ones
    CLOCK = (
        "clock"  # its waits (polls, tries, cool-downs, token lifetimes) pass at once, and the probe can let time pass
    )
    STORE = "store"  # the probe can take its store away for a time
    STARTUP = "startup"  # the probe shows the start-up banner; a .env file can be given as the setting ENV_FILE_TEXT
