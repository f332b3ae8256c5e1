"""Who the providers are, by the settings."""

import pytest

from harness.backend.providers import Speaks, configured
from harness.backend.settings import Settings, SettingsError

KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "GROQ_API_KEY": "gsk-groq",
    "ANTHROPIC_API_KEY": "sk-ant-1",
    "AWS_ACCESS_KEY_ID": "AKIA-1",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "VERTEX_AI_ACCESS_TOKEN": "ya29.token",
}
PROJECT = {"GOOGLE_CLOUD_PROJECT": "project"}


def test_each_provider_has_its_address_its_protocol_and_its_key():
    known = configured(Settings.from_mapping(KEYS | PROJECT))
    assert {name: (one.base_url, one.speaks, one.api_key) for name, one in known.items()} == {
        "openai": ("https://api.openai.com/v1", Speaks.OPENAI, "sk-openai"),
        "groq": ("https://api.groq.com/openai/v1", Speaks.OPENAI, "gsk-groq"),
        "anthropic": ("https://api.anthropic.com", Speaks.ANTHROPIC, "sk-ant-1"),
        "bedrock": ("https://bedrock-runtime.us-east-1.amazonaws.com", Speaks.BEDROCK, "aws-secret"),
        "vertex": ("https://aiplatform.googleapis.com", Speaks.VERTEX, "ya29.token"),
    }
    assert not any(key in repr(known) for key in KEYS.values())
    assert set(KEYS.values()) <= set(Settings.from_mapping(KEYS).secrets())


def test_addresses_are_settings():
    more = {"BEDROCK_URL": "http://a", "ANTHROPIC_API_URL": "http://b", "VERTEX_API_URL": "http://c"}
    known = configured(Settings.from_mapping(more))
    assert [known[name].base_url for name in ("bedrock", "anthropic", "vertex")] == ["http://a", "http://b", "http://c"]
    assert configured(Settings(aws_region="eu-west-1"))["bedrock"].base_url.split(".")[1] == "eu-west-1"


def test_a_service_account_stands_for_a_token():
    known = configured(Settings(google_application_credentials="key.json", google_cloud_project="project"))
    assert known["vertex"].api_key
    assert not configured(Settings())["vertex"].api_key


@pytest.mark.parametrize(
    ("provider", "given"),
    [
        ("bedrock", {"aws_secret_access_key": "aws-secret"}),
        ("bedrock", {"aws_access_key_id": "AKIA-1"}),
        ("vertex", {"google_application_credentials": "key.json"}),
        ("vertex", {"vertex_access_token": "ya29.token"}),
        ("vertex", {"google_cloud_project": "project"}),
    ],
)
def test_half_of_what_a_provider_wants_is_nothing(provider, given):
    assert configured(Settings(**given))[provider].api_key == ""


def test_a_custom_provider_is_one_more_and_none_of_the_known():
    settings = Settings(openai_base_url="http://d", openai_custom_provider_name="ours", openai_api_key="sk-openai")
    assert configured(settings)["ours"].base_url == "http://d"
    for taken in ("groq", "anthropic", "bedrock", "vertex"):
        with pytest.raises(SettingsError, match=taken):
            Settings(openai_custom_provider_name=taken)
