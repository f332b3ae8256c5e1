"""Ids of sessions as anybody may send them, over HTTP: in the address and in the body of a chat."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.backend.agent.ids import SessionIds
from harness.backend.ids import parse_id

TEXTS = st.text(min_size=1, max_size=50) | st.from_regex(
    r"session-[0-9]{8,18}-[a-z0-9]{0,70}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-fA-F]{11,13}", fullmatch=True
)


@pytest.fixture
async def agent(begin):
    return await begin()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
async def test_any_text_in_the_place_of_an_id_is_refused_or_not_found(agent, user, text):
    wanted = (404, "session_not_found") if known(text) else (400, "invalid_session_id")
    quoted = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    if text not in (".", ".."):  # of which the path loses a segment before it is sent
        for path in (f"/sessions/{quoted}", f"/sessions/{quoted}/messages"):
            status, _, body = await agent.call("GET", path, user)
            assert (status, body["error"]["code"]) == wanted, text
    if not SessionIds().old_style(text):  # which would begin a session
        status, _, body = await agent.chat(user, session_id=text)
        assert (status, body["error"]["code"]) == wanted, text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(st.text(max_size=3), max_size=2)
    | st.just({})
)
async def test_what_is_no_text_is_no_id(agent, user, value):
    status, _, body = await agent.chat(user, session_id=value)
    assert status == 400, value
    assert body["error"]["param"] == "session_id", value


def known(text):
    """Whether a text may be the id of a session."""
    return SessionIds().old_style(text) or parse_id(text) is not None
