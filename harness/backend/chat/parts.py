"""The parts of chat and of its accounting: the classes that the system is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from harness.backend.accounting.parts import AccountingParts
from harness.backend.gateway.tokens import TokenCounter

from .accounting import AccountingClient
from .bedrock import Bedrock
from .billing import ChatBilling
from .broadcast import Broadcast
from .errors import ChatErrors
from .front import ChatFront
from .journal import ChatJournal
from .models import ChatModels
from .request import ChatValidator
from .service import ChatService
from .sessions import ChatSessions
from .streams import Streams
from .wire import ChatWire


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatParts(AccountingParts):
    """One class for each part. See the class of a part for what it does."""

    accounting: type[AccountingClient] = AccountingClient
    bedrock: type[Bedrock] = Bedrock
    billing: type[ChatBilling] = ChatBilling
    broadcast: type[Broadcast] = Broadcast
    counter: type[TokenCounter] = TokenCounter
    errors: type[ChatErrors] = ChatErrors
    front: type[ChatFront] = ChatFront
    journal: type[ChatJournal] = ChatJournal
    models: type[ChatModels] = ChatModels
    service: type[ChatService] = ChatService
    sessions: type[ChatSessions] = ChatSessions
    streams: type[Streams] = Streams
    validator: type[ChatValidator] = ChatValidator
    wire: type[ChatWire] = ChatWire
