"""AWS's library."""

from __future__ import annotations

from harness.backend.aws import library_data

from . import late

late(("harness.backend.dialects.bedrock",))
library_data()
