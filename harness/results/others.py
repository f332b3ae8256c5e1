"""How other tools define the same words, computed from the same times, so that a figure of theirs can be compared.

They stamp when their code reads a chunk; here the same formulas are fed with times of the wire, so what is left is the
difference of the definitions alone. Read in the sources of GuideLLM 0.8, AIPerf 0.13 and vLLM's ``bench serve``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

import numpy as np

from .latency import MS, CallTimes, event_gaps_ms
from .reading import Chunk

Method = Literal["linear", "inverted_cdf"]


@dataclass(frozen=True, slots=True)
class Theirs:
    """One call in a tool's own words; None where the tool gives no such figure, or cannot for this call.

    ``itl_ms`` is one value for a request, ``gaps_ms`` many; ``tpot_ms`` is what the tool calls time per output token.
    """

    ttft_ms: float | None
    total_ms: float | None
    itl_ms: float | None = None
    tpot_ms: float | None = None
    gaps_ms: tuple[float, ...] = ()


def guidellm(call: CallTimes) -> Theirs:
    """First token: the first content. ITL: (last - first content) / (tokens - 1). TPOT: (last content - start) /
    tokens, so the first token is in it. Total: to the end of the request.
    """
    content, tokens = call.content, call.tokens
    if not content:
        return Theirs(None, call.since_sent_ms(call.ended_ns))
    first_ms, last_ms = _since(call, content[0]), _since(call, content[-1])
    return Theirs(
        ttft_ms=first_ms,
        total_ms=call.since_sent_ms(call.ended_ns),
        itl_ms=(last_ms - first_ms) / (tokens - 1) if tokens is not None and tokens > 1 else None,
        tpot_ms=last_ms / tokens if tokens else None,
    )


def aiperf(call: CallTimes, *, first_chunk_tokens: int = 1) -> Theirs:
    """First token: the first content. Total: to the last content. ITL: (total - first token) / (tokens after the first
    chunk), which it counts with a tokenizer: ``first_chunk_tokens`` says how many were in it. Gaps: its ICL.
    """
    content = call.content
    if not content:
        return Theirs(None, None)
    first_ms, last_ms = _since(call, content[0]), _since(call, content[-1])
    later = None if call.tokens is None else call.tokens - first_chunk_tokens
    return Theirs(
        ttft_ms=first_ms,
        total_ms=last_ms,
        itl_ms=(last_ms - first_ms) / later if later is not None and later > 0 else None,
        gaps_ms=event_gaps_ms(call),
    )


def vllm(call: CallTimes) -> Theirs:
    """First token: the first chunk with choices, one that has only a role too. Total: to the last chunk with choices,
    the finish chunk too. Its ITL are the gaps between those; TPOT: (total - first token) / (tokens - 1).
    """
    chunks, tokens = call.chunks, call.tokens
    if not chunks:
        return Theirs(None, None)
    first_ms, last_ms = _since(call, chunks[0]), _since(call, chunks[-1])
    return Theirs(
        ttft_ms=first_ms,
        total_ms=last_ms,
        tpot_ms=(last_ms - first_ms) / (tokens - 1) if tokens is not None and tokens > 1 else None,
        gaps_ms=tuple((after.at_ns - before.at_ns) / MS for before, after in pairwise(chunks)),
    )


TOOLS: Mapping[str, Callable[[CallTimes], Theirs]] = MappingProxyType(
    {"guidellm": guidellm, "aiperf": aiperf, "vllm": vllm}
)

PERCENTILES: Mapping[str, Method] = MappingProxyType({"guidellm": "inverted_cdf", "aiperf": "linear", "vllm": "linear"})
"""Each tool's percentile by numpy's name of the method; ``inverted_cdf`` is the nearest rank."""


def percentile(tool: str, values: Sequence[float], percent: float) -> float:
    """A percentile (0 to 100) as the tool computes it."""
    return float(np.percentile(np.asarray(values, dtype=float), percent, method=PERCENTILES[tool]))


def _since(call: CallTimes, chunk: Chunk) -> float:
    return call.since_sent_ms(chunk.at_ns)
