"""What never comes to a route is refused in each system's own words."""

import asyncio
import json

import pytest

from harness.backend.serve import SYSTEMS
from harness.backend.settings import Settings

ADDRESSED = ("accounting", *SYSTEMS)
SETTINGS = Settings(
    openai_api_key="sk-test-0123456789",
    groq_api_key="gsk-test-0123456789",
    aws_access_key_id="AKIA-test-0123456789",
    aws_secret_access_key="secret-test-0123456789",
    edn360_training_workflow_id="wf_1",
    log_stream="none",
)
ODD = {
    "no-request-line": (400, b"nonsense\r\n\r\n"),
    "no-method": (400, b"GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "long-line": (400, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n"),
    "long-field": (400, b"GET / HTTP/1.1\r\nHost: x\r\nX-More: " + b"a" * 20_000 + b"\r\n\r\n"),
    "two-lengths": (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    "unmet": (
        417,
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ),
    "unknown-method": (400, b"BREW /pot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    "no-route": (404, b"PUT /pot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
}


@pytest.fixture
async def addresses(served):
    return (await served(SETTINGS, systems=tuple(SYSTEMS)))[0]


async def exchanged(address, sent):
    """Status, header fields and body of what is answered before the connection is closed."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    line, *fields = head.decode().split("\r\n")
    return int(line.split()[1]), {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}, body


def words(system, document):
    """The words of an error, in whichever shape the system has."""
    error = document if system in ("chat", "accounting") else document["error"]
    if system == "runs":
        return error
    return error["message"]


@pytest.mark.parametrize(("status", "sent"), ODD.values(), ids=ODD)
async def test_what_no_route_takes_is_refused_as_the_system_would(addresses, status, sent):
    for system in ADDRESSED:
        told, fields, body = await exchanged(addresses[system], sent)
        assert (told, fields["content-type"]) == (status, "application/json; charset=utf-8"), system
        assert words(system, json.loads(body)), system


async def test_the_probe_speaks_plainly(addresses):
    status, fields, _ = await exchanged(addresses["probe"], ODD["no-request-line"][1])
    assert (status, fields["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("system", "path"), [("workflow", "/training/plans"), ("gateway", "/v1/chat/completions"), ("agent", "/sessions")]
)
async def test_a_body_that_cannot_be_read_ends_the_connection_and_the_answer_says_so(served, system, path):
    addresses, session, _, _ = await served(SETTINGS, systems=(system,))
    async with session.post(f"{addresses['probe']}/users", json={"credits": 100}) as response:
        token = (await response.json())["token"]
    headers = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n"
    status, fields, body = await exchanged(addresses[system], f"POST {path} HTTP/1.1\r\n{headers}{{}}".encode())
    assert (status, fields["connection"]) == (400, "close")
    assert "Content-Encoding" in words(system, json.loads(body))
