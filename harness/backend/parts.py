"""The backend's parts: the classes that it is put together from. A defect puts another in the place of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from .accounts import Accounts
from .agent.parts import AgentParts
from .auth import Authenticator
from .banner import Banner
from .chat.parts import ChatParts
from .clients import ProviderClients
from .configuration import Configuration
from .flights import Flights
from .gateway.parts import GatewayParts
from .google import GoogleTokens
from .log import CallLog, Scrubber
from .probe import Probe
from .projects import Projects
from .runs.parts import RunParts
from .statements import Statements
from .store import Store
from .upstream import Upstream
from .workflow.parts import WorkflowParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all systems share, and the parts of each system."""

    accounts: type[Accounts] = Accounts
    authenticator: type[Authenticator] = Authenticator
    banner: type[Banner] = Banner
    clients: type[ProviderClients] = ProviderClients
    configuration: type[Configuration] = Configuration
    flights: type[Flights] = Flights
    google: type[GoogleTokens] = GoogleTokens
    log: type[CallLog] = CallLog
    probe: type[Probe] = Probe
    projects: type[Projects] = Projects
    scrubber: type[Scrubber] = Scrubber
    statements: type[Statements] = Statements
    store: type[Store] = Store
    upstream: type[Upstream] = Upstream
    agent: AgentParts = field(default_factory=AgentParts)
    chat: ChatParts = field(default_factory=ChatParts)
    gateway: GatewayParts = field(default_factory=GatewayParts)
    runs: RunParts = field(default_factory=RunParts)
    workflow: WorkflowParts = field(default_factory=WorkflowParts)
