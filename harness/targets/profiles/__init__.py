"""The profiles that come with the harness, one TOML file each, and reading anybody's."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import ProfileError, UnknownName
from harness.core.profile import Profile, read_profile

HERE = Path(__file__).parent
DEFAULT = "reference"


def shipped() -> Mapping[str, Path]:
    """The profiles that come with the harness, by name."""
    return {path.stem: path for path in sorted(HERE.glob("*.toml"))}


def find_profile(name_or_file: str) -> Profile:
    """A shipped profile by its name, or anybody's by its file.

    Raises:
        UnknownName: neither a shipped name nor a file.
        ProfileError: the file cannot be read or used.
    """
    known = shipped()
    if name_or_file in known:
        return _read(known[name_or_file])
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.exists():
        return _read(path)
    raise UnknownName("target", name_or_file, known)


def _read(path: Path) -> Profile:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ProfileError(
            f"cannot be read: {failure.strerror}", where=str(path), fix="Is that the profile's path?"
        ) from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise ProfileError(f"is not TOML: {wrong}", where=str(path), fix="Mend the file at that line.") from wrong
    return read_profile(tables, str(path))
