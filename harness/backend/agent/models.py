"""The list of models, read from Vertex AI and kept for a while."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from harness.backend.clients import ProviderClients
from harness.backend.clock import Clock
from harness.backend.google import GoogleTokens
from harness.backend.upstream import Kind, UpstreamError, kind_of_status

from .breaker import Breaker
from .catalogue import AgentCatalogue

PATH = "/v1beta1/publishers/anthropic/models"
PAGES_MAX = 20
"""A list that has more pages than this is taken to go round in circles."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Vertex answered, as it came."""

    status: int
    retry_after: str | None
    body: bytes

    def json(self) -> Any:
        """The value in the body. Raises UpstreamError where there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as wrong:
            raise UpstreamError(Kind.INVALID, "Vertex AI did not answer in JSON") from wrong

    def failure(self) -> UpstreamError:
        """An answer that is no list: its status says why, whatever is in its body."""
        kind, words = kind_of_status(self.status), f"Vertex AI answered {self.status}"
        return UpstreamError(kind, words, status=self.status, retry_after=self.retry_after, said=True)


class VertexModels:
    """Anthropic's models as Vertex lists them: those that can be called, by the names to call them by.

    A list is good for ``fresh_s``. Of many who ask at once one asks Vertex, and the others share what it learned,
    or how it failed. Vertex's breaker lets a reading through as it does a chat, and is told how it went.

    The request is our own: of the published libraries Anthropic's has no list for Vertex, and Google's lists its own
    models only, whatever publisher one wants.
    """

    def __init__(
        self,
        clients: ProviderClients,
        google: GoogleTokens,
        clock: Clock,
        catalogue: AgentCatalogue,
        breaker: Breaker,
        *,
        base_url: str,
        fresh_s: float,
    ) -> None:
        self._clients = clients
        self._google = google
        self._clock = clock
        self._catalogue = catalogue
        self._breaker = breaker
        self._url = base_url + PATH
        self._fresh_s = fresh_s
        self._asking = asyncio.Lock()
        self._listed: list[tuple[str, str]] = []
        self._until_s = float("-inf")
        self._failure: tuple[int, UpstreamError] | None = None
        self._readings = 0

    async def listed(self) -> list[tuple[str, str]]:
        """The names of the models, each with the name of who made it.

        Raises NoCredentials, UpstreamError, and CircuitOpen where Vertex is not to be asked now.
        """
        had = self._readings
        async with self._asking:
            if self.fresh():
                return self._listed
            if self._failure is not None and self._failure[0] > had:
                raise self._failure[1]  # of a reading that was under way, or waited for, when this one came
            self._listed = await self.read_anew()
            self._until_s = self._clock.now_s() + self._fresh_s
            return self._listed

    async def read_anew(self) -> list[tuple[str, str]]:
        """Read the list, where the breaker lets it be read; and tell the breaker how that went."""
        permit = self._breaker.admit()
        try:
            rows = await self.pages()
        except UpstreamError as failure:
            self._breaker.failed(permit, failure)
            self._readings += 1
            self._failure = self._readings, failure
            raise
        else:
            self._breaker.succeeded(permit)
            return rows
        finally:
            self._breaker.abandoned(permit)  # where it was broken off, or there was nothing to ask with

    async def pages(self) -> list[tuple[str, str]]:
        """All of the list, or as much of it as there may be."""
        rows: list[tuple[str, str]] = []
        page = ""
        for _ in range(PAGES_MAX):
            answer = await self.ask(page)
            rows += self.read(answer)
            page = self.next_page(answer)
            if not page:
                break
        return rows

    def next_page(self, answer: Any) -> str:
        """What the page behind this one is asked for by; empty where there is none."""
        found = answer.get("nextPageToken") if isinstance(answer, dict) else None
        return found if isinstance(found, str) else ""

    def fresh(self) -> bool:
        """Whether the list at hand is good enough."""
        return self._clock.now_s() < self._until_s

    async def ask(self, page: str) -> Any:
        """A page of Vertex's own list; asked once more, with a new token, where it refuses the one that we have."""
        token = await self._google.token()
        answer = await self.get(token, page)
        if answer.status == 401 and self._google.refused(token):
            answer = await self.get(await self._google.token(), page)
        if answer.status != 200:
            raise answer.failure()
        return answer.json()

    async def get(self, token: str, page: str) -> Answer:
        """One request."""
        headers = {"Authorization": f"Bearer {token}"}
        asking = self._clients.http().get(
            self._url, params={"pageToken": page} if page else None, headers=headers, allow_redirects=False
        )
        try:
            async with asking as response:
                return Answer(response.status, response.headers.get("retry-after"), await response.read())
        except TimeoutError as late:
            raise UpstreamError(Kind.TIMEOUT, "Vertex AI took too long") from late
        except aiohttp.ClientPayloadError as torn:
            raise UpstreamError(Kind.INVALID, "Vertex AI broke off its answer") from torn
        except (aiohttp.ClientError, OSError) as failure:
            raise UpstreamError(Kind.UNREACHABLE, "Vertex AI cannot be reached") from failure

    def read(self, answer: Any) -> list[tuple[str, str]]:
        """The models in Vertex's list."""
        rows = answer.get("publisherModels", []) if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise UpstreamError(Kind.INVALID, "Vertex AI's list of models is none")
        names = [row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]
        known = (self._catalogue.known(name.rpartition("/")[2]) for name in names)
        return [(name, "anthropic") for name in known if name is not None]
