"""Contracts: pure judges of recordings, one module per promise. ``load()`` gives all of them."""

from .registry import CONTRACTS, Contract, contract, judge, load

__all__ = ["CONTRACTS", "Contract", "contract", "judge", "load"]
