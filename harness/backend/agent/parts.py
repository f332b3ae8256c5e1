"""The agent's parts: the classes that it is put together from. Those of the gateway's are of its own kind here."""

from __future__ import annotations

from dataclasses import dataclass

from harness.backend.gateway.pricing import Pricing
from harness.backend.gateway.tokens import TokenCounter
from harness.backend.gateway.wire import Terminals, Wire

from .billing import AgentBilling
from .breaker import Breaker
from .calls import AgentCalls
from .catalogue import AgentCatalogue
from .errors import AgentErrors
from .front import AgentFront
from .health import AgentHealth
from .ids import SessionIds
from .journal import AgentJournal
from .models import VertexModels
from .patience import Patience
from .relay import AgentRelay
from .request import AgentValidator
from .service import SessionService
from .sessions import Sessions
from .tried import TriedUpstream


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParts:
    """One class for each part. See the class of a part for what it does."""

    billing: type[AgentBilling] = AgentBilling
    breaker: type[Breaker] = Breaker
    calls: type[AgentCalls] = AgentCalls
    catalogue: type[AgentCatalogue] = AgentCatalogue
    counter: type[TokenCounter] = TokenCounter
    errors: type[AgentErrors] = AgentErrors
    front: type[AgentFront] = AgentFront
    health: type[AgentHealth] = AgentHealth
    ids: type[SessionIds] = SessionIds
    journal: type[AgentJournal] = AgentJournal
    models: type[VertexModels] = VertexModels
    patience: type[Patience] = Patience
    pricing: type[Pricing] = Pricing
    relay: type[AgentRelay] = AgentRelay
    service: type[SessionService] = SessionService
    sessions: type[Sessions] = Sessions
    terminals: type[Terminals] = Terminals
    tried: type[TriedUpstream] = TriedUpstream
    validator: type[AgentValidator] = AgentValidator
    wire: type[Wire] = Wire
