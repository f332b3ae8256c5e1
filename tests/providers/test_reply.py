"""The simulated model: deterministic, tells requests apart, and keeps the caller's limit."""

from __future__ import annotations

import pytest

from harness.providers.reply import count_tokens, default_reply


def test_usual_reply() -> None:
    reply = default_reply("m", "hello")
    assert len(reply.pieces) == 8
    assert reply.completion_tokens == len(reply.text.encode())
    assert reply.prompt_tokens == 5
    assert {len(character.encode()) for character in reply.text} == {1, 2, 3, 4}
    assert reply == default_reply("m", "hello")
    assert reply.text != default_reply("m", "other").text


@pytest.mark.parametrize("limit", [0, 1, 20, 60, 100])
def test_limit(limit: int) -> None:
    reply = default_reply("m", "hello", max_tokens=limit)
    assert reply.finish_reason == "length"
    assert reply.pieces
    assert count_tokens("".join(reply.pieces[1:])) <= limit
    assert reply.completion_tokens == max(1, limit)


def test_a_limit_that_is_not_met_changes_nothing() -> None:
    assert default_reply("m", "hello", max_tokens=1000) == default_reply("m", "hello")
