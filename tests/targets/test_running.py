from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from harness.core.errors import TargetError, UsageError
from harness.core.names import System
from harness.core.profile import read_profile
from harness.core.user import User
from harness.targets.running import Target

SYSTEMS = {"runs": {"url": "http://127.0.0.1:1", "providers": ["groq"]}}


def profile(**more):
    return read_profile({"name": "mine", "launch": "url", "systems": SYSTEMS, "probe_url": "http://x", **more}, "mine")


def target(**known):
    return Target(known.pop("profile", profile()), urls={System.RUNS: "http://127.0.0.1:1"}, **known)


@pytest.fixture
async def probe():
    """A target's probe, and what it was asked."""
    asked = []

    async def answer(request):
        asked.append((request.method, request.path, await request.read()))
        return web.json_response({"project_id": "p1", "banner": ["PORT=4000"]})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield asked, str(server.make_url(""))


async def test_a_project_is_made_by_the_probe(probe):
    asked, url = probe
    ours = target(profile=profile(capabilities=["accounts"]), probe_url=url)
    assert await ours.project(User("u1", "token")) == "p1"
    assert asked == [("POST", "/projects", b'{"user_id": "u1"}')]
    await ours.close()


async def test_a_project_that_cannot_be_made_is_the_profiles_own(monkeypatch):
    ours = target(profile=profile(auth={"project_env": "MY_PROJECT"}))
    with pytest.raises(UsageError, match="MY_PROJECT"):
        await ours.project(User(None, "token"))
    monkeypatch.setenv("MY_PROJECT", "p7")
    assert await ours.project(User(None, "token")) == "p7"
    await ours.close()


async def test_another_instance_is_started_asked_and_stopped(probe):
    _asked, url = probe
    stopped, settings = [], []

    async def stop():
        stopped.append(True)

    async def again(changes):
        settings.append(changes)
        return target(probe_url=url, stop=stop)

    ours = target(again=again)
    assert await ours.try_start({"PORT": "1"}) == {"started": True, "banner": ["PORT=4000"], "error": None}
    assert (stopped, settings) == ([True], [{"PORT": "1"}])
    await ours.close()


async def test_twins_have_one_store_and_one_secret_and_are_stopped(probe):
    _asked, url = probe
    stopped, settings = [], []

    async def again(changes):
        number = len(settings)
        settings.append(changes)

        async def stop():
            stopped.append(number)

        return target(probe_url=url, stop=stop, secrets={f"key-{number}": "provider-key"})

    ours = target(profile=profile(settings={"DATABASE_URL": ""}), again=again)
    async with ours.twins({"TIMEOUT_DRAIN_S": "1"}) as (first, second):
        folder = Path(settings[0]["DATABASE_URL"].removeprefix("sqlite:///")).parent
        assert folder.is_dir()
        assert first is not second
        await first.close()
        assert stopped == [0]
    assert (stopped, folder.exists()) == ([0, 1], False)
    assert settings[0] == settings[1]
    assert settings[0].keys() == {"DATABASE_URL", "JWT_SECRET", "TIMEOUT_DRAIN_S"}
    assert ours.secrets == {"key-0": "provider-key", "key-1": "provider-key"}
    await ours.close()


async def test_twins_keep_the_store_that_the_profile_names_and_one_that_came_up_alone_is_stopped(probe):
    _asked, url = probe
    stopped, settings = [], []

    async def stop():
        stopped.append(True)

    async def again(changes):
        settings.append(changes)
        if len(settings) == 2:
            raise TargetError("no", where="target 'mine'", fix="Mend it.")
        return target(probe_url=url, stop=stop)

    ours = target(profile=profile(settings={"DATABASE_URL": "postgresql://db"}), again=again)
    with pytest.raises(TargetError):
        async with ours.twins({}):
            pytest.fail("there is only one")
    assert (stopped, settings[0].keys()) == ([True], {"JWT_SECRET"})
    await ours.close()


async def test_one_that_does_not_come_up_is_an_answer_and_no_failure_of_ours():
    async def again(changes):
        raise TargetError("line 2 is wrong", where="target 'mine'", fix="Mend it.")

    ours = target(again=again)
    assert await ours.try_start({}) == {"started": False, "banner": [], "error": "line 2 is wrong"}
    await ours.close()


async def test_a_target_that_somebody_else_runs_cannot_be_started_again():
    ours = target()
    with pytest.raises(UsageError, match="cannot be started again"):
        await ours.try_start({})
    with pytest.raises(UsageError, match="cannot be started again"):
        await ours.twins({}).__aenter__()
    await ours.close()
