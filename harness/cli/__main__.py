"""``python -m harness.cli``: the same as the command ``harness``."""

from . import main

main()
