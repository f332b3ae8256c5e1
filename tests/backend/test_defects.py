from collections import Counter
from dataclasses import fields, is_dataclass

import pytest

from harness.backend.defects import DEFECTS, Defect, defective
from harness.backend.parts import Parts
from harness.backend.settings import SettingsError


def flat(parts):
    """Part -> class, parts of systems included."""
    found = {}
    for one in fields(parts):
        value = getattr(parts, one.name)
        found |= {f"{one.name}.{n}": c for n, c in flat(value).items()} if is_dataclass(value) else {one.name: value}
    return found


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_replaces_few_parts_by_subclasses_of_the_right_ones(defect):
    right, wrong = flat(Parts()), flat(defective(defect))
    replaced = {name for name in right if wrong[name] is not right[name]}
    assert 1 <= max(Counter(name.rpartition(".")[0] for name in replaced).values()) <= 2  # of one system
    assert all(issubclass(wrong[name], right[name]) for name in replaced)
    assert DEFECTS[defect].summary
    assert DEFECTS[defect].__doc__


def test_there_is_no_defect_without_a_name_and_no_name_twice():
    with pytest.raises(SettingsError):
        defective("no-such-defect")
    with pytest.raises(ValueError, match="silent-end"):
        type("Again", (Defect,), {"id": "silent-end", "summary": "x"})


IN_THE_GATEWAY = [name for name, wrong in DEFECTS.items() if wrong.gateway or "gateway" in wrong.touches]
IN_THE_GATEWAY += [name for name, wrong in DEFECTS.items() if wrong.shared and not wrong.touches]


@pytest.mark.parametrize("defect", sorted(set(IN_THE_GATEWAY)))
async def test_a_defective_gateway_starts_serves_and_stops(start, provider, parts, defect):
    backend = await start(defect=defect)
    user = await backend.user()
    headers = {"Authorization": f"Bearer {user.token}"}  # nobody needs it but one of them
    async with backend.session.get(f"{backend.url}/v1/models", headers=headers) as response:
        assert response.status == 200
        assert await response.json()
    status, _, answer = await backend.chat(user)
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello")
    provider.stream(*parts["healthy"])
    async with backend.open(user, stream=True) as response:
        assert response.status == 200
        seen = await response.content.readuntil(b"Hel")
    assert b"chat.completion.chunk" in seen or defect == "chunk-without-object"
    await backend.stop()
