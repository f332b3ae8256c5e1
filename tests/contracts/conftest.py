"""Recordings of runs made by hand: what a client and a provider said, with whatever was probed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from harness.contracts.registry import judge, load
from harness.core.names import Capability
from harness.core.recording import (
    Ending,
    Exchange,
    Header,
    Mark,
    Probe,
    Recording,
    Request,
    Response,
    Segment,
    Side,
    Source,
)
from harness.core.verdict import Judgement, Verdict

PROJECT = "11111111-1111-4111-8111-111111111111"
RUN = {
    "id": "22222222-2222-4222-8222-222222222222",
    "input": "Hello",
    "output": "Good morning.",
    "model": "gpt-4",
    "created_at": "2026-01-01T12:00:03.000Z",
}
CREATED = {"run": RUN, "credits_used": 1, "credits_remaining": 9}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "llama-3.3-70b-versatile",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good morning."}, "finish_reason": "stop"}],
}


@dataclass(frozen=True)
class Studio:
    """Makes exchanges and recordings, and has them judged."""

    project: str = PROJECT

    def exchange(self, id: str, side: Side, operation: str, asked: Any, status: int | None, said: Any, **more: Any):
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        response = None
        if status is not None:
            kind = (("content-type", "application/json"),)
            response = Response(status, "", kind, 20, body, (Segment(len(body), 30),))
        sent = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        known = {
            "url": f"http://127.0.0.1:1/api/projects/{PROJECT}/runs",
            "sent_ns": 10,
            "tie": "t.1",
            "ending": Ending.EOF,
        } | more
        request = Request("POST", known.pop("url"), (), sent, known.pop("sent_ns"))
        return Exchange(id=id, side=side, operation=operation, request=request, response=response, ended_ns=40, **known)

    def run(self, status: int | None = 201, said: Any = None, asked: Any = None, id: str = "c1", **more: Any):
        asked = {"input": " Hello\n", "model": "gpt-4"} if asked is None else asked
        return self.exchange(id, Side.CLIENT, "runs.create", asked, status, CREATED if said is None else said, **more)

    def provider(self, status: int | None = 200, said: Any = None, id: str = "p1", **more: Any):
        asked = {
            "model": more.pop("model", "llama-3.3-70b-versatile"),
            "messages": [{"role": "user", "content": more.pop("content", "Hello")}],
            "max_tokens": more.pop("max_tokens", 1000),
            "temperature": 0.7,
        }
        said = COMPLETION if said is None else said
        return self.exchange(id, Side.PROVIDER, "chat.completions", asked, status, said, sent_ns=15, **more)

    def health(self, status: int, said: Any, **more: Any):
        return self.exchange("c1", Side.CLIENT, "health", b"", status, said, **more)

    def recording(self, *exchanges: Exchange, probes: Any = (), marks: Any = (), **header: Any) -> Recording:
        known = {
            "source": Source.SIMULATOR,
            "system": "runs",
            "capabilities": frozenset(one.value for one in Capability),
            "recorded_at": "2026-01-01T12:00:00+00:00",
        } | header
        return Recording(
            header=Header(**known),
            exchanges=exchanges,
            probes=tuple(Probe(name, 50, data) for name, data in probes),
            marks=tuple(Mark(name, at_ns, data) for name, at_ns, data in marks),
        )

    def judged(self, contract: str, recording: Recording) -> Judgement:
        return judge(load()[contract], recording)

    def ledger(self, *entries: dict[str, Any], balance: int = 9) -> tuple[str, dict[str, Any]]:
        """An account that was granted 10 credits, with these entries more."""
        rows = [{"kind": "grant", "amount": 10, "delta": 10, "balance": 10}, *entries]
        filled = [
            {"id": f"e{number}", "hold_id": None, "shortfall": 0, "reason": "", "metadata": {}, **row}
            for number, row in enumerate(rows)
        ]
        data = {"user_id": "u", "balance": balance, "settled": True, "in_flight": 0, "entries": filled, "usage": []}
        return "ledger", data

    def log(self, *rows: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "log", {"lines": [json.dumps(row) for row in rows]}


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def change() -> Callable[..., dict[str, Any]]:
    """A copy of the answer to a run, some fields of the run changed."""
    return lambda **fields: {**CREATED, "run": {**RUN, **fields}}


@pytest.fixture
def left() -> Callable[[Exchange], Exchange]:
    """The same exchange, broken off by its caller before an answer."""
    return lambda exchange: replace(exchange, response=None, ending=Ending.CLIENT_CLOSE)


@pytest.fixture
def recording() -> Callable[..., Recording]:
    """A recording of exchanges: ``recording(exchange, ..., source=..., fault=...)``."""

    def made(*exchanges: Exchange, source: Source = Source.SIMULATOR, fault: str = "none") -> Recording:
        return Recording(header=Header(source=source, fault=fault), exchanges=exchanges)

    return made


@pytest.fixture
def violated(request: pytest.FixtureRequest) -> Callable[[Recording], set[str]]:
    """The ids of those of the test module's ``CONTRACTS`` that a recording violates; none may fail to judge it."""

    def found(made: Recording) -> set[str]:
        judgements = [judge(one, made) for one in request.module.CONTRACTS.values()]
        assert not [one for one in judgements if one.verdict is Verdict.ERROR]
        return {one.contract for one in judgements if one.violations}

    return found


@pytest.fixture
def verdict() -> Callable[[str, Recording], Verdict]:
    """What a contract says of a recording."""
    return lambda contract_id, made: judge(load()[contract_id], made).verdict


@pytest.fixture
def with_body() -> Callable[[Exchange, bytes], Exchange]:
    """The same exchange, answered by another body."""

    def changed(one: Exchange, body: bytes) -> Exchange:
        assert one.response is not None
        return replace(one, response=replace(one.response, body=body))

    return changed
