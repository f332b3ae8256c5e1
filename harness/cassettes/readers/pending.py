"""Formats that are told apart by their content and not read yet. Each leaves this module when it gets a reader."""

from __future__ import annotations

import re

from .base import Format, Sample

_EVENT_STREAM = re.compile(rb"\A(?:event|data|id):? ?[^\n]*\r?\n")
_ANSWER_KEYS = frozenset({"error", "choices", "candidates", "output", "content", "object", "embedding", "completion"})


def _go_vcr(sample: Sample) -> bool:
    """go-vcr 1 to 4: vcrpy's list of interactions, but a request has a ``url`` and a ``form`` or ``proto``."""
    document = sample.loaded if "interactions" in sample.keys else None
    interactions = document.get("interactions") if isinstance(document, dict) else None
    first = interactions[0] if isinstance(interactions, list) and interactions else None
    request = first.get("request") if isinstance(first, dict) else None
    return isinstance(request, dict) and "url" in request


def _ruby_vcr(sample: Sample) -> bool:
    """Ruby's VCR and R's vcr, which took its format over."""
    return "http_interactions" in sample.keys


def _har(sample: Sample) -> bool:
    """HTTP Archive 1.2."""
    log = sample.loaded.get("log") if sample.is_json and isinstance(sample.loaded, dict) else None
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def _nock(sample: Sample) -> bool:
    """nock's recorded definitions: a list of objects, each with the ``scope`` it answers for."""
    if not sample.is_json or not isinstance(sample.loaded, list) or not sample.loaded:
        return False
    return all(isinstance(entry, dict) and {"scope", "method", "path"} <= entry.keys() for entry in sample.loaded)


def _wiremock(sample: Sample) -> bool:
    """WireMock's stub mappings, one to a document or a list under ``mappings``."""
    return {"request", "response"} <= sample.keys or (sample.is_json and "mappings" in sample.keys)


def _httprr(sample: Sample) -> bool:
    """Go's httprr: a first line with its name, then lengths and raw messages."""
    return sample.data.startswith(b"httprr trace v")


def _body_only(sample: Sample) -> bool:
    """An answer's body alone, with no HTTP around it: an event stream, chunks one to a line, or a JSON document."""
    if not sample.is_json:
        return _EVENT_STREAM.match(sample.data) is not None
    if isinstance(sample.loaded, dict):
        return not _ANSWER_KEYS.isdisjoint(sample.keys)
    line = sample.data.split(b"\n", 1)[0].strip()
    return sample.loaded is None and line.startswith(b'{"') and line.endswith(b"}")


FORMATS = (
    Format("httprr", "Go's httprr", _httprr),
    Format("ruby-vcr", "Ruby VCR", _ruby_vcr),
    Format("har", "HTTP Archive", _har),
    Format("nock", "nock", _nock),
    Format("go-vcr", "go-vcr", _go_vcr),
    Format("wiremock", "WireMock", _wiremock),
    Format("body-only", "bare bodies", _body_only),
)
