"""Asking a provider with patience, and not at all while its breaker is open."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

from harness.backend.clock import Clock
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, Upstream, UpstreamError, choices_of

from .breaker import Breaker, Permit, State
from .call import AgentCall
from .patience import Patience

Chunk = dict[str, Any]


class TriedUpstream(Upstream):
    """The upstream of one call. Each try asks the breaker, and tells it how it went, unless it is broken off.

    There are further tries only while the client has been given nothing: a stream counts as delivered from its first
    chunk with choices on, which is when the header section goes out.
    """

    def __init__(self, call: AgentCall, inner: Upstream, breaker: Breaker, patience: Patience, clock: Clock) -> None:
        self._call = call
        self._inner = inner
        self._breaker = breaker
        self._patience = patience
        self._clock = clock

    async def complete(self, provider: Provider, body: Mapping[str, Any]) -> Chunk:
        """A whole answer. Raises UpstreamError and CircuitOpen."""
        while True:
            permit = self.admit()
            try:
                answer = await self._inner.complete(provider, body)
            except UpstreamError as failure:
                await self.wait_or_raise(permit, failure)
            else:
                self.well(permit)
                return answer

    @asynccontextmanager
    async def stream(self, provider: Provider, body: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The chunks of a streamed answer. Raises UpstreamError and CircuitOpen."""
        async with AsyncExitStack() as stack:
            permit, chunks, held = await self.opened(stack, provider, body)
            yield await stack.enter_async_context(aclosing(self.watched(permit, held, chunks)))

    async def opened(
        self, stack: AsyncExitStack, provider: Provider, body: Mapping[str, Any]
    ) -> tuple[Permit, AsyncIterator[Chunk], list[Chunk]]:
        """A stream that has something for the client: what was read of it, and where the rest comes from."""
        while True:
            permit = self.admit()
            try:
                async with AsyncExitStack() as attempt:
                    chunks = await attempt.enter_async_context(self._inner.stream(provider, body))
                    held = await self.begun(chunks)
                    stack.push_async_exit(attempt.pop_all())
                    return permit, chunks, held
            except UpstreamError as failure:
                await self.wait_or_raise(permit, failure)

    async def begun(self, chunks: AsyncIterator[Chunk]) -> list[Chunk]:
        """The chunks up to the first that has something for the client, or to the end."""
        held = []
        async for chunk in chunks:
            held.append(chunk)
            if choices_of(chunk):
                break
        return held

    async def watched(
        self, permit: Permit, held: list[Chunk], chunks: AsyncIterator[Chunk]
    ) -> AsyncGenerator[Chunk, None]:
        """All chunks; how the stream ended is told to the breaker."""
        finished = False
        try:
            for chunk in held:
                finished = finished or _finishes(chunk)
                yield chunk
            async for chunk in chunks:
                finished = finished or _finishes(chunk)
                yield chunk
            if not finished:
                self.failed(permit, UpstreamError(Kind.INCOMPLETE, "the stream has no end"))
            else:
                self.well(permit)
        except UpstreamError as failure:
            if finished and not failure.said:
                self.well(permit)  # it broke off behind its answer: the client has all of it
            else:
                self.failed(permit, failure)
            raise

    def admit(self) -> Permit:
        """Leave for a try. Raises CircuitOpen."""
        permit = self._call.pending = self._breaker.admit()
        self._call.tries += 1
        return permit

    def well(self, permit: Permit) -> None:
        """Tell the breaker of a try that was well."""
        self._call.pending = None
        self._breaker.succeeded(permit)

    def failed(self, permit: Permit, failure: UpstreamError) -> None:
        """Tell the breaker of a try that failed."""
        self._call.pending = None
        self._breaker.failed(permit, failure)

    async def wait_or_raise(self, permit: Permit, failure: UpstreamError) -> None:
        """Tell the breaker of a failed try; wait where there is another one, else raise."""
        self.failed(permit, failure)
        if not self._patience.again(self._call.tries, failure) or self._breaker.state is not State.CLOSED:
            raise failure
        wait_s = self._patience.wait_s(self._call.tries)
        self._call.waited_s.append(round(wait_s, 3))
        await self._clock.sleep(wait_s)


def _finishes(chunk: Mapping[str, Any]) -> bool:
    return any(choice.get("finish_reason") for choice in choices_of(chunk))
