"""The reference implementation of the systems. Imports nothing else of the harness."""
