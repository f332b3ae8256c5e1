"""For people who play our cassettes with vcrpy. The only module that imports it.

Plain vcrpy reads our files as they are. What this persister adds: it leaves out the entries that are no traffic, so
that "everything was played" can come true, and it refuses to save over a file of ours, which would lose its times.
"""

from __future__ import annotations

from typing import Any

from vcr.persisters.filesystem import FilesystemPersister
from vcr.request import Request

from harness.core.errors import CassetteWrite
from harness.core.recording import Exchange

from .file import PathLike, is_ours, load


class HarnessPersister:
    """Give it to ``vcr.VCR().register_persister``; other people's cassettes are handled as vcrpy does."""

    @staticmethod
    def load_cassette(cassette_path: PathLike, serializer: Any) -> Any:
        """Requests and responses, as vcrpy wants them; of ours, those exchanges that got a response."""
        if not is_ours(cassette_path):
            return FilesystemPersister.load_cassette(cassette_path, serializer)
        exchanges = [exchange for exchange in load(cassette_path).exchanges if exchange.response is not None]
        return [_request(exchange) for exchange in exchanges], [_response(exchange) for exchange in exchanges]

    @staticmethod
    def save_cassette(cassette_path: PathLike, cassette_dict: Any, serializer: Any) -> None:
        """Save a cassette of vcrpy's own.

        Raises:
            CassetteWrite: the file is a cassette of ours.
        """
        if is_ours(cassette_path):
            raise CassetteWrite(
                "vcrpy would drop what it does not know of this cassette",
                where=str(cassette_path),
                fix="Use record_mode='none', or another file.",
            )
        FilesystemPersister.save_cassette(cassette_path, cassette_dict, serializer)


def _request(exchange: Exchange) -> Request:
    request = exchange.request
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        headers.setdefault(name, []).append(value)
    return Request(request.method, request.url, request.body or None, headers)


def _response(exchange: Exchange) -> dict[str, Any]:
    response = exchange.response
    headers: dict[str, list[str]] = {}
    for name, value in response.headers if response else ():
        headers.setdefault(name, []).append(value)
    status = {"code": exchange.status, "message": response.reason if response else ""}
    return {"status": status, "headers": headers, "body": {"string": exchange.body}}
