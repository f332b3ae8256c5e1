"""System 5: sessions with a Claude-style agent, behind the gateway's OpenAI-compatible face."""
