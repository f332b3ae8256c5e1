import pytest

from harness.core.errors import ProfileError, UnknownName
from harness.targets.profiles import find_profile, shipped


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_profile_can_be_used_and_is_named_like_its_file(name):
    assert find_profile(name).name == name


def test_anybodys_file_is_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nlaunch = "url"\n[systems.gateway]\nurl = "http://127.0.0.1:1"\nproviders = ["openai"]\n'
    )
    assert find_profile(str(path)).name == "mine"


def test_a_name_that_nothing_has_comes_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'reference'"):
        find_profile("refrence")


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("name = ", "is not TOML"), ("x = 1", "unknown field")],
    ids=["no-file", "no-toml", "wrong"],
)
def test_a_bad_file_is_named(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ProfileError, match=words) as refused:
        find_profile(str(path))
    assert str(path) in str(refused.value)
