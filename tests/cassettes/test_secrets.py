from hypothesis import given
from hypothesis import strategies as st

from harness.cassettes.redact import Redactor
from harness.cassettes.secrets import Secret, build

SECRETS = (
    Secret("key", "sk-test-0123456789abcdefghij"),
    Secret("password", 'pa"ss\\wo rd/é-password'),
    Secret("symbols", '"\\"\\"\\"\\'),
    Secret("twice", "abcabc/abcabc"),
)
PARTS = st.sampled_from(
    [
        *(secret.value.encode() for secret in SECRETS),
        b'pa\\"ss\\\\wo rd/\\u00e9-password',
        b"pa%22ss%5Cwo+rd%2F%C3%A9-password",
        b"sk-",
        b"sk-0123456789abcdef",
        b"abcabc/",
        b"eyJhbGciOi.eyJzdWIiOi.",
        b"eyJ",
        b"Bearer abcdef0123456789ghij",
        b"AKIAABCDEFGHIJKLMNOP",
        b"[REDACTED:key]",
        b"[REDACTED:",
        b"word",
        b" ",
        b'"',
        b"\\",
        b"\xff",
    ]
)
BODIES = st.lists(PARTS, max_size=12).map(b"".join)


def by_every_byte(search, data):
    """What is found where the expressions are tried at every byte."""
    position, after = 0, False
    while match := (after and search.adjacent.match(data, position)) or search.pattern.search(data, position):
        position, after = match.end(), True
        if match.lastgroup is not None:
            yield match.span()


@given(BODIES, st.integers(1, len(SECRETS)))
def test_what_is_found_at_its_seeds_is_what_there_is(body, number):
    secrets = SECRETS[:number]
    found = [(span.start, span.end) for span in Redactor(secrets).spans(body)]
    assert found == list(by_every_byte(build(secrets), body))


def test_where_there_is_no_seed_nothing_is_tried():
    assert list(build(SECRETS[:1]).places(b"x" * 1000 + b"ey J", 0)) == []


def test_of_base64_only_the_begins_are_tried():
    frames = b'{"bytes":"eyJjb250ZW50IjoiIn0="}' * 1000
    assert list(build(()).places(frames, 40)) == list(range(32 + 10, len(frames), 32))
