"""The services beside a target: for each one that a system has, a proxy that records what the target asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from harness.core.names import System
from harness.core.profile import Launch, Profile
from harness.servers.service import Service
from harness.systems import accounting
from harness.systems.route import Route

SERVICES: Mapping[System, Mapping[str, tuple[Route, ...]]] = MappingProxyType(
    {System.CHAT: MappingProxyType({accounting.NAME: accounting.ROUTES})}
)
"""System -> its services by name, and the calls of each."""

SETTINGS: Mapping[str, str] = MappingProxyType({accounting.NAME: accounting.URL_SETTING})
"""Service -> the reference backend's setting for its address."""


async def open_services(profile: Profile) -> Mapping[str, Service]:
    """A proxy for each service that is to be recorded: all of the embedded target's, of another's those it declares.

    Raises:
        PortInUse: a port that the profile wants is taken.
    """
    opened: dict[str, Service] = {}
    try:
        for system, facts in profile.systems.items():
            for name, routes in SERVICES.get(system, {}).items():
                if profile.launch is Launch.EMBEDDED or name in facts.services:
                    service = Service(name, routes, port=facts.service_ports.get(name, 0))
                    await service.open()
                    opened[name] = service
                    service.forward(facts.services.get(name, ""))
    except BaseException:
        await close_services(opened.values())
        raise
    return opened


async def close_services(services: Iterable[Service]) -> None:
    """Close them."""
    for service in services:
        await service.close()
