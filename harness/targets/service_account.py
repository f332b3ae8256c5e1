"""A service account for a target that is started here: with a key of our own, granted tokens by the simulator."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.systems.agent import SERVICE_ACCOUNT

PROJECT = "harness-project"
KEY_BITS = 2048  # RFC 7518 section 3.3: an RS256 key has at least so many


@contextmanager
def service_account(vertex_url: str | None) -> Iterator[Mapping[str, str]]:
    """The settings of an account whose tokens come from there; its key file is gone when the block ends.

    None where there is no Vertex AI: then there are no settings either.
    """
    if vertex_url is None:
        yield {}
        return
    info = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "harness",
        "private_key": _key(),
        "client_email": f"{SERVICE_ACCOUNT}@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"{vertex_url}/token",
    }
    with tempfile.TemporaryDirectory(prefix="harness-account-") as folder:
        path = Path(folder) / "account.json"
        path.write_text(json.dumps(info))
        yield {"GOOGLE_APPLICATION_CREDENTIALS": str(path), "GOOGLE_CLOUD_PROJECT": PROJECT}


@functools.cache
def _key() -> str:
    """A private key, the same one for as long as this process runs: making one takes a tenth of a second."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode("ascii")
