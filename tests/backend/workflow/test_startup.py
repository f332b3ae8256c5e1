"""Which settings the workflow cannot start without."""

import pytest

from harness.backend.settings import Settings, SettingsError

NAMES = ("OPENAI_API_KEY", "EDN360_TRAINING_WORKFLOW_ID")


@pytest.mark.parametrize("name", NAMES)
async def test_a_setting_that_is_missing_is_named(start, name):
    with pytest.raises(SettingsError, match=name):
        await start(**{name: None})


async def test_both_are_named_where_both_are_missing(start):
    with pytest.raises(SettingsError, match=" and ".join(NAMES)):
        await start(**dict.fromkeys(NAMES))


def test_the_name_of_the_provider_is_taken():
    with pytest.raises(SettingsError, match="chatkit or groq"):
        Settings.from_mapping({"OPENAI_CUSTOM_PROVIDER_NAME": "chatkit", "OPENAI_BASE_URL": "http://localhost/v1"})
