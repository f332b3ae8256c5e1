"""What drives a target through its endpoints; asserts nothing. One module per system."""

from .registry import SCENARIOS, Scenario, load, scenario

__all__ = ["SCENARIOS", "Scenario", "load", "scenario"]
