"""What is a UUID of RFC 9562."""

import pytest

from harness.contracts.ids import is_uuid


@pytest.mark.parametrize("version", range(16))
def test_the_versions_are_those_of_the_specification(version):
    assert is_uuid(f"0190f0b0-0000-{version:x}000-8000-000000000001") is (1 <= version <= 8)


@pytest.mark.parametrize("variant", range(16))
def test_the_variant_is_the_specifications(variant):
    assert is_uuid(f"0190f0b0-0000-4000-{variant:x}000-000000000001") is (8 <= variant <= 11)


@pytest.mark.parametrize(
    "text",
    [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "0190f0b0000040008000000000000001",
        "{0190f0b0-0000-4000-8000-000000000001}",
        "urn:uuid:0190f0b0-0000-4000-8000-000000000001",
        "0190f0b0-0000-4000-8000-00000000000",
        "",
    ],
)
def test_nothing_else_is_one(text):
    assert not is_uuid(text)


def test_the_case_makes_no_difference():
    assert is_uuid("0190F0B0-0000-4000-8000-00000000000A")
