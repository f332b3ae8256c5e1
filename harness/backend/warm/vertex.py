"""Google's libraries, and Anthropic's, which speaks to Claude there."""

from __future__ import annotations

from . import late

late(("harness.backend.dialects.vertex", "google.oauth2.service_account", "anthropic.resources.messages"))
