"""Ids of projects as anybody may send them, over HTTP."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXTS = st.text(min_size=1, max_size=50) | st.from_regex(
    r"(urn:uuid:|\{)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-fA-F]{11,13}\}?", fullmatch=True
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
async def test_any_text_in_the_place_of_a_project_is_not_found(backend, user, text):
    if text in (".", ".."):
        return  # the path has lost a segment before it is sent
    quoted = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    status, body = await backend.run(user, project=quoted)
    assert (status, isinstance(body["error"], str)) == (404, True), text
