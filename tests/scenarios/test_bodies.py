import json

import pytest

from harness.scenarios.bodies import ODD_BODIES, bad_bytes

GOOD = {"input": "Hello", "model": "gpt-4"}
BAD = bad_bytes(json.dumps(GOOD).encode(), "input")


def decoded(raw):
    return json.loads(raw.decode())


@pytest.mark.parametrize("kind", [one for one in BAD if one not in ("json-not-an-object", "deep-nesting")])
def test_bad_bytes_are_no_json(kind):
    with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
        decoded(BAD[kind])


def test_the_others_are_json_that_cannot_be_right():
    assert isinstance(decoded(BAD["json-not-an-object"]), list)
    with pytest.raises(RecursionError):
        decoded(BAD["deep-nesting"])


@pytest.mark.parametrize("odd", ODD_BODIES, ids=lambda one: one.kind)
def test_odd_bodies_are_json_with_the_text_in_it(odd):
    text = odd.text(GOOD["input"])
    read = decoded(odd.raw({**GOOD, "input": text}))
    assert read["input"].startswith("Hello")
    assert {"input", "model"} <= set(read)


def test_each_is_odd_in_its_own_way():
    raw = {one.kind: one.raw({**GOOD, "input": one.text("Hello")}) for one in ODD_BODIES}
    assert b"\\ud800" in raw["lone-surrogate"]
    assert b"\\u0000" in raw["nul-character"]
    assert raw["duplicate-keys"].count(b'"input"') == 2
    assert set(decoded(raw["unknown-fields"])) > set(GOOD)
    assert len(raw["twenty-megabytes"]) > 20 * 1024 * 1024
    assert [one.kind for one in ODD_BODIES if one.unknown] == ["unknown-fields"]
