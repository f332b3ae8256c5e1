"""The provider simulator: each provider at an address of its own, answering by the script of the case.

A request belongs to the case whose token is in the tag of its prompt. Requests without a tag, and those of cases
that are over, get a healthy answer, or the one fault that the simulator was given for them; it heals for them as it
does in a case, counted by provider and call.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Self

from aiohttp import web

from harness.core.errors import UnknownName
from harness.core.fault import FAULTS, Fault
from harness.core.names import Provider
from harness.core.recording import NO_FAULT, Ending, Request, Side
from harness.providers.anthropic_call import AnthropicReceiver
from harness.providers.bedrock_call import BedrockReceiver
from harness.providers.call import Circumstances, Receiver
from harness.providers.chatkit_call import ChatKitReceiver
from harness.providers.openai_call import OpenAIReceiver
from harness.providers.vertex_call import VertexReceiver

from .listener import HOST, Listener
from .performance import Performance
from .script import Notebook, Script, Strays, Unrecorded
from .threads import Threads

RECEIVERS: Mapping[Provider, Receiver] = {
    **{provider: OpenAIReceiver(provider) for provider in (Provider.OPENAI, Provider.GROQ, Provider.COMPATIBLE)},
    Provider.ANTHROPIC: AnthropicReceiver(),
    Provider.BEDROCK: BedrockReceiver(),
    Provider.VERTEX: VertexReceiver(),
    Provider.CHATKIT: ChatKitReceiver(),
}
"""What each provider speaks."""

_BASE_PATHS = {Provider.OPENAI: "/v1", Provider.COMPATIBLE: "/v1", Provider.CHATKIT: "/v1"}


class Simulator:
    """Simulated providers on 127.0.0.1, one port each (``ports`` where they are wanted; any free one otherwise).

    ``fault`` is what traffic suffers that belongs to no case; set ``stray`` to have it noted. Use on one event loop.
    """

    def __init__(
        self,
        providers: Iterable[Provider] = tuple(RECEIVERS),
        *,
        ports: Mapping[Provider, int] | None = None,
        receivers: Mapping[Provider, Receiver] = RECEIVERS,
        fault: Fault = FAULTS[NO_FAULT],
    ) -> None:
        self.fault = fault
        self.stray: Notebook | None = None
        self._receivers = receivers
        self._scripts: dict[str, Script] = {}
        self._claims: dict[str, Script] = {}
        self._strays: defaultdict[Provider, Strays] = defaultdict(Strays)
        self._threads = Threads()
        self._live: dict[Provider, set[Performance]] = {}
        self._listeners: dict[Provider, Listener] = {}
        for provider in providers:
            if provider not in receivers:
                raise UnknownName("simulated provider", provider, receivers)
            self._live[provider] = set()
            self._listeners[provider] = Listener(partial(self._answer, provider), (ports or {}).get(provider, 0))

    async def start(self) -> None:
        """Listen.

        Raises:
            PortInUse: a wanted port is taken; nothing listens then.
        """
        try:
            for listener in self._listeners.values():
                await listener.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Reset what is still being answered, and give the ports back. No task or socket is left."""
        for provider, listener in self._listeners.items():
            self._drop(provider)
            await listener.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_failure: object) -> None:
        await self.close()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The providers that are simulated."""
        return tuple(self._listeners)

    def base_url(self, provider: Provider) -> str:
        """What a client of this provider takes for its base URL: ``groq``'s is the root, as its client adds a path.

        A client of another make reaches Groq under ``<root>/openai/v1``. ``vertex``'s is the root too, which Google's
        client takes; Anthropic's client for it takes ``<root>/v1``, and the token endpoint is ``<root>/token``.
        """
        return f"http://{HOST}:{self._listener(provider).port}{_BASE_PATHS.get(provider, '')}"

    def script(self, token: str, script: Script) -> None:
        """From now on the requests whose tag has this token are answered by this script."""
        self._scripts[token] = script

    def forget(self, token: str) -> None:
        """The case is over. Answers that are under way are not disturbed."""
        self._scripts.pop(token, None)

    def claim(self, owner: str, script: Script) -> None:
        """From now on requests without a tag that are made for this owner are answered by this script."""
        self._claims[owner] = script

    def disown(self, script: Script) -> None:
        """What was claimed for this script is nobody's again."""
        self._claims = {owner: one for owner, one in self._claims.items() if one is not script}

    @asynccontextmanager
    async def unreachable(self, provider: Provider) -> AsyncIterator[None]:
        """Meanwhile the provider's connections are refused; those that were open are reset, idle or not."""
        listener = self._listener(provider)
        self._drop(provider)
        await listener.withdraw()
        try:
            yield
        finally:
            await listener.open()

    def _listener(self, provider: Provider) -> Listener:
        if provider not in self._listeners:
            raise UnknownName("simulated provider", provider, self._listeners)
        return self._listeners[provider]

    def _drop(self, provider: Provider) -> None:
        """We are about to reset this provider's connections: so the exchanges on them end."""
        for performance in list(self._live[provider]):
            performance.end(Ending.RESET)

    async def _answer(self, provider: Provider, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        headers = tuple((_text(name), _text(value)) for name, value in request.raw_headers)
        call = self._receivers[provider](request.method, request.raw_path, headers, body)
        tie = call.tie or self._threads.tie(call.thread)
        script = self._script_of(provider, tie, call.owner)
        draft = script.recorder.open(
            Side.PROVIDER,
            call.operation,
            method=request.method,
            url=f"http://{HOST}:{self._listener(provider).port}{request.raw_path}",
            headers=headers,
            body=body,
            tie=tie,
            provider=provider.value,
        )
        (attempt, first), earlier = script.before(draft), self._threads.earlier(call.thread)
        script.arrived(draft)
        self._threads.add(call.thread, tie, Request(request.method, request.raw_path, headers, body))
        performance = Performance(request, draft, script)
        self._live[provider].add(performance)
        try:
            given = Circumstances(
                fault=script.fault.at(attempt),
                reply=script.reply,
                attempt=attempt,
                now_s=time.time(),
                first=first,
                earlier=earlier,
            )
            return await performance.give(call.answer(given))
        finally:
            performance.end(Ending.FIN)  # a failure of our own: no scenario waits for this exchange for ever
            self._live[provider].discard(performance)

    def _script_of(self, provider: Provider, tie: str | None, owner: str | None) -> Script:
        """The script of the case that a call belongs to; the provider's own for strays where it belongs to none."""
        token = tie.partition(".")[0] if tie else ""
        claimed = self._claims.get(owner) if owner and not token else None
        return self._scripts.get(token) or claimed or self._stray(provider)

    def _stray(self, provider: Provider) -> Script:
        strays = self._strays[provider]
        strays.fault, strays.recorder = self.fault, self.stray or Unrecorded()
        return strays


def _text(field: bytes) -> str:
    """A header's bytes as text; what is not UTF-8 becomes lone surrogates, which encode to the same bytes again."""
    return field.decode("utf-8", "surrogateescape")
