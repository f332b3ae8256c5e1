"""The gateway's parts: the classes that it is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from .billing import Billing
from .calls import Calls
from .catalogue import Catalogue
from .errors import ErrorMapper
from .front import Front
from .journal import Journal
from .pricing import Pricing
from .relay import Relay
from .request import Validator
from .tokens import TokenCounter
from .wire import Terminals, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """One class for each part. See the class of a part for what it does."""

    billing: type[Billing] = Billing
    calls: type[Calls] = Calls
    catalogue: type[Catalogue] = Catalogue
    counter: type[TokenCounter] = TokenCounter
    errors: type[ErrorMapper] = ErrorMapper
    front: type[Front] = Front
    journal: type[Journal] = Journal
    pricing: type[Pricing] = Pricing
    relay: type[Relay] = Relay
    terminals: type[Terminals] = Terminals
    validator: type[Validator] = Validator
    wire: type[Wire] = Wire
