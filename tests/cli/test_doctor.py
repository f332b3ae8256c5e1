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
