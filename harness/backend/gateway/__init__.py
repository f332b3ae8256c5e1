"""System 4: the OpenAI-compatible inference gateway."""
