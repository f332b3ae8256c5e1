"""Where the settings come from: an environment, and a ``.env`` file below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .dotenv import DotEnv
from .settings import SETTINGS, Settings, SettingsError

FILE = "ENV_FILE"
TEXT = "ENV_FILE_TEXT"
DEFAULT_FILE = ".env"


class Configuration:
    """Reads the settings.

    The environment's ``ENV_FILE`` names the file; ``ENV_FILE_TEXT`` stands for the text of a file of that name
    (``.env`` where it has none), which need not be there. What the environment sets counts more than what the file
    sets; a name that is set to nothing is not set.
    """

    def settings(self, environment: Mapping[str, str]) -> Settings:
        """The settings. Raises SettingsError where they cannot be used: nothing is started then."""
        dotenv = self.dotenv()
        for name in SETTINGS:
            dotenv.check(name, environment.get(name, ""), "the environment")
        given = {name: value for name, value in environment.items() if value.strip()}
        return Settings.from_mapping({**self.file(dotenv, given), **given})

    def dotenv(self) -> DotEnv:
        """The reader of files."""
        return DotEnv(SETTINGS)

    def file(self, dotenv: DotEnv, environment: Mapping[str, str]) -> dict[str, str]:
        """What the file sets; nothing where the environment names none."""
        name = environment.get(FILE, "")
        text = environment.get(TEXT) or (self.text(name) if name else "")
        return dotenv.read(text, name or DEFAULT_FILE)

    def text(self, name: str) -> str:
        """The text of a file."""
        try:
            return Path(name).read_text(encoding="utf-8")
        except OSError as failure:
            raise SettingsError(f"{name} cannot be read: {failure.strerror}") from failure
        except UnicodeDecodeError:
            raise SettingsError(f"{name} is not UTF-8") from None
