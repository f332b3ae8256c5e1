"""Columns are declared once; the documentation is made from the declarations."""

import re
from pathlib import Path

import pytest

from harness.results.columns import CASE, TABLES, markdown
from harness.results.parquet import schema

DOCUMENT = Path(__file__).parents[2] / "notebooks" / "README.md"


def test_the_documentation_has_the_columns_as_declared():
    """Where this fails, print ``harness.results.columns.markdown()`` into the section."""
    found = re.search(r"<!-- columns -->\n(.*)\n<!-- /columns -->", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found
    assert found[1] == markdown()


@pytest.mark.parametrize("table", TABLES)
def test_names_are_unique_and_every_column_has_a_meaning(table):
    columns = TABLES[table]
    assert len({column.name for column in columns}) == len(columns)
    for column in columns:
        assert column.meaning.endswith((".", ".)"))
        assert "|" not in column.meaning


@pytest.mark.parametrize("table", TABLES)
def test_a_name_that_ends_in_a_unit_has_that_unit(table):
    units = {"_ms": ("ms", "ms/token"), "_per_s": ("characters/s", "tokens/s"), "_bytes": ("bytes",)}
    for column in TABLES[table]:
        for ending, unit in units.items():
            assert not column.name.endswith(ending) or column.unit in unit, column.name


def test_every_table_of_cases_begins_with_the_cases_columns():
    for name, columns in TABLES.items():
        assert name == "runs" or columns[: len(CASE)] == CASE


def test_units_and_meanings_go_along_in_the_files():
    field = schema("exchanges").field("ttft_ms")
    assert field.metadata[b"unit"] == b"ms"
    assert b"first token" in field.metadata[b"meaning"]
