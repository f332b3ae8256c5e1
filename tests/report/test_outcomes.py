from harness.core.fault import FAULTS
from harness.report.outcomes import BEGIN, END, fault_table, with_fault_table
from harness.systems.outcomes import rows

LINES = fault_table().splitlines()


def test_every_fault_has_its_line_in_the_order_of_the_list():
    assert [line.split("`")[1] for line in LINES[2:]] == list(FAULTS)


def test_every_line_has_a_cell_for_each_column_and_says_all_that_the_table_says():
    assert {line.count(" | ") for line in LINES} == {LINES[0].count(" | ")}
    for line in LINES[2:]:
        assert all(row.words in line for row in rows(line.split("`")[1]))


def test_what_is_the_same_streamed_or_not_is_said_once():
    (line,) = (line for line in LINES if "`http-401`" in line)
    assert line.count("provider_auth_error") == 1
    (line,) = (line for line in LINES if "`cut`" in line)
    assert "streamed: 200, then" in line
    assert "| - |" in line


def test_a_document_gets_the_table_between_its_marks_and_keeps_the_rest():
    document = f"# Before\n{BEGIN}\nold\n{END}\n## After\n"
    made = with_fault_table(document)
    assert made == f"# Before\n{BEGIN}\n{fault_table()}{END}\n## After\n"
    assert with_fault_table(made) == made
    assert with_fault_table("# No marks\n") == "# No marks\n"
