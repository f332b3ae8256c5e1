"""A case: target x scenario x provider x fault, with the token that ties its traffic together."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .recording import NO_FAULT

_TIE = re.compile(r"\[tie:([0-9a-f]{10})\.([0-9]{1,6})\]")


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One thing to exercise. ``str()`` is its name everywhere: ``target/system/scenario/provider.fault``."""

    target: str
    system: str
    scenario: str
    provider: str
    fault: str = NO_FAULT

    def __str__(self) -> str:
        """The case's name, which is also the path of its cassette without the suffix."""
        return f"{self.target}/{self.system}/{self.scenario}/{self.provider}.{self.fault}"

    def token(self, seed: int = 0) -> str:
        """Ten hex digits that stand for this case in prompts: the same for the same seed, so cassettes compare."""
        return hashlib.sha256(f"{self}#{seed}".encode()).hexdigest()[:10]


def tie_text(token: str, number: int) -> str:
    """The tag to put into a prompt, for example ``[tie:0123456789.1]``."""
    return f"[tie:{token}.{number}]"


def find_tie(text: str) -> str | None:
    """The first tag in a text as ``token.number``, or None."""
    found = _TIE.search(text)
    return f"{found[1]}.{found[2]}" if found else None
