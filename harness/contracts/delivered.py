"""What a stream that broke off may cost: the words that its client was given, as exactly as a recording tells."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.pricing import CHARACTERS_PER_TOKEN, Tariff
from harness.core.verdict import Pointer

from .calls import Call
from .registry import Findings


def delivered_characters(call: Call, pieces: Sequence[str], *, told: bool) -> tuple[int, int]:
    """Characters that the client was given, at least and at most. ``pieces`` are the words that it read, by event.

    Whoever was ``told`` that the stream failed has read all that came before. Of one that left the last piece may have
    been on its way when the target noticed; and the target may have passed on all that the provider had sent.
    """
    read = sum(map(len, pieces))
    sent = len(call.upstream.text) if call.upstream else read
    sure = read if told or not pieces else read - len(pieces[-1])
    return min(sure, sent), max(read, sent)


def charged_as_delivered(
    call: Call, characters: tuple[int, int], tariff: Tariff, *, charged: int, granted: int
) -> Findings:
    """Whether the charge is the price of what was delivered, at a token for every four characters.

    What was held for is no limit; what the account ever had is.
    """
    least, most = (min(granted, _price(tariff, one)) for one in characters)
    if least <= charged <= most:
        return
    few, many = characters
    span = f"{few}" if few == many else f"{few} to {many}"
    price = f"{least}" if least == most else f"{least} to {most}"
    yield call.violation(
        f"{span} characters were delivered, which cost {price} credits; {charged} were charged.",
        Pointer(probe="ledger"),
    )


def _price(tariff: Tariff, characters: int) -> int:
    """Of words that were delivered: 1 credit at least."""
    return max(1, tariff.price_credits(0, -(-characters // CHARACTERS_PER_TOKEN)))
