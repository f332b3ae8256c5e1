"""Contract tests, record and replay, and failure analysis for LLM backends."""

__version__ = "0.1.0"
