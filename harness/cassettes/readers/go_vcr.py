"""go-vcr's cassettes, versions 1 to 4 (file versions 1 and 2). go-vcr is not needed to read them.

It is vcrpy's list of interactions with a ``url`` for the ``uri``, and a response ``{body, headers, status, code,
duration}``. What is not text is ``!!binary``. A body that Go unpacked lost its ``Content-Encoding`` with it.
``duration`` is how long the response's header section took, as Go writes durations; the body's time is not known.
"""

from __future__ import annotations

import re

from harness.core.errors import CassetteError
from harness.core.recording import Exchange, Fidelity, Json, Request, Response

from .base import (
    Foreign,
    Format,
    Sample,
    Unreadable,
    header_pairs,
    mapping,
    provider_exchange,
    read_each,
    status_code,
    text_or_empty,
)
from .bodies import Room, as_bytes, whole, without_coding

NAME = "go-vcr"

_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,18})?(?:h|ms|m|s|us|µs|μs|ns))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)([a-zµμ]+)", re.ASCII)
_UNIT_NS = {
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ns": 1,
}


def looks_like(sample: Sample) -> bool:
    """Whether the file has interactions whose requests have a ``url``, where vcrpy's have a ``uri``."""
    interactions = mapping(sample.loaded).get("interactions") if "interactions" in sample.keys else None
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    return "url" in mapping(mapping(first).get("request"))


def read(sample: Sample) -> Foreign:
    """Every interaction as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file has no list of interactions.
    """
    interactions = mapping(sample.document).get("interactions")
    if not isinstance(interactions, list):
        raise CassetteError("no list of interactions", where=sample.name)
    room = Room()
    return read_each(sample, NAME, interactions, lambda number, one: _exchange(number, mapping(one), room))


FORMAT = Format(NAME, "go-vcr", looks_like, read)


def _exchange(number: int, interaction: dict[str, Json], room: Room) -> Exchange:
    sent, got = mapping(interaction.get("request")), interaction.get("response")
    url = sent.get("url")
    if not isinstance(url, str) or not isinstance(got, dict):
        raise Unreadable("not a request with a url, and its response")
    sent_headers, headers = header_pairs(sent.get("headers")), header_pairs(got.get("headers"))
    host = text_or_empty(sent.get("host"))
    if host and not any(name.lower() == "host" for name, _ in sent_headers):
        sent_headers = (("Host", host), *sent_headers)
    request_body = room.decode(as_bytes(sent.get("body")), sent_headers)
    body = room.decode(as_bytes(got.get("body")), headers)
    at_ns = duration_ns(got.get("duration"))
    response = Response(
        status=status_code(got.get("code")),
        reason=text_or_empty(got.get("status")).partition(" ")[2],
        headers=without_coding(headers),
        at_ns=at_ns,
        body=body,
        segments=whole(body, at_ns),
    )
    # Go takes an empty method for GET.
    method = text_or_empty(sent.get("method")).upper() or "GET"
    request = Request(method, url, without_coding(sent_headers), request_body)
    return provider_exchange(number, request, response, Fidelity.BODY, ended_ns=at_ns)


def duration_ns(value: Json) -> int:
    """A duration as Go writes it (``1m2.5s``, ``250ms``; a number is nanoseconds), or 0 where there is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        return 0
    return sum(int(float(count) * _UNIT_NS[unit]) for count, unit in _PART.findall(value))
