"""Access tokens for Google Cloud: one that was given, or those that a service account is granted (RFC 7523)."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
from google.auth import crypt, jwt

from .clients import ProviderClients
from .clock import Clock
from .settings import Settings, SettingsError
from .upstream import Kind, UpstreamError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_S = 3600
EARLY_S = 225.0
"""How long before its end a token is replaced: what google-auth takes for it too."""
FILE, PROJECT, TOKEN = "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "VERTEX_AI_ACCESS_TOKEN"


class NoCredentials(Exception):
    """There is nothing to ask Google with. ``missing`` names the settings that are not there."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self.missing = missing
        super().__init__(f"no credentials for Google Cloud: {', '.join(missing)} not set")


class ServiceAccount:
    """A service account's key file. Raises SettingsError where it cannot be read as one."""

    def __init__(self, path: str) -> None:
        try:
            info = json.loads(Path(path).read_text())
            self.email, self.token_url = str(info["client_email"]), str(info["token_uri"])
            self._signer: Any = crypt.RSASigner.from_service_account_info(info)
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            raise SettingsError(f"{FILE} names no key file of a service account: {type(wrong).__name__}") from wrong

    def assertion(self) -> str:
        """A signed statement of who we are and what we want, good for an hour."""
        now = int(time.time())
        claims = {"iss": self.email, "scope": SCOPE, "aud": self.token_url, "iat": now, "exp": now + ASSERTION_S}
        return str(jwt.encode(self._signer, claims), "ascii")


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
        """The settings without which there is no token: none where there is one, or can be."""
        if self._settings.vertex_access_token or (self._account and self._settings.google_cloud_project):
            return ()
        given = {FILE: self._settings.google_application_credentials, PROJECT: self._settings.google_cloud_project}
        return (*(name for name, value in given.items() if not value), TOKEN)

    async def token(self) -> str:
        """A token that is good. Raises NoCredentials, or UpstreamError where Google gives none."""
        if self._settings.vertex_access_token:
            return self._settings.vertex_access_token
        if self._account is None or self.missing():
            raise NoCredentials(self.missing())
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
        """Fetch a token."""
        granted = await self.grant(account)
        lifetime_s = float(granted.get("expires_in", 0))
        self._token = str(granted["access_token"])
        self._until_s = self._clock.now_s() + lifetime_s - min(EARLY_S, lifetime_s / 2)

    async def grant(self, account: ServiceAccount) -> dict[str, Any]:
        """The token endpoint's answer. Raises UpstreamError."""
        form = {"grant_type": GRANT, "assertion": account.assertion()}
        try:
            async with self._clients.http().post(account.token_url, data=form) as response:
                answer = await response.json(content_type=None)
        except TimeoutError as late:
            raise UpstreamError(Kind.TIMEOUT, "Google's token endpoint took too long") from late
        except (aiohttp.ClientError, OSError) as failure:
            raise UpstreamError(Kind.UNREACHABLE, "Google's token endpoint cannot be reached") from failure
        except ValueError as wrong:
            raise UpstreamError(Kind.INVALID, "Google's token endpoint did not answer in JSON") from wrong
        if response.status != 200 or not isinstance(answer, dict) or not answer.get("access_token"):
            raise UpstreamError(Kind.AUTH, f"Google granted no token ({response.status})", status=response.status)
        return answer
