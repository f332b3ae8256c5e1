"""What a chat of the agent costs, and what its session keeps of it: both in one transaction, or neither."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from harness.backend.accounts import Accounts, Settled
from harness.backend.gateway.billing import Billing
from harness.backend.gateway.call import Call
from harness.backend.gateway.pricing import Pricing
from harness.backend.gateway.tokens import TokenCounter, Tokens

from .call import agent_call
from .sessions import Sessions


class AgentBilling(Billing):
    """The gateway's billing. A chat that completed is stored with its settlement; of any other nothing is stored."""

    def __init__(self, accounts: Accounts, pricing: Pricing, counter: TokenCounter, sessions: Sessions) -> None:
        super().__init__(accounts, pricing, counter)
        self._sessions = sessions

    async def complete(self, call: Call) -> Tokens:
        """Charge a completed chat and store its messages."""
        chat = agent_call(call)
        chat.complete = True
        try:
            return await super().complete(call)
        finally:
            chat.complete = False  # where it failed, what the client was given is still to be charged: and not stored

    async def write_use(self, tx: AsyncConnection, call: Call, tokens: Tokens, settled: Settled) -> None:
        """Write the usage row, and of a completed chat what both sides said."""
        await super().write_use(tx, call, tokens, settled)
        chat = agent_call(call)
        if chat.complete and chat.session_id is not None:
            said = [chat.asked.said, ("assistant", "".join(chat.words))]
            await self._sessions.append(tx, chat.session_id, said)
