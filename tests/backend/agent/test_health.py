"""What the health check tells."""

from harness.backend.providers import Provider


async def test_everything_is_there(agent):
    status, _, body = await agent.call("GET", "/health")
    assert status == 200
    assert body == {
        "status": "ok",
        "services": {"store": "up", "anthropic": "up"},
        "breakers": {"anthropic": "closed"},
        "timestamp": body["timestamp"],
    }
    assert body["timestamp"].endswith("Z")


async def test_an_open_breaker_and_a_half_open_one_are_told(begin, provider):
    agent = await begin(BREAKER_FAILURES="1", VERTEX_AI_ACCESS_TOKEN="ya29.x", GOOGLE_CLOUD_PROJECT="p")
    provider.plain({"error": {"message": "no"}}, status=500)
    await agent.chat(await agent.user())
    for state in ("open", "half_open"):
        status, _, body = await agent.call("GET", "/health")
        assert (status, body["status"]) == (503, "degraded")
        assert body["breakers"] == {"anthropic": state, "vertex": "closed"}
        await agent.advance(30)


async def test_a_provider_that_takes_no_connection_is_down(begin, known):
    known["anthropic"] = Provider("anthropic", "http://127.0.0.1:1", "k")
    agent = await begin()
    status, _, body = await agent.call("GET", "/health")
    assert (status, body["services"]) == (503, {"store": "up", "anthropic": "down"})
