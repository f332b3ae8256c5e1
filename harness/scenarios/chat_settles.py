"""A settlement and an abort of one stream that meet: at once, by their last bytes, and one long after the other."""

from __future__ import annotations

import asyncio

from harness.core.race import SETTLE
from harness.endpoints.lastbyte import Entrant
from harness.servers.gate import Gate
from harness.systems import accounting

from .chat import CHAT
from .chat_accounting import ACTUAL, DELIVERED, SEEN, fresh_id, hold_body
from .forced import forced
from .registry import scenario
from .stage import Stage

RACES = 4
"""Races of which one is to have met: on any machine that is worth measuring on."""
ENDS = {accounting.FINALIZE: {"actualTokens": ACTUAL}, accounting.ABORT: {"tokensDelivered": DELIVERED}}
AT_ONCE = 3
"""Of each kind."""


@scenario("settle-race", CHAT, alone=True, needs=SEEN)
async def settle_race(stage: Stage) -> None:
    """Streams that are finalized and aborted by several, let go at once by their last bytes, and by one more later."""
    user = await stage.user()
    api = stage.accounting(user.token)
    for number in range(RACES):
        session = fresh_id(stage, number)
        await api.initialize(hold_body(stage, user, session))
        entrants = [
            Entrant(route=route, token=user.token, json=body, path={"session_id": session})
            for route, body in ENDS.items()
            for _ in range(AT_ONCE)
        ]
        async with stage.race(SETTLE, entrants, base_url=stage.accounting_url, session=session):
            pass
        await api.finalize(session, {"actualTokens": ACTUAL})
    await stage.settle(user)


@scenario("settle-crossed", CHAT, needs=SEEN)
async def settle_crossed(stage: Stage) -> None:
    """A settlement that is held on its way until an abort was answered, and an abort until a settlement was."""
    user = await stage.user()
    first, late = stage.accounting(user.token), stage.accounting(user.token, gated=True)
    finalized, aborted = fresh_id(stage, 0), fresh_id(stage, 1)
    for session in (finalized, aborted):
        await first.initialize(hold_body(stage, user, session))

    asked = [stage.prompt() for _ in range(4)]
    gate = stage.service.gates[accounting.ABORT.name] = Gate()
    forced(stage, SETTLE, *asked[:2], moment="an abort after the settlement")
    ending = asyncio.create_task(late.abort(finalized, {"tokensDelivered": DELIVERED}, tie=asked[1].tie))
    await stage.service_seen(accounting.ABORT.name)
    await first.finalize(finalized, {"actualTokens": ACTUAL}, tie=asked[0].tie)
    gate.open()
    await ending

    gate = stage.service.gates[accounting.FINALIZE.name] = Gate()
    forced(stage, SETTLE, *asked[2:], moment="a settlement after the abort")
    ending = asyncio.create_task(late.finalize(aborted, {"actualTokens": ACTUAL}, tie=asked[3].tie))
    await stage.service_seen(accounting.FINALIZE.name)
    await first.abort(aborted, {"tokensDelivered": DELIVERED}, tie=asked[2].tie)
    gate.open()
    await ending
    await stage.settle(user)
