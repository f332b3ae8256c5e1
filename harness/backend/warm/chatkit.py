"""The part of OpenAI's library that has ChatKit."""

from __future__ import annotations

from . import late

late(("openai.resources.beta.beta",))
