"""What the backend says of its settings when it starts, and what it refuses."""

import os
import signal
import subprocess
import sys
from multiprocessing import Pipe

import pytest

from harness.backend.banner import Banner
from harness.backend.serve import child
from harness.backend.settings import Settings, SettingsError


async def test_the_banner_lists_the_settings_with_secrets_masked(start, key):
    backend = await start(PORT="4711")
    status, shown = await backend.probe("GET", "/startup")
    assert (status, shown["error"]) == (200, None)
    banner = shown["banner"]
    assert "PORT=4711" in banner
    assert "GROQ_API_KEY=gsk_****" in banner
    assert "GROQ_DEFAULT_MODEL (not set - optional)" in banner
    assert "OPENAI_API_KEY (not set - optional)" in banner
    assert key not in "".join(banner)


def test_a_banner_shows_no_secret_of_any_kind():
    settings = Settings(
        openai_api_key="sk-abcdefghijklmnop",
        groq_api_key="short",
        jwt_secret="j" * 40,
        database_url="postgresql://me:pass@host/db?password=pass",
        openai_base_url="https://me:pass@host/v1?key=pass",
        groq_default_model="gpt-4",
    )
    lines = Banner().lines(settings)
    for line in (
        "OPENAI_API_KEY=sk-a****",
        "GROQ_API_KEY=****",
        "JWT_SECRET=jjjj****",
        "DATABASE_URL=postgresql://host/db",
        "OPENAI_BASE_URL=https://host/v1",
        "GROQ_DEFAULT_MODEL=gpt-4",
        "TIMEOUT_CONNECT_S=5",
        "CREDIT_MULTIPLIER=1.5",
    ):
        assert line in lines
    assert "pass" not in "".join(lines)


async def test_the_banner_is_in_the_log_first(start, capsys, key):
    await start(LOG_STREAM="stderr")
    logged = capsys.readouterr().err
    assert '"line": "GROQ_API_KEY=gsk_****"' in logged
    assert key not in logged


async def test_runs_do_not_start_without_a_key(start):
    with pytest.raises(SettingsError, match="GROQ_API_KEY is required"):
        await start(GROQ_API_KEY=None)
    assert await start(GROQ_API_KEY=None, systems=("gateway",))


async def test_the_probe_makes_projects_of_users_who_exist(backend, unknown_id):
    assert (await backend.probe("POST", "/projects", json={"user_id": unknown_id}))[0] == 404
    for wrong in ({}, {"user_id": "junk"}, {"user_id": 5}, []):
        status, body = await backend.probe("POST", "/projects", json=wrong)
        assert (status, set(body)) == (400, {"error"})
    assert (await backend.probe("POST", "/projects", data=b"{"))[0] == 400


@pytest.mark.parametrize(
    ("environment", "defect", "told"),
    [
        (
            {"ENV_FILE_TEXT": "GROQ_API_KEY=gsk_x\nGROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000\n"},
            None,
            "SettingsError: .env line 2: GROQ_DEFAULT_MODEL and PORT have run together",
        ),
        ({"ENV_FILE_TEXT": "PORT=1\nPORT=2"}, None, "SettingsError: .env line 2: PORT was set before, on line 1"),
        ({"GROQ_DEFAULT_MODEL": "xPORT=4000"}, None, "the environment: GROQ_DEFAULT_MODEL and PORT have run together"),
        ({}, None, "SettingsError: GROQ_API_KEY is required"),
        ({}, "no-such-defect", "SettingsError: there is no defect"),
    ],
)
def test_a_child_tells_why_it_does_not_start(environment, defect, told, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own handling of SIGINT
    ours, theirs = Pipe()
    child(theirs, environment, ("runs",), defect)
    assert told in ours.recv()["error"]
    ours.close()


def command(folder, **environment):
    base = {"PATH": os.environ["PATH"], "LOG_STREAM": "none"}
    return subprocess.Popen(
        [sys.executable, "-m", "harness.backend"],
        cwd=folder,
        env={**base, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_reads_the_file_beside_it_and_serves_until_told_to_stop(tmp_path):
    (tmp_path / ".env").write_text("PORT=0\nGROQ_API_KEY=gsk_abcdef\n", encoding="utf-8")
    with command(tmp_path) as process:
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert [line.partition(":")[0] for line in lines] == ["runs", "probe"]
    assert (process.returncode, told) == (0, "")


def test_the_command_refuses_a_file_whose_lines_have_run_together(tmp_path):
    (tmp_path / "settings.env").write_text("GROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000\n", encoding="utf-8")
    with command(tmp_path, ENV_FILE="settings.env") as process:
        said, told = process.communicate(timeout=60)
    assert (process.returncode, said) == (2, "")
    assert told == (
        "SettingsError: settings.env line 1: "
        "GROQ_DEFAULT_MODEL and PORT have run together; give each a line of its own\n"
    )
