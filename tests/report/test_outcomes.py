import re

from harness.core.fault import FAULTS
from harness.report.outcomes import BEGIN, END, fault_tables, with_fault_tables
from harness.systems.outcomes import BEHAVIOURS, rows

SECTIONS = dict(re.findall(r"### (\w+)\n\n((?:\|.*\n)+)", fault_tables()))


def test_every_system_has_its_table_and_every_fault_that_strikes_it_a_place_in_it():
    assert list(SECTIONS) == [system.value for system in BEHAVIOURS]
    for fault in FAULTS:
        for row in rows(fault):
            (line,) = [
                line
                for line in SECTIONS[row.system.value].splitlines()
                if line.startswith(f"| {row.words.replace('|', chr(92) + '|')} | ")
            ]
            assert f"`{fault}`" in line.rpartition(" | ")[2]


def test_what_a_client_gets_is_said_once_in_a_table():
    for table in SECTIONS.values():
        said = [line.split(" | ")[0] for line in table.splitlines()]
        assert len(said) == len(set(said))


def test_a_document_gets_the_tables_between_its_marks_and_keeps_the_rest():
    document = f"# Before\n{BEGIN}\nold\n{END}\n## After\n"
    made = with_fault_tables(document)
    assert made == f"# Before\n{BEGIN}\n{fault_tables()}{END}\n## After\n"
    assert with_fault_tables(made) == made
    assert with_fault_tables("# No marks\n") == "# No marks\n"
