"""The only ids that the workflow takes are the provider's: whatever they are, a client is told what became of it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANY = st.text(st.characters(exclude_categories=()), max_size=40) | st.none() | st.booleans() | st.integers()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(session=ANY | st.sampled_from([".", "..", "../x", "a/b", "a?b#c", "%2e%2e", "\0", "\ud800"]))
async def test_whatever_the_provider_calls_its_session_a_plan_is_made_or_refused(backend, provider, session):
    user = await backend.user(10)
    provider.session = session
    provider.seen.clear()
    status, body = await backend.plan(user)
    assert status in (201, 502), session
    assert status == 201 or body["error"]["code"].startswith("PROVIDER_"), session
    assert (await backend.kinds(user)).count("refund") == (status == 502)
