"""Access tokens for Google Cloud: one that was given, or those that a service account is granted (RFC 7523)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from google.auth import exceptions, transport
from google.oauth2 import service_account

from .clients import ProviderClients
from .clock import Clock
from .credentials import FILE, google_missing, google_token_missing
from .failure import Kind, UpstreamError, kind_of_status
from .settings import Settings, SettingsError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME_S = 3600.0
"""How long a token is taken to be good whose grant does not say: as long as Google's are."""
EARLY_S = 225.0
"""How long before its end a token is replaced: what google-auth takes for it too."""
_TOKEN = re.compile(r"[!-~]+")  # what a header field can hold; RFC 6750 section 2.1 allows less still

_UNREADABLE = (
    *(exceptions.GoogleAuthError, RecursionError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
)
"""What google-auth raises where an answer is none: it takes every 200 for a JSON object with what it wants in it."""


class NoCredentials(Exception):
    """There is nothing to ask Google with. ``missing`` names the settings that are not there."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        super().__init__(f"no credentials for Google Cloud: {', '.join(missing)} not set")


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and for how many seconds from now it is good."""

    token: str
    lifetime_s: float


class ServiceAccount:
    """A service account, as google-auth has it: the library signs the assertion, asks for the grant and reads it.

    Its ``refresh`` is a blocking call (the asynchronous one is private to the library, and blocks too, where it waits
    to try again), so it is made in a thread; the request that it makes comes back to the event loop, and to our own
    session with its time limits. Raises SettingsError where the key file cannot be read as one.
    """

    def __init__(self, path: str) -> None:
        load: Any = service_account.Credentials.from_service_account_info
        try:
            self._credentials: Any = load(json.loads(Path(path).read_text()), scopes=[SCOPE])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise SettingsError(f"{FILE} names no key file of a service account: {type(wrong).__name__}") from wrong

    async def grant(self, session: aiohttp.ClientSession) -> Granted:
        """A new token. Raises UpstreamError, whatever the token endpoint answers."""
        sending = _Sending(session)
        try:
            await asyncio.to_thread(self._credentials.refresh, sending)
        except asyncio.CancelledError:
            sending.cancel()
            raise
        except _UNREADABLE as wrong:
            raise unusable() from wrong
        return self.granted()

    def granted(self) -> Granted:
        """What the library has of the grant. Raises UpstreamError where that is no token, or one that has ended."""
        token, ends_at = self._credentials.token, self._credentials.expiry
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise unusable()
        now = datetime.now(UTC).replace(tzinfo=None)  # the library's times are UTC and do not say so
        lifetime_s = LIFETIME_S if ends_at is None else (ends_at - now).total_seconds()
        if lifetime_s <= 0:
            raise unusable()
        return Granted(token, lifetime_s)


def unusable() -> UpstreamError:
    """A token endpoint that answered what is no grant."""
    return UpstreamError(Kind.INVALID, "Google's token endpoint granted nothing that can be used")


class _Response(transport.Response):
    """An answer as google-auth reads it."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._answer = status, headers, data

    @property
    def status(self) -> int:
        return self._answer[0]

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer[1]

    @property
    def data(self) -> bytes:
        return self._answer[2]


class _Sending(transport.Request):
    """What google-auth sends by, from a thread of its own: a session of this event loop's.

    An answer other than 200 is raised, rather than given back, so that the library does not try again: a system
    retries where its page says so, not the library.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._future: Future[_Response] | None = None
        self._dropped = False

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> _Response:
        """The answer to one request. Raises UpstreamError."""
        del timeout, more  # the session has limits of its own
        if self._dropped:
            raise CancelledError
        self._future = asyncio.run_coroutine_threadsafe(self._send(url, method, body, headers), self._loop)
        return self._future.result()

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        self._dropped = True
        if self._future is not None:
            self._future.cancel()

    async def _send(self, url: str, method: str, body: bytes | None, headers: Mapping[str, str] | None) -> _Response:
        try:
            sent = self._session.request(method, url, data=body, headers=headers, allow_redirects=False)
            async with sent as response:
                data = await response.read()
        except TimeoutError as late:
            raise UpstreamError(Kind.TIMEOUT, "Google's token endpoint took too long") from late
        except aiohttp.ClientPayloadError as torn:
            raise UpstreamError(Kind.INVALID, "Google's token endpoint broke off its answer") from torn
        except (aiohttp.ClientError, OSError) as failure:
            raise UpstreamError(Kind.UNREACHABLE, "Google's token endpoint cannot be reached") from failure
        if response.status != 200:
            raise _refusal(response.status)
        return _Response(response.status, response.headers, data)


def _refusal(status: int) -> UpstreamError:
    """No token: RFC 6749 section 5.2 has 400 and 401 for whatever is wrong with the credentials."""
    kind = kind_of_status(status)
    kind = Kind.AUTH if kind in (Kind.REFUSED, Kind.NOT_FOUND) else kind
    return UpstreamError(kind, f"Google granted no token ({status})", status=status, said=True, asked=False)


class GoogleTokens:
    """Gives the access token of the moment.

    A service account's token is fetched once, however many ask at the same time, and again ``EARLY_S`` before it ends
    or once it was refused. A token that was given in the settings is all there is: it is never renewed.
    """

    def __init__(self, settings: Settings, clock: Clock, clients: ProviderClients) -> None:
        self._settings = settings
        self._clock = clock
        self._clients = clients
        path = settings.google_application_credentials
        self._account = ServiceAccount(path) if path else None
        self._token = ""
        self._until_s = 0.0
        self._fetching = asyncio.Lock()

    def missing(self) -> tuple[str, ...]:
        """The settings without which no model of Vertex AI's can be called: none where one can."""
        return google_missing(self._settings)

    def token_missing(self) -> tuple[str, ...]:
        """The settings without which there is no token: none where there is one."""
        return google_token_missing(self._settings)

    def require_project(self) -> None:
        """Every call of a model names the project. Raises NoCredentials where a model cannot be called."""
        if missing := self.missing():
            raise NoCredentials(missing)

    async def token(self) -> str:
        """A token that is good. Raises NoCredentials, or UpstreamError where Google gives none."""
        if missing := self.token_missing():
            raise NoCredentials(missing)
        if self._settings.vertex_access_token or self._account is None:
            return self._settings.vertex_access_token
        if self.good():
            return self._token
        async with self._fetching:
            if not self.good():
                await self.renew(self._account)
            return self._token

    def good(self) -> bool:
        """Whether the token at hand can still be used."""
        return bool(self._token) and self._clock.now_s() < self._until_s

    def refused(self, token: str) -> bool:
        """A provider refused this token: forget it. Whether there is another to be had."""
        if self._account is None or self._settings.vertex_access_token:
            return False
        if token == self._token:
            self._token = ""
        return True

    async def renew(self, account: ServiceAccount) -> None:
        """Fetch a token. Raises UpstreamError."""
        granted = await account.grant(self._clients.http())
        self._token = granted.token
        self._until_s = self._clock.now_s() + self.lasts_s(granted)

    def lasts_s(self, granted: Granted) -> float:
        """For how many seconds a new token is used: it is replaced before its end, but not before half its time."""
        return granted.lifetime_s - min(EARLY_S, granted.lifetime_s / 2)
