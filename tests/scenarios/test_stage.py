"""What a stage lends to scenarios, against a target and providers that are only there to be asked."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager, closing

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.cassettes.recorder import Recorder
from harness.core.case import Case
from harness.core.errors import StageError
from harness.core.fault import FAULTS
from harness.core.names import Capability, Provider, System
from harness.core.profile import read_profile
from harness.core.recording import Header, Source
from harness.core.user import User
from harness.scenarios.stage import Stage
from harness.servers.script import Script
from harness.servers.service import Service
from harness.servers.simulator import Simulator
from harness.systems.agent import SERVICE_ACCOUNT

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

TABLES = {
    "name": "mine",
    "launch": "embedded",
    "capabilities": [Capability.STARTUP.value],
    "systems": {"runs": {"providers": ["groq"], "models": [{"id": "gpt-4", "provider": "groq", "upstream": "llama"}]}},
}


class Host:
    """A target that has nothing but what is asked here."""

    profile = read_profile(TABLES, "mine.toml")
    secrets = {}  # noqa: RUF012 - the protocol's field
    services = {}  # noqa: RUF012 - the protocol's field
    started = ()
    closed = False

    def url(self, system):
        return "http://127.0.0.1:1"

    def has(self, capability):
        return capability in self.profile.capabilities

    async def project(self, user):
        return f"project of {user.id}"

    async def startup(self):
        return {"banner": ["PORT=4000"]}

    @asynccontextmanager
    async def twins(self, settings):
        self.started = (*self.started, settings)
        self.pair = Host(), Host()
        yield self.pair

    async def close(self):
        self.closed = True

    async def try_start(self, settings):
        self.started = (*self.started, settings)
        return {"started": False, "banner": [], "error": "no"}


@pytest.fixture
async def simulator():
    async with Simulator() as running:
        yield running


@pytest.fixture
async def stage(simulator):
    recorder = Recorder(Header(source=Source.SIMULATOR))
    script = Script(fault=FAULTS["none"], recorder=recorder)
    case = Case("mine", System.RUNS, "any", Provider.GROQ)
    async with Stage(case, seed=0, target=Host(), simulator=simulator, recorder=recorder, script=script) as opened:
        yield opened


def reachable(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_provider_that_is_down_refuses_and_is_back_afterwards(stage, simulator):
    port = int(simulator.base_url(Provider.GROQ).rpartition(":")[2])
    other = int(simulator.base_url(Provider.COMPATIBLE).split(":")[2].split("/")[0])
    async with stage.provider_down():
        assert [await asyncio.to_thread(reachable, one) for one in (port, other)] == [False, True]
    assert await asyncio.to_thread(reachable, port)
    recording = stage.recorder.recording()
    assert [mark.name for mark in recording.marks] == ["provider-down", "provider-back"]


async def test_starts_become_evidence(stage):
    await stage.startup()
    await stage.try_start({"PORT": "1"})
    first, second = stage.recorder.recording().probes
    assert (first.name, first.data) == ("startup", {"started": True, "error": None, "banner": ["PORT=4000"]})
    assert (second.name, second.data["error"]) == ("startup", "no")
    assert stage.target.started == ({"PORT": "1"},)


async def test_models_and_projects_are_the_targets(stage):
    assert (stage.model().id, stage.model().upstream) == ("gpt-4", "llama")
    assert await stage.project(User("somebody", "token")) == "project of somebody"


async def test_a_call_that_cannot_connect_is_recorded_all_the_same(stage):
    answer = await stage.runs("token").create("p", {"input": "x"}, tie="t.1")
    (exchange,) = stage.recorder.recording().exchanges
    assert answer.status is None
    assert (exchange.operation, exchange.tie, exchange.ending.value) == ("runs.create", "t.1", "connect-error")
    slow = await stage.slow_gateway(None).models()
    assert slow.status is None


async def test_a_fault_that_a_scenario_lays_on_is_gone_afterwards(stage):
    with stage.struck(FAULTS["cut"]):
        assert stage.script.fault.id == "cut"
    assert stage.script.fault.id == "none"


async def test_what_the_target_does_in_its_own_name_is_the_cases_once_it_says_so(stage, simulator):
    assertion = jwt.encode(
        {"iss": f"{SERVICE_ACCOUNT}@p", "aud": "a", "iat": time.time(), "exp": time.time() + 60}, KEY, algorithm="RS256"
    )
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    async with aiohttp.ClientSession() as session:
        for ours in (False, True):
            if ours:
                stage.own_traffic()
            await session.post(f"{simulator.base_url(Provider.VERTEX)}/token", data=form)
            assert await stage.untied_seen(1, within_s=5.0 if ours else 0.01) is ours


async def test_the_first_of_twins_is_used_until_it_is_stopped_then_the_second(stage):
    usual = stage.target
    async with stage.twins({"TIMEOUT_DRAIN_S": "1"}):
        first, second = usual.pair
        assert stage.target is first
        await stage.stop()
        assert (stage.target, first.closed, second.closed) == (second, True, False)
    assert stage.target is usual
    assert usual.started == ({"TIMEOUT_DRAIN_S": "1"},)
    assert [mark.name for mark in stage.recorder.recording().marks] == ["stopping"]


async def test_a_target_without_a_twin_is_not_stopped(stage):
    with pytest.raises(StageError, match="no twin"):
        await stage.stop()
    assert not stage.target.closed


async def test_accounting_is_called_where_it_is_and_nowhere_else(stage):
    with pytest.raises(StageError, match="the address of the accounting service is not known"):
        stage.accounting("token")
    service = Service("accounting", ())
    stage.target.services["accounting"] = service
    try:
        with pytest.raises(StageError):
            stage.accounting("token")
        service.forward("http://127.0.0.1:1")
        assert (await stage.accounting("token").check({})).status is None
        (exchange,) = stage.recorder.recording().exchanges
        assert (exchange.operation, exchange.request.url) == ("accounting.check", "http://127.0.0.1:1/credits/check")
    finally:
        del stage.target.services["accounting"]
