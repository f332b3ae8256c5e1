"""Targets that are not ours: started by a command, or already running at an address."""

import asyncio
import socket
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from harness.core.errors import TargetError, UsageError
from harness.core.names import Provider
from harness.core.profile import read_profile
from harness.core.verdict import Verdict
from harness.suite.run import Options, run
from harness.suite.select import Wanted, plan, select_contracts
from harness.targets.launch import launch

STRANGER = str(Path(__file__).with_name("stranger.py"))
MODELS = [
    {"id": "gpt-4o-mini", "provider": "openai", "input_usd_per_million": "0.15", "output_usd_per_million": "0.60"}
]
COMMAND = {
    "name": "stranger",
    "launch": "command",
    "command": ["{python}", STRANGER, "{port}"],
    "env": {"UPSTREAM": "{openai_url}"},
    "capabilities": ["provider"],
    "auth": {"token_env": "STRANGERS_TOKEN"},
    "systems": {"gateway": {"providers": ["openai"], "models": MODELS}},
}


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("STRANGERS_TOKEN", "a-token-of-the-strangers")


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def judged(profile, folder):
    """The verdicts by contract of a few cases on a target."""
    wanted = Wanted(scenarios=("chat-plain", "chat-stream"), faults=("none", "http-500", "cut"))
    result = await run(
        profile, plan(profile, wanted), select_contracts(()), Options(keep=lambda c: folder / f"{c}.yaml")
    )
    found = {}
    for one in result.judgements:
        found.setdefault(one.contract, set()).add(one.verdict)
    return found


def assert_fair(found):
    """What a relay keeps passes, what it breaks fails, what cannot be seen is unsupported; nothing is our error."""
    assert found["stream.words-faithful"] == {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert Verdict.FAIL in found["errors.provider-failure-mapped"]
    assert Verdict.FAIL in found["stream.failure-told-in-band"]
    assert found["credits.hold-ends-once"] == {Verdict.UNSUPPORTED}
    assert not any(Verdict.ERROR in verdicts for verdicts in found.values())


async def test_a_target_started_by_a_command_is_judged_like_any_other(tmp_path):
    assert_fair(await judged(read_profile(COMMAND, "stranger.toml"), tmp_path))


async def test_a_target_that_somebody_else_runs_is_judged_too(tmp_path):
    port, upstream = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, STRANGER, str(port), env={"UPSTREAM": f"http://127.0.0.1:{upstream}/v1"}
    )
    try:
        await listening(port)
        tables = {
            **{key: COMMAND[key] for key in ("name", "capabilities", "auth")},
            "launch": "url",
            "simulator_ports": {"openai": upstream},
            "systems": {"gateway": COMMAND["systems"]["gateway"] | {"url": f"http://127.0.0.1:{port}"}},
        }
        assert_fair(await judged(read_profile(tables, "stranger.toml"), tmp_path))
    finally:
        process.terminate()
        await process.wait()


async def listening(port):
    """Ask until somebody answers: another process gives no other sign."""
    async with aiohttp.ClientSession() as session:
        for _ in range(10_000):
            try:
                async with session.get(f"http://127.0.0.1:{port}/health") as response:
                    return response.status
            except aiohttp.ClientConnectionError:
                await asyncio.to_thread(socket.getaddrinfo, "127.0.0.1", port)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"command": ["no-such-program-anywhere"]}, "cannot be run"),
        ({"command": ["{python}", "-c", "raise SystemExit(7)"]}, "ended with 7 before it was ready"),
        ({"command": ["{python}", "-c", "raise ValueError('no database')"]}, "its last words: ValueError: no database"),
        ({"ready_path": "/health", "command": ["{python}", "-c", "input()"]}, "ended with"),
        (
            {"command": ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.2"], "ready_s": 0.3},
            "within 0.3 s",
        ),
    ],
    ids=["no-program", "ends", "last-words", "reads-nothing", "never-ready"],
)
async def test_a_command_that_does_not_come_up_is_told_with_what_was_seen(changes, says):
    with pytest.raises(TargetError, match=says):
        await launch(read_profile({**COMMAND, **changes}, "stranger.toml"), {Provider.OPENAI: "http://127.0.0.1:1/v1"})


async def test_only_the_reference_has_defects():
    with pytest.raises(UsageError, match="has no defects"):
        await launch(read_profile(COMMAND, "stranger.toml"), {}, defect="double-done")


async def test_without_a_token_it_is_said_which_variable_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("STRANGERS_TOKEN")
    profile = read_profile(COMMAND, "stranger.toml")
    wanted = Wanted(scenarios=("chat-plain",), faults=("none",))
    result = await run(
        profile, plan(profile, wanted), select_contracts(()), Options(keep=lambda c: tmp_path / f"{c}.yaml")
    )
    notes = {one.note for one in result.judgements if one.verdict is Verdict.ERROR}
    assert any("STRANGERS_TOKEN" in note for note in notes)
