"""Defects in how the agent bears a provider that fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from harness.backend.agent.breaker import Breaker, CircuitOpen, Permit
from harness.backend.agent.errors import AgentErrors
from harness.backend.agent.patience import Patience
from harness.backend.agent.tried import Chunk, TriedUpstream
from harness.backend.gateway.call import Call
from harness.backend.gateway.errors import GatewayError
from harness.backend.gateway.wire import EventStream, Terminals
from harness.backend.providers import Provider
from harness.backend.upstream import UpstreamError

from .base import Defect, instead


class AgentRetriesForEver(Defect):
    """Somebody counted the wrong thing."""

    id = "agent-retries-for-ever"
    summary = "a provider that closes its socket is tried again until the chat's time is over"

    class _Endless(Patience):
        def again(self, tries: int, failure: UpstreamError) -> bool:
            return tries < 12 and self.closed_early(failure)

    agent = instead(patience=_Endless)


class AgentNeverRetries(Defect):
    """The first closed socket is the client's problem."""

    id = "agent-never-retries"
    summary = "a provider that closes its socket before its first words is not tried again"

    class _Impatient(Patience):
        def again(self, tries: int, failure: UpstreamError) -> bool:
            return False

    agent = instead(patience=_Impatient)


class AgentRetriesRefusals(Defect):
    """Every failure looks alike."""

    id = "agent-retries-refusals"
    summary = "a provider that says no, in whatever way, is asked again"

    class _Deaf(Patience):
        def again(self, tries: int, failure: UpstreamError) -> bool:
            return tries < 3

    agent = instead(patience=_Deaf)


class AgentRetriesAfterDelivery(Defect):
    """The stream is mended where it broke: with another answer."""

    id = "agent-retries-after-delivery"
    summary = "a stream that breaks off is begun again, behind the words that the client has"

    class _Mends(TriedUpstream):
        body: Mapping[str, Any]
        provider: Provider

        async def opened(self, stack: Any, provider: Provider, body: Mapping[str, Any]) -> Any:
            self.provider, self.body = provider, body
            return await super().opened(stack, provider, body)

        async def watched(
            self, permit: Permit, held: list[Chunk], chunks: AsyncIterator[Chunk]
        ) -> AsyncGenerator[Chunk, None]:
            try:
                async for chunk in super().watched(permit, held, chunks):
                    yield chunk
            except UpstreamError as failure:
                if not self._patience.again(self._call.tries, failure):
                    raise
                wait_s = self._patience.wait_s(self._call.tries)
                self._call.tries, self._call.waited_s = self._call.tries + 1, [*self._call.waited_s, wait_s]
                await self._clock.sleep(wait_s)
                async with self._inner.stream(self.provider, self.body) as more:
                    async for chunk in more:
                        yield chunk

    agent = instead(tried=_Mends)


class AgentNoBackoff(Defect):
    """The next try comes at once."""

    id = "agent-no-backoff"
    summary = "there is no wait between two tries"

    class _Hasty(Patience):
        def wait_s(self, tries: int) -> float:
            return 0.0

    agent = instead(patience=_Hasty)


class AgentRetryWaitsFixed(Defect):
    """How long to wait was settled when it was written."""

    id = "agent-retry-waits-fixed"
    summary = "the waits between two tries are what they always were, whatever the settings say"

    class _Settled(Patience):
        def __init__(self, seed: int = 0, **_settings: float) -> None:
            super().__init__(seed)

    agent = instead(patience=_Settled)


class AgentClosedSocketHidden(Defect):
    """The other side closed the socket, and nobody says so."""

    id = "agent-closed-socket-hidden"
    summary = "a stream that its provider broke off ends as if it were whole"

    class _Polite(Terminals):
        async def failed(self, call: Call, error: GatewayError, out: EventStream) -> None:
            await self.done(out)

    agent = instead(terminals=_Polite)


class AgentBreakerNeverOpens(Defect):
    """It counts, and nothing comes of it."""

    id = "agent-breaker-never-opens"
    summary = "however often a provider fails, it is asked"

    class _Idle(Breaker):
        def open(self) -> None:
            return

    agent = instead(breaker=_Idle)


class AgentBreakerNeverHalfOpens(Defect):
    """What is open stays open."""

    id = "agent-breaker-never-half-opens"
    summary = "a breaker that opened stays so until the service is started again"

    class _Stuck(Breaker):
        def cooled(self) -> bool:
            return False

    agent = instead(breaker=_Stuck)


class AgentBreakerNeverCloses(Defect):
    """The probe's good news goes unheard."""

    id = "agent-breaker-never-closes"
    summary = "after a probe that was well the breaker is open again"

    class _Sulks(Breaker):
        def close(self) -> None:
            self.open()

    agent = instead(breaker=_Sulks)


class AgentBreakerHalfOpenFloods(Defect):
    """Half open is taken for closed."""

    id = "agent-breaker-half-open-floods"
    summary = "after the cool-down all calls are let through at once"

    class _Floods(Breaker):
        def probing(self) -> bool:
            return False

    agent = instead(breaker=_Floods)


class AgentBreakerCountsAll(Defect):
    """A success between two failures does not matter."""

    id = "agent-breaker-counts-all"
    summary = "failures open the breaker though they were not in a row"

    class _Grudges(Breaker):
        def succeeded(self, permit: Permit) -> None:
            before = self.in_a_row
            super().succeeded(permit)
            if not permit.probe:
                self.in_a_row = before

    agent = instead(breaker=_Grudges)


class AgentCircuitOpenGeneric(Defect):
    """The breaker's refusal reads like the provider's failure."""

    id = "agent-circuit-open-generic"
    summary = "a call that an open breaker stopped is told that the provider failed"

    class _Vague(AgentErrors):
        def circuit_open(self, error: CircuitOpen) -> GatewayError:
            code = "provider_unavailable"
            return GatewayError(503, code, "The provider failed to answer.", type=code)

    agent = instead(errors=_Vague)
