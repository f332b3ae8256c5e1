"""Amounts at the edges: every system with credits has a case of them."""

from harness.core.names import System
from harness.scenarios.registry import load


def test_every_system_is_driven_with_the_greatest_balance():
    assert {system for system, name in load() if name == "balance-at-the-edge"} == set(System)
