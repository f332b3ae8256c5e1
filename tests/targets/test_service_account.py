"""A target that is started here has a service account of its own."""

import json
from pathlib import Path

from google.oauth2.service_account import Credentials

from harness.targets.service_account import PROJECT, service_account


def test_the_key_file_is_one_that_googles_library_reads_and_is_gone_afterwards():
    with service_account("http://127.0.0.1:1") as settings:
        path = Path(settings["GOOGLE_APPLICATION_CREDENTIALS"])
        credentials = Credentials.from_service_account_file(str(path))
        assert settings["GOOGLE_CLOUD_PROJECT"] == PROJECT
        assert credentials.service_account_email.startswith("harness-target@")
        assert json.loads(path.read_text())["token_uri"] == "http://127.0.0.1:1/token"
    assert not path.exists()


def test_without_vertex_there_is_none():
    with service_account(None) as settings:
        assert settings == {}
