"""How many tokens a call used: the provider's count where it is sane, else an estimate from characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHARACTERS_PER_TOKEN = 4
TOKENS_MAX = 10_000_000
"""The most tokens that one call can have used, both ways together: the same for whoever counts and whoever settles."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call used."""

    input: int
    output: int
    estimated: bool = False

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output

    def usage(self) -> dict[str, int]:
        """As OpenAI's ``usage`` object."""
        return {"prompt_tokens": self.input, "completion_tokens": self.output, "total_tokens": self.total}


class TokenCounter:
    """Counts tokens. Characters are Unicode code points.

    Sane: ``prompt_tokens`` and ``completion_tokens`` are both whole numbers from 0, together at most 10,000,000, and
    the latter is not 0 while words were delivered. Estimate: ``max(1, ceil((prompt + completion characters) / 4))`` in
    total, of which ``ceil(prompt characters / 4)`` are input and the rest output.
    """

    def count(self, usage: object, prompt_characters: int, completion_characters: int) -> Tokens:
        """The tokens of a completed call."""
        counted = self.sane(usage, completion_characters)
        return counted if counted is not None else self.estimate(prompt_characters, completion_characters)

    def sane(self, usage: object, completion_characters: int) -> Tokens | None:
        """The provider's count, or None where it cannot be right."""
        if not isinstance(usage, Mapping):
            return None
        given, made = self.whole(usage.get("prompt_tokens")), self.whole(usage.get("completion_tokens"))
        if given is None or made is None or (made == 0 and completion_characters):
            return None
        return Tokens(given, made) if given + made <= TOKENS_MAX else None

    def whole(self, value: Any) -> int | None:
        """A value that is a whole number within reason, or None; JSON's true and 1.0 are not."""
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= TOKENS_MAX
        return value if whole else None

    def estimate(self, prompt_characters: int, completion_characters: int) -> Tokens:
        """The estimate over a whole call."""
        total = max(1, _fourths(prompt_characters + completion_characters))
        given = _fourths(prompt_characters)
        return Tokens(given, total - given, estimated=True)

    def prompt(self, prompt_characters: int, output_limit: int) -> Tokens:
        """What a call may use: the estimate of its prompt, and all of its output limit."""
        return Tokens(_fourths(prompt_characters), output_limit, estimated=True)

    def delivered(self, completion_characters: int) -> Tokens:
        """What a client received of a call that broke off: the words, and nothing for the prompt."""
        return Tokens(0, _fourths(completion_characters), estimated=True)


def _fourths(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
