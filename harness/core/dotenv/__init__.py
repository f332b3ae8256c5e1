"""``.env`` files: read as common readers read them, and checked for what makes a start-up fail in an obscure way."""

from .grammar import read
from .model import Dotenv, Problem, Setting, Severity
from .rules import check

__all__ = ["Dotenv", "Problem", "Setting", "Severity", "check", "read"]
