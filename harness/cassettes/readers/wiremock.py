"""WireMock's stub mappings, in JSON and YAML: one to a document, or a list under ``mappings``.

A mapping has the pattern of a request and the response to it. A pattern is no request: of it is taken what is exact
(the method, ``url`` or ``urlPath``, and fields, parameters and a body that must be equal), and the rest is unknown.
A body is text, ``base64Body``, ``jsonBody`` (normalized: only its values are evidence), or a file, ``bodyFileName``,
under ``__files`` beside the folder ``mappings``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from harness.core.recording import Exchange, Fidelity, Headers, Json, Request, Response

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
from .bodies import Room, as_bytes, from_base64, whole, without_coding, written_again

NAME = "wiremock"
FILES = "__files"

_BOTH = {"request", "response"}
_LIST = "mappings"


def looks_like(sample: Sample) -> bool:
    """Whether the file has a request and a response at its top, or a list of mappings that do."""
    if sample.is_json and isinstance(sample.loaded, dict) and _LIST in sample.keys:
        stubs = sample.loaded[_LIST]
        return isinstance(stubs, list) and all(mapping(stub).keys() >= _BOTH for stub in stubs)
    return sample.keys >= _BOTH


def read(sample: Sample) -> Foreign:
    """Every mapping as an exchange; those that cannot be read are named with the reason.

    Raises:
        CassetteError: the file is neither YAML nor JSON.
    """
    room = Room()
    stubs = _stubs(sample.documents)
    return read_each(
        sample, NAME, stubs, lambda number, stub: _exchange(number, mapping(stub), sample, room), "mapping"
    )


FORMAT = Format(NAME, "WireMock", looks_like, read)


def _stubs(documents: list[Json]) -> Iterator[Json]:
    for document in documents:
        stubs = mapping(document).get(_LIST)
        yield from stubs if isinstance(stubs, list) else [document]


def _exchange(number: int, stub: dict[str, Json], sample: Sample, room: Room) -> Exchange:
    pattern, got = stub.get("request"), stub.get("response")
    if not isinstance(pattern, dict) or not isinstance(got, dict):
        raise Unreadable("not a request and its response")
    for other in ("fault", "proxyBaseUrl"):
        if got.get(other) is not None:
            raise Unreadable(f"the response is none that was recorded, but a {other}")
    headers = header_pairs(got.get("headers"))
    recorded, fidelity = _response_body(got, sample, room)
    body = room.decode(recorded, headers)
    response = Response(
        status=status_code(got.get("status", 200)),
        reason=text_or_empty(got.get("statusMessage")),
        headers=without_coding(headers),
        body=body,
        segments=whole(body),
    )
    return provider_exchange(number, _request(pattern, room), response, fidelity)


def _response_body(got: dict[str, Json], sample: Sample, room: Room) -> tuple[bytes, Fidelity]:
    if got.get("jsonBody") is not None:
        return written_again(got["jsonBody"]), Fidelity.NORMALIZED
    if got.get("base64Body") is not None:
        return from_base64(got["base64Body"]), Fidelity.BODY
    if got.get("bodyFileName") is not None:
        recorded = _file(got["bodyFileName"], sample.path, room)
    else:
        recorded = as_bytes(got.get("body"))
    transformers = got.get("transformers")
    if isinstance(transformers, list) and "response-template" in transformers and b"{{" in recorded:
        raise Unreadable("the body is a template")
    return recorded, Fidelity.BODY


def _file(name: Json, stub_file: Path | None, room: Room) -> bytes:
    """A body's file. A name that leads out of its folder is not followed: a mapping is a stranger's file."""
    if not isinstance(name, str) or stub_file is None:
        raise Unreadable("the body is in a file that is not at hand")
    try:
        folder = _files(stub_file.resolve()).resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise Unreadable(f"the body's file {name!r} is outside of {FILES}")
        if not path.is_file():
            raise Unreadable(f"the body's file {name!r} is not under {FILES}")
        if path.stat().st_size > room.left_bytes:
            raise Unreadable(f"the body's file {name!r} is larger than is read")
        return path.read_bytes()
    except (OSError, ValueError) as wrong:  # a name can hold what no path can
        raise Unreadable(f"the body's file {name!r} cannot be read: {wrong}") from wrong


def _files(stub_file: Path) -> Path:
    """The folder of bodies: beside the nearest folder of mappings, or beside the file where there is none."""
    for folder in stub_file.parents:
        if folder.name == _LIST:
            return folder.parent / FILES
    return stub_file.parent / FILES


def _request(pattern: dict[str, Json], room: Room) -> Request:
    """What is exact of a request's pattern; the address is empty where only a pattern is known."""
    method = text_or_empty(pattern.get("method")).upper()
    fields = _equal(pattern.get("headers"))
    return Request("" if method == "ANY" else method, _url(pattern), fields, room.take(_request_body(pattern)))


def _url(pattern: dict[str, Json]) -> str:
    url = pattern.get("url")
    if isinstance(url, str):
        return url
    path = text_or_empty(pattern.get("urlPath"))
    query = urlencode(_equal(pattern.get("queryParameters")), errors="surrogatepass") if path else ""
    return f"{path}?{query}" if query else path


def _equal(patterns: Json) -> Headers:
    """The names whose value must be equal to one, and that value."""
    wanted = {name: mapping(one).get("equalTo") for name, one in mapping(patterns).items()}
    return header_pairs({name: value for name, value in wanted.items() if isinstance(value, str)})


def _request_body(pattern: dict[str, Json]) -> bytes:
    """The one body that fits, or nothing where several do."""
    patterns = pattern.get("bodyPatterns")
    for one in map(mapping, patterns if isinstance(patterns, list) else ()):
        if isinstance(one.get("equalTo"), str):
            return as_bytes(one["equalTo"])
        if one.get("binaryEqualTo") is not None:
            return from_base64(one["binaryEqualTo"])
        if one.get("equalToJson") is not None and one.get("ignoreExtraElements") is not True:
            wanted = one["equalToJson"]
            return as_bytes(wanted) if isinstance(wanted, str) else written_again(wanted)
    return b""
