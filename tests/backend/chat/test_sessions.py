"""Which streams can be observed."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest

from harness.backend.chat.broadcast import Broadcast
from harness.backend.chat.errors import ChatError, deleted
from harness.backend.chat.sessions import ChatSessions


class Slow(ChatSessions):
    """Looks a session up when the gate is open: it was deleted, or not."""

    def __init__(self, *, gone):
        super().__init__(None)
        self.gone, self.asked, self.gate = gone, asyncio.Event(), asyncio.Event()

    async def check_alive(self, session_id):
        self.asked.set()
        await self.gate.wait()
        if self.gone:
            raise deleted()


@pytest.mark.parametrize("gone", [False, True])
async def test_a_stream_that_may_still_be_refused_is_not_observed_and_keeps_its_place(gone):
    sessions = Slow(gone=gone)
    turn, other = (SimpleNamespace(session_id=uuid4(), begun=False, broadcast=Broadcast()) for _ in range(2))
    other.session_id = turn.session_id
    beginning = asyncio.create_task(sessions.begin(turn))
    await sessions.asked.wait()
    assert sessions.active(str(turn.session_id)) is None
    with pytest.raises(ChatError) as busy:
        await sessions.begin(other)
    assert busy.value.code == "SESSION_BUSY"
    sessions.gate.set()
    (refused,) = await asyncio.gather(beginning, return_exceptions=True)
    assert (refused is None, sessions.active(str(turn.session_id))) == (not gone, None if gone else turn)
