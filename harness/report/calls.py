"""The calls that clients made, as frames for questions of time: which call it was, and whether it can be compared."""

from __future__ import annotations

import pandas as pd

from harness.core.recording import NO_FAULT, Ending, Side
from harness.results.latency import FirstToken

STREAMED = "streamed"
PLAIN = "plain"
PARTS = ("before_ms", "others_ms", "provider_ms", "after_ms")
"""The parts of the time to a call's first content, both sides on one clock."""

_STREAMED = (FirstToken.MEASURED.value, FirstToken.CENSORED.value, FirstToken.REFUSED.value)
_WHOLE = (Ending.EOF.value, Ending.FIN.value)


def client_calls(exchanges: pd.DataFrame) -> pd.DataFrame:
    """The client side of ``exchanges`` with two columns more.

    ``call`` names what is compared with its like: system, operation and, where the content is read, streamed or plain.
    ``whole`` says that the answer came to its end and is no error. A run from before the others' time was told apart
    has none of it.
    """
    calls = exchanges[exchanges["side"] == Side.CLIENT.value].copy()
    state = calls["ttft_state"].astype("string")
    mode = pd.Series("", index=calls.index, dtype="string")
    mode[state.isin(_STREAMED)] = f" {STREAMED}"
    mode[state == FirstToken.NOT_STREAMED.value] = f" {PLAIN}"
    calls["call"] = calls["system"].astype("string") + " " + calls["operation"].astype("string") + mode
    ended = calls["ending"].astype("string").isin(_WHOLE)
    calls["whole"] = ended & calls["status"].lt(400).fillna(value=False).astype(bool)
    calls["saturated"] = calls["saturated"].fillna(value=False)
    calls["others_ms"] = calls["others_ms"].mask(calls["others_ms"].isna() & calls["target_share"].notna(), 0.0)
    return calls


def healthy(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls whose provider did nothing wrong and whose answer came whole."""
    return calls[(calls["fault"] == NO_FAULT) & calls["whole"]]


def opened(calls: pd.DataFrame) -> pd.DataFrame:
    """Streams that were asked for while the provider did nothing wrong and not refused: their first token came, or was
    to come.
    """
    known = (FirstToken.MEASURED.value, FirstToken.CENSORED.value)
    return calls[(calls["fault"] == NO_FAULT) & calls["ttft_state"].isin(known)]


def shared(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls of which both sides were seen on one clock up to their first content."""
    return calls[calls["target_share"].notna()]
