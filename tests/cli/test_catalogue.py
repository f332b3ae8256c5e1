import pytest

from harness import contracts


@pytest.mark.parametrize("kind", ["contracts", "scenarios", "faults", "targets", "defects"])
def test_every_list_is_a_table_and_a_json_list(harness, kind):
    rows = harness("list", kind, "--json").json
    assert rows
    assert len({(row["id"], row.get("system")) for row in rows}) == len(rows)
    table = harness("list", kind)
    assert table.code == 0
    assert all(row["id"] in table.out for row in rows)


def test_contracts_are_listed_with_what_machines_ask_for(harness):
    for row in harness("list", "contracts", "--json").json:
        assert {"id", "level", "source", "family", "subject"} <= set(row)


@pytest.mark.parametrize("name", contracts.load())
def test_every_contract_is_explained(harness, name):
    said = harness("explain", name)
    assert said.code == 0
    one = contracts.load()[name]
    squeezed = " ".join(said.out.split())
    assert one.promise.split("`")[0].strip() in squeezed
    assert all(breaker in said.out for breaker in one.breakers[:1])


def test_a_fault_a_scenario_and_a_defect_are_explained_too(harness):
    for name, kind in (("cut", "fault"), ("chat-stream", "scenario"), ("double-done", "defect")):
        assert harness("explain", name, "--json").json["kind"] == kind


def test_the_help_names_every_command(harness):
    said = harness("--help")
    named = ("run", "replay", "check", "list", "explain", "serve", "play", "proxy", "record", "show", "doctor")
    assert [word for word in named if f"  {word} " not in said.out] == []
