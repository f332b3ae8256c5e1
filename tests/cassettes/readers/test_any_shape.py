"""Whatever stands at a format's keys, an interaction is read or named, and nothing else is raised."""

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.readers import FORMATS, sample
from harness.core.errors import CassetteError

WORDS = """
base64Body base64_string body bodyFileName bodyPatterns choices code connect content duration encoding equalTo
equalToJson error file headers host jsonBody message method name object path postData queryParameters rawHeaders
reqheaders response responseIsBinary scope send size startedDateTime status statusText string text time timings
transformers uri url urlPath value version wait
"""
KEYS = st.sampled_from(WORDS.split())
HEADERS = st.sampled_from([{"content-encoding": "gzip"}, [{"name": "Content-Encoding", "value": ["br"]}], ["a", "b"]])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["GET", "https://h/v1/x", "/x", "aGk=", "6869", "base64", "2026-01-01T00:00:00Z", "1m2.5s"])
    | HEADERS
)
JSON_LIKE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=8,
)
MESSAGES = st.dictionaries(KEYS, JSON_LIKE, max_size=8)
INTERACTIONS = st.lists(
    JSON_LIKE | MESSAGES | st.fixed_dictionaries({"request": MESSAGES, "response": MESSAGES}), max_size=3
)
WRAPS = {
    "vcrpy": lambda things: {"interactions": things},
    "go-vcr": lambda things: {"interactions": things},
    "ruby-vcr": lambda things: {"http_interactions": things},
    "har": lambda things: {"log": {"entries": things}},
    "nock": lambda things: things,
    "wiremock": lambda things: {"mappings": things},
    "body-only": lambda things: things,
}
READERS = {known.name: known for known in FORMATS}


@pytest.mark.parametrize("name", WRAPS)
@given(things=INTERACTIONS)
def test_any_interactions_are_read_or_named(name: str, things: list):
    document = WRAPS[name](things)
    for text in (json.dumps(document), yaml.safe_dump(document, allow_unicode=True)):
        with suppress(CassetteError):
            foreign = READERS[name].read(sample("f", text.encode("utf-8", "surrogatepass")))
            if name != "body-only":
                assert len(foreign.recording.exchanges) + len(foreign.unread) == len(things)


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_any_messages_of_httprr_are_read_or_named(request_: bytes, response: bytes):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = b"httprr trace v1\n%d %d\n%s%s%s" % (len(request_), len(head + response), request_, head, response)
    foreign = READERS["httprr"].read(sample("f", data))
    assert len(foreign.recording.exchanges) + len(foreign.unread) == 1


def test_every_format_is_tried_here():
    assert set(READERS) == {*WRAPS, "httprr"}
