"""Where settings come from, and which of two counts."""

import pytest

from harness.backend.configuration import Configuration
from harness.backend.settings import SettingsError


def read(**environment):
    return Configuration().settings(environment)


def test_the_file_is_below_the_environment():
    text = "PORT=1\nGROQ_DEFAULT_MODEL=file\nGROQ_API_KEY=gsk_file\nSOMETHING_ELSE=x"
    settings = read(ENV_FILE_TEXT=text, GROQ_DEFAULT_MODEL="environment", GROQ_API_KEY=" ")
    assert (settings.port, settings.groq_default_model, settings.groq_api_key) == (1, "environment", "gsk_file")


def test_without_either_the_defaults_hold():
    settings = read()
    assert (settings.port, settings.groq_default_model, settings.openai_api_key) == (4000, "", "")


def test_a_file_is_read_by_its_name(tmp_path):
    file = tmp_path / "my.env"
    file.write_text("PORT=7\n", encoding="utf-8")
    assert read(ENV_FILE=str(file)).port == 7
    file.write_text("PORT=7\nPORT\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"my\.env line 2: this is not NAME=value"):
        read(ENV_FILE=str(file))
    file.write_bytes(b"PORT=\xff")
    with pytest.raises(SettingsError, match=r"my\.env is not UTF-8"):
        read(ENV_FILE=str(file))
    with pytest.raises(SettingsError, match=r"nowhere\.env cannot be read: No such file"):
        read(ENV_FILE=str(tmp_path / "nowhere.env"))


def test_a_text_stands_for_the_file_of_that_name():
    with pytest.raises(SettingsError, match=r"^their\.env line 1: PORT and GROQ_API_KEY have run together"):
        read(ENV_FILE="their.env", ENV_FILE_TEXT="PORT=4000GROQ_API_KEY=x")


@pytest.mark.parametrize("text", ["x", "-1", "65536", "4000.0", "\u0664", "1" * 5000])
def test_a_port_is_one(text):
    with pytest.raises(SettingsError, match="PORT must be a whole number from 0 to 65535"):
        read(PORT=text)
