"""How accounting is put together from its parts."""

from __future__ import annotations

from aiohttp import web

from harness.backend.common import Common

from .parts import AccountingParts
from .pricing import load_prices


async def build(common: Common, parts: AccountingParts) -> web.Application:
    """Accounting as an application, its prices seeded and read."""
    pricing = parts.stream_pricing(await load_prices(common.store), common.settings.credit_multiplier)
    service = parts.accounting_service(
        accounts=common.accounts,
        authenticator=common.authenticator,
        flights=common.flights,
        validator=parts.accounting_validator(),
        ledger=parts.stream_ledger(
            common.accounts,
            pricing,
            parts.streaming_rows(common.store),
            longest_s=common.settings.call_s + common.settings.drain_s,
        ),
        errors=parts.accounting_errors(),
        log=common.log,
    )
    return parts.accounting_front(common.flights, service).app()
