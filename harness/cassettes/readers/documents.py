"""Strangers' YAML and JSON, loaded safely: bounded in size, depth and expansion, and nothing built but plain data.

The bounds are checked on libyaml's flat events before anything is composed: composing recurses on the C stack, where
a few hundred thousand brackets are a crash and not an exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import yaml

from harness.core.errors import CassetteError, CassetteLimit
from harness.core.recording import Json

MAX_BYTES = 128 * 1024 * 1024
"""The largest file, unpacked, that is read."""
MAX_DEPTH = 100
"""How deep mappings and sequences may nest."""
MAX_NODES = 5_000_000
"""How many nodes a document may have with its aliases written out."""

_TOO_DEEP = "exceeded maximum nesting depth"
"""How newer releases of libyaml say that brackets are too many for its scanner, which runs ahead of its events."""
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_TAGS = "tag:yaml.org,2002:"
_HARMLESS = frozenset(
    {None, "!", "!binary"} | {_TAGS + kind for kind in ("binary", "str", "int", "float", "bool", "null", "map", "seq")}
)


class _Loader(yaml.CSafeLoader):
    """The safe loader, with Ruby's spelling of the binary tag."""


def _binary(loader: _Loader, node: yaml.ScalarNode) -> bytes:
    return loader.construct_yaml_binary(node)


_Loader.add_constructor("!binary", _binary)


def load_yaml(text: str, where: str) -> list[Json]:
    """Every document of a YAML text as plain data.

    Raises:
        CassetteLimit: the text is larger or deeper than the bounds above, or its aliases unfold beyond them.
        CassetteError: it is not YAML, or holds a tag that would construct an object.
    """
    if len(text) > MAX_BYTES:
        raise CassetteLimit(f"larger than {MAX_BYTES >> 20} MiB", where=where)
    try:
        _guard(yaml.parse(text, Loader=_Loader), where)
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as wrong:
        if getattr(wrong, "problem", None) == _TOO_DEEP:
            raise CassetteLimit("nested too deep", where=where) from wrong
        raise CassetteError(f"not YAML: {_words(wrong)}", where=where) from wrong
    except (ValueError, OverflowError, TypeError, AttributeError, KeyError) as wrong:
        # PyYAML's scalar constructors let these through for dates, numbers and sets that are none.
        raise CassetteError(f"a YAML value cannot be read: {wrong}", where=where) from wrong


def load_json(data: str | bytes, where: str) -> Json:
    """One JSON document as plain data.

    Raises:
        CassetteLimit: larger or deeper than is read.
        CassetteError: it is not JSON.
    """
    if len(data) > MAX_BYTES:
        raise CassetteLimit(f"larger than {MAX_BYTES >> 20} MiB", where=where)
    try:
        return json.loads(data)
    except RecursionError as deep:
        raise CassetteLimit("nested too deep", where=where) from deep
    except ValueError as wrong:
        raise CassetteError(f"not JSON: {wrong}", where=where) from wrong


def _guard(events: Iterator[yaml.Event], where: str) -> None:
    """Raise where a document breaks a bound; costs no memory beside the open collections."""
    nodes = chars = 0
    starts: list[tuple[int, int, str | None]] = []
    sizes: dict[str, tuple[int, int]] = {}
    for event in events:
        if isinstance(event, _CLOSING):
            nodes_before, chars_before, anchor = starts.pop()
            if anchor is not None:
                sizes[anchor] = nodes - nodes_before, chars - chars_before
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for *_, anchor in starts):
                raise CassetteError("an alias names a collection that it is part of", where=where)
            more_nodes, more_chars = sizes.get(event.anchor or "", (1, 0))
            nodes, chars = nodes + more_nodes, chars + more_chars
        elif isinstance(event, yaml.NodeEvent):
            nodes += 1
            _check_tag(event, where)
        if isinstance(event, yaml.ScalarEvent):
            chars += len(event.value)
            if event.anchor is not None:
                sizes[event.anchor] = 1, len(event.value)
        elif isinstance(event, _OPENING):
            starts.append((nodes, chars, event.anchor))
            if len(starts) > MAX_DEPTH:
                raise CassetteLimit(f"nested deeper than {MAX_DEPTH}", where=where)
        if nodes > MAX_NODES or chars > MAX_BYTES:
            raise CassetteLimit(
                f"more than {MAX_NODES} nodes or {MAX_BYTES >> 20} MiB with its aliases written out", where=where
            )


def _check_tag(event: yaml.NodeEvent, where: str) -> None:
    tag: str | None = getattr(event, "tag", None)
    if tag not in _HARMLESS:
        mark = event.start_mark
        place = f"line {mark.line + 1}" if mark is not None else "the document"
        raise CassetteError(f"{place} holds the tag {tag}, and only plain data is read", where=where)


def _words(wrong: yaml.YAMLError) -> str:
    """A YAML error in a few words and a line number."""
    mark = getattr(wrong, "problem_mark", None)
    problem = getattr(wrong, "problem", None) or getattr(wrong, "reason", None) or type(wrong).__name__
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)
