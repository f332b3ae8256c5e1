import pytest

SECRET = "sk-proj-" + "a1B2" * 6


@pytest.fixture
def doctor(harness, tmp_path, monkeypatch):
    """Checks a file of this content."""

    def command(content: bytes, *words: str):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "my.env").write_bytes(content)
        return harness("doctor", "--env", "my.env", *words)

    return command


def test_a_clean_file_is_said_to_be_clean(doctor):
    said = doctor(f"PORT=4000\nOPENAI_API_KEY={SECRET}\n".encode())
    assert (said.code, said.out, said.err) == (0, "my.env: 2 settings, no problems.\n", "")


def test_settings_that_ran_together_fail_with_file_line_and_both_keys(doctor):
    said = doctor(b"# a comment\nGROQ_DEFAULT_MODEL=llama-3.1-8b-instantPORT=4000\n")
    assert said.code == 1
    told, summary = said.out.splitlines()
    assert told == (
        "my.env:2: GROQ_DEFAULT_MODEL: GROQ_DEFAULT_MODEL and PORT have run together on one line. "
        "Put PORT on a line of its own."
    )
    assert summary == "my.env: 1 setting, 1 error."


def test_warnings_alone_do_not_fail(doctor):
    said = doctor(b"A = b\nOPENAI_API_KEY=\n")
    assert said.code == 0
    assert said.out.endswith("my.env: 2 settings, 2 warnings.\n")


def test_json_is_one_document_without_any_value(doctor):
    said = doctor(f"GROQ_API_KEY={SECRET}\nA=b \n".encode(), "--json")
    assert said.code == 1
    assert SECRET not in said.out
    found = said.json
    assert (found["file"], found["settings"]) == ("my.env", 2)
    assert [(one["line"], one["key"], one["level"]) for one in found["problems"]] == [
        (1, "GROQ_API_KEY", "error"),
        (2, "A", "warning"),
    ]
    assert all(set(one) == {"line", "key", "level", "what", "mend"} for one in found["problems"])


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"A=\xff\n", "is not UTF-8: byte 2"), (b"A" * 1_000_001, "larger than 1,000,000 bytes")],
    ids=["other encoding", "too large"],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(doctor, content, words):
    said = doctor(content)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


@pytest.mark.parametrize("name", ["absent", "."], ids=["absent", "a folder"])
def test_a_path_that_is_no_file_is_a_usage_error(harness, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    said = harness("doctor", "--env", name)
    assert (said.code, said.out) == (2, "")
    assert f"harness: {name}: cannot be read" in said.err


UNUSABLE = {
    "TIMEOUT_CONNECT_S": "must be a number of seconds above 0",
    "RETRY_WAIT_S": "must be a number of seconds above 0",
    "RETRY_JITTER": "must be a number from 0 to 1",
    "BREAKER_FAILURES": "must be a whole number from 1 to 1000000",
    "CREDIT_MULTIPLIER": "must be a number above 0 and at most 1000000",
    "CLOCK": "must be one of real, skipping",
    "LOG_STREAM": "must be stderr, stdout or none",
    "AGENT_PROVIDER": "must be anthropic or vertex",
    "OPENAI_CUSTOM_TOKEN_ESTIMATION": "must be character_count: there is no other estimate",
    "JWT_SECRET": "must have at least 32 bytes (RFC 7518 section 3.2)",
}


@pytest.mark.parametrize(("key", "what"), UNUSABLE.items(), ids=UNUSABLE)
def test_what_the_backend_would_not_start_with_is_told_by_line_and_key_and_without_the_value(doctor, key, what):
    said = doctor(f"# limits\n{key}=abc-of-mine\n".encode())
    assert said.code == 1
    told, _ = said.out.splitlines()
    assert told == f"my.env:2: {key}: {what}. Give such a value, or take the line out for the usual one."


def test_every_setting_of_the_backend_that_is_read_as_a_number_or_an_address_is_checked(doctor):
    from harness.backend.settings import SETTINGS

    read = [name for name, (_, reader) in SETTINGS.items() if reader is not SETTINGS["GROQ_API_KEY"][1]]
    said = doctor("".join(f"{name}=of mine\n" for name in read).encode(), "--json")
    assert [one["key"] for one in said.json["problems"] if one["level"] == "error"] == read


@pytest.mark.parametrize(
    "line", ["TIMEOUT_CONNECT_S=0.5", "TIMEOUT_CONNECT_S=", "TIMEOUT_CONNECT_S=$LIMIT", "RETRY_JITTER=0"]
)
def test_what_it_would_start_with_is_not(doctor, line):
    assert doctor(f"{line}\n".encode()).code == 0


def test_what_is_wrong_already_is_told_once(doctor):
    said = doctor(b"TIMEOUT_CONNECT_S=5RETRY_WAIT_S=1\nPORT=http\n")
    assert [line.partition(": ")[0] for line in said.out.splitlines()[:-1]] == ["my.env:1", "my.env:2"]
