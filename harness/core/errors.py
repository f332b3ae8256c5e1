"""Errors of the harness: whatever is raised here voids a result and is never a finding about a target.

HarnessError
├── UsageError            an argument, a name or a selection that cannot be used
│   └── UnknownName       a name that nothing has; carries the nearest ones
├── ProfileError          a target's profile is wrong
├── CassetteError         a file is not a cassette, or a broken one
│   ├── CassetteLimit     larger or deeper than the reader accepts
│   └── CassetteWrite     a folder or file that cannot be written
├── DecodeError           bytes that are not what their protocol says (a codec's own complaint)
├── PlaybackMiss          playback was asked for an exchange that the cassette does not hold
├── TargetError           the target could not be started, reached or asked
│   └── PortInUse         an address that something else listens on
├── ProbeError            a probe of the target gave no usable answer
└── StageError            a scenario asked its stage for something impossible
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Our failure. Says what went wrong, where, and what to do about it.

    ``str()`` is one line, fit to be shown to a user as it is.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        """One line: ``where: what (fix)``."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        line = f"{head}. {self.fix}" if self.fix else head
        return " ".join(line.split())


class UsageError(HarnessError):
    """An argument, a name or a selection cannot be used as given."""


class UnknownName(UsageError):
    """Nothing is called that; ``nearest`` holds up to three names that look alike."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        self.kind = kind
        self.name = name
        self.nearest = tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.6))
        if self.nearest:
            fix = "Did you mean " + " or ".join(f"'{near}'" for near in self.nearest) + "?"
        else:
            fix = "There are: " + ", ".join(names[:12]) + ("" if len(names) <= 12 else ", ...")
        super().__init__(f"unknown {kind} '{name}'", fix=fix)


class ProfileError(HarnessError):
    """A target's profile cannot be used: the key and the file are named."""


class CassetteError(HarnessError):
    """A file is not a cassette, or not a sound one."""


class CassetteLimit(CassetteError):
    """A cassette is larger or deeper than the reader accepts."""


class CassetteWrite(CassetteError):
    """A cassette cannot be written where it was asked for."""


class DecodeError(HarnessError):
    """Bytes are not what their protocol says they are."""


class PlaybackMiss(HarnessError):
    """Playback was asked for an exchange that the cassette does not hold."""


class TargetError(HarnessError):
    """The target could not be started, reached or asked."""


class PortInUse(TargetError):
    """Something else already listens on the address."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"port {port} on {host} is in use", fix="Choose another with --port, or 0 for any free one.")


class ProbeError(HarnessError):
    """A probe of the target gave no usable answer."""


class StageError(HarnessError):
    """A scenario asked its stage for something that cannot be done."""
