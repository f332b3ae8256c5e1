from harness.systems.outcomes import rows


def test_a_fault_is_explained_with_what_each_system_must_make_of_it(harness):
    said = harness("explain", "http-429")
    assert said.code == 0
    for row in rows("http-429"):
        assert f"{row.system}, {row.answer}: {row.words}" in " ".join(said.out.split())
    document = harness("explain", "http-429", "--json").json
    assert len(document["what_a_correct_backend_does"]) == len(rows("http-429"))


def test_a_scenario_that_systems_share_is_explained_for_each(harness):
    document = harness("explain", "bad-input", "--json").json
    assert sorted(document["system"]) == ["agent", "chat", "gateway", "runs", "workflow"]
    assert all(f"{system}: " in document["summary"] for system in document["system"])


def test_a_scenario_of_one_system_is_that_systems(harness):
    document = harness("explain", "strange-project", "--json").json
    assert document["system"] == ["runs"]
    assert "alone" not in harness("explain", "strange-project").out
