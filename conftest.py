"""The plugin comes by its entry point; here are Hypothesis' profiles, and less work for the garbage collector."""

import gc
import os

from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_finish() -> None:
    """What is imported and collected by now stays to the end: no collection has to search it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At its end a process takes leave of everything: libraries count what is left."""
    gc.unfreeze()
