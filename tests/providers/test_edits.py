"""Changes to one place of a document touch that place only."""

from harness.providers.edits import drop, one_more, put


def test_each_edit_changes_its_place():
    document = {"a": [{"b": 1, "c": 2}], "d": 3}
    put("a", 0, "b", to="x")(document)
    put("e", to=None)(document)
    one_more("d")(document)
    drop("a", 0, "c")(document)
    assert document == {"a": [{"b": "x"}], "d": 4, "e": None}
