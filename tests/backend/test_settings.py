from fractions import Fraction

import pytest

from harness.backend.settings import Settings, SettingsError


def test_settings_are_read_by_name_and_what_is_empty_or_unknown_is_left_alone():
    found = Settings.from_mapping(
        {
            "OPENAI_API_KEY": " sk-1 ",
            "OPENAI_BASE_URL": "http://127.0.0.1:1/v1/",
            "OPENAI_CUSTOM_PROVIDER_NAME": "compatible",
            "OPENAI_CUSTOM_CREDIT_MULTIPLIER": "2.5",
            "TIMEOUT_CONNECT_S": "0.5",
            "TIMEOUT_WHOLE_CALL_S": "",
            "PATH": "/usr/bin",
        }
    )
    assert (found.openai_api_key, found.openai_base_url) == ("sk-1", "http://127.0.0.1:1/v1")
    assert (found.openai_custom_credit_multiplier, found.connect_s, found.call_s) == (Fraction(5, 2), 0.5, 60.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "short"),
        ("OPENAI_BASE_URL", "127.0.0.1:8080"),
        ("OPENAI_BASE_URL", "ftp://host/v1"),
        ("OPENAI_API_URL", "http://"),
        ("OPENAI_CUSTOM_PROVIDER_NAME", "groq"),
        ("OPENAI_CUSTOM_PROVIDER_NAME", "My Provider"),
        ("OPENAI_CUSTOM_TOKEN_ESTIMATION", "tiktoken"),
        ("OPENAI_CUSTOM_CREDIT_MULTIPLIER", "nan"),
        ("OPENAI_CUSTOM_CREDIT_MULTIPLIER", "0"),
        ("OPENAI_CUSTOM_CREDIT_MULTIPLIER", "-1"),
        ("OPENAI_CUSTOM_CREDIT_MULTIPLIER", "1/0"),
        ("CREDIT_MULTIPLIER", "inf"),
        ("TIMEOUT_CONNECT_S", "soon"),
        ("TIMEOUT_FIRST_BYTE_S", "0"),
        ("TIMEOUT_BETWEEN_SEGMENTS_S", "nan"),
        ("RETRY_WAIT_S", "0"),
        ("RETRY_WAIT_MAX_S", "long"),
        ("RETRY_JITTER", "1.5"),
        ("RETRY_JITTER", "nan"),
        ("RETRY_JITTER", "some"),
        ("LOG_STREAM", "syslog"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        Settings.from_mapping({name: value})


def test_the_waits_between_tries_are_settings():
    found = Settings.from_mapping({"RETRY_WAIT_S": "0.5", "RETRY_WAIT_MAX_S": "2", "RETRY_JITTER": "0"})
    assert (found.retry_wait_s, found.retry_wait_max_s, found.retry_jitter) == (0.5, 2.0, 0.0)


def test_secrets_are_not_shown_and_a_token_secret_is_made_where_none_is_given():
    keys = {"OPENAI_API_KEY": "sk-openai", "GROQ_API_KEY": "gsk-groq", "DATABASE_URL": "postgresql://u:pw@h/d"}
    found = Settings.from_mapping(keys)
    assert len(found.jwt_secret) >= 32
    assert found.jwt_secret != Settings().jwt_secret
    assert set(found.secrets()) == {"sk-openai", "gsk-groq", found.jwt_secret}
    assert not any(secret in repr(found) for secret in (*found.secrets(), "pw@h"))
