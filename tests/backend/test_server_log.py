"""Requests that are not HTTP: refused, told in a line of JSON, and nothing else of this process is disturbed."""

import asyncio
import io
import json
import sys

import pytest

from harness.backend.log import CallLog, Scrubber
from harness.backend.server_log import ERROR_CHARACTERS, server_logger

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
ODD = {
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "no chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "a NUL": HEAD + b"Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln\0\r\n\r\n",
}
TLS = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\0" * 100 + b"\r\n\r\n"


@pytest.fixture
async def told_of(start, monkeypatch):
    """Sends bytes to a backend, and ends it: what it answered, and what its server said in the log, all in JSON."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    backend = await start(LOG_STREAM="stderr")
    host, port = backend.url.removeprefix("http://").split(":")

    async def send(odd):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(odd)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await backend.stop()
        rows = [json.loads(line) for line in stream.getvalue().splitlines()]
        return answer, [row for row in rows if row["event"] == "http_server"]

    return send


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_what_is_no_request_is_refused_and_logged_in_json_without_a_stack(told_of, odd):
    answer, (told,) = await told_of(odd)
    assert b" 400 Bad Request\r\n" in answer
    assert (told["level"], "stack" in told, "eyJ" in str(told)) == ("error", False, False)
    assert len(told["error"]) <= ERROR_CHARACTERS


async def test_who_speaks_another_protocol_from_the_start_is_refused_and_not_worth_a_line(told_of):
    answer, told = await told_of(TLS)
    assert b" 400 Bad Request\r\n" in answer
    assert told == []


def test_an_error_of_ours_has_its_stack_and_a_plain_message_none():
    stream = io.StringIO()
    logger = server_logger(CallLog(Scrubber([]), stream))
    logger.warning("left %s", "early")
    try:
        raise LookupError("sk-0123456789")
    except LookupError:
        logger.exception("Unhandled exception")
    plain, ours = map(json.loads, stream.getvalue().splitlines())
    assert (plain["message"], plain["level"], "error" in plain) == ("left early", "warning", False)
    assert ours["error"] == "LookupError: [redacted]"
    assert ours["stack"].endswith("LookupError: [redacted]\n")


def test_a_log_that_cannot_be_written_is_no_concern_of_the_server(capsys):
    stream = io.StringIO()
    logger = server_logger(CallLog(Scrubber([]), stream))
    stream.close()
    logger.error("no request")
    assert "no request" in capsys.readouterr().err
