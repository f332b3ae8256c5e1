"""What is imported by now lives as long as the process: no backend's garbage collector has to search it."""

from __future__ import annotations

import gc

gc.collect()
gc.freeze()
