"""Which services beside a target are recorded, and where."""

import pytest

from harness.core.errors import PortInUse
from harness.core.profile import read_profile
from harness.targets.beside import close_services, open_services


def profile(launch, **facts):
    tables = {"name": "mine", "launch": launch, "systems": {"chat": {"providers": ["bedrock"], **facts}}}
    more = {"command": ["run"]} if launch == "command" else {}
    return read_profile({**tables, **more}, "mine.toml")


async def opened(one):
    services = await open_services(one)
    await close_services(services.values())
    return {name: service.target_url for name, service in services.items()}


async def test_all_of_the_embedded_targets_are():
    assert await opened(profile("embedded")) == {"accounting": ""}


async def test_of_anothers_those_that_it_declares_are():
    assert await opened(profile("command")) == {}
    declared = {"services": {"accounting": "http://127.0.0.1:9/"}}
    assert await opened(profile("command", **declared)) == {"accounting": "http://127.0.0.1:9"}
    assert await opened(profile("url", url="http://127.0.0.1:8", **declared)) == {"accounting": "http://127.0.0.1:9"}


async def test_a_port_that_is_wanted_is_the_one():
    first = await open_services(profile("embedded"))
    port = int(first["accounting"].url.rpartition(":")[2])
    wanted = profile("embedded", service_ports={"accounting": port})
    with pytest.raises(PortInUse):
        await open_services(wanted)
    await close_services(first.values())
    second = await open_services(wanted)
    assert second["accounting"].url == first["accounting"].url
    await close_services(second.values())


def test_where_services_are_is_no_fact_for_a_recording():
    facts = profile("embedded", services={"accounting": "http://127.0.0.1:9"}).facts("chat")
    assert not {"url", "services", "service_ports"} & set(facts)
