"""What the workflow cannot start without."""

from __future__ import annotations

from harness.backend.settings import Settings, SettingsError


class Requirements:
    """The settings that have no default: without them every plan would fail, each of them charged and refunded."""

    def check(self, settings: Settings) -> None:
        """Raises SettingsError, which names the settings that are missing."""
        wanted = {
            "OPENAI_API_KEY": settings.openai_api_key,
            "EDN360_TRAINING_WORKFLOW_ID": settings.edn360_training_workflow_id,
        }
        missing = [name for name, value in wanted.items() if not value]
        if missing:
            raise SettingsError(f"{' and '.join(missing)} required: plans are made by a ChatKit workflow")
