"""The parts of accounting: the classes that the service is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import AccountingErrors
from .front import AccountingFront
from .ledger import StreamLedger
from .pricing import StreamPricing
from .request import AccountingValidator
from .rows import StreamingRows
from .service import AccountingService


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingParts:
    """One class for each part. See the class of a part for what it does."""

    accounting_errors: type[AccountingErrors] = AccountingErrors
    accounting_front: type[AccountingFront] = AccountingFront
    accounting_service: type[AccountingService] = AccountingService
    accounting_validator: type[AccountingValidator] = AccountingValidator
    stream_ledger: type[StreamLedger] = StreamLedger
    stream_pricing: type[StreamPricing] = StreamPricing
    streaming_rows: type[StreamingRows] = StreamingRows
