"""Who makes a promise: the systems that a target contract is judged on."""

from __future__ import annotations

GATEWAY = ("gateway",)
AGENT = ("agent",)
COMPLETIONS = ("gateway", "agent")
"""The systems with OpenAI's face: what the one promises of a chat completion, the other does too."""
STREAMED = ("chat", "gateway", "agent")
"""The systems that stream."""
WHOLE = ("runs", "workflow", "gateway", "agent")
"""The systems that answer in one piece; those answers have ids."""
RUNS = ("runs",)
WORKFLOW = ("workflow",)
EVERY = ("runs", "chat", "workflow", "gateway", "agent")
"""What every system promises. A recording without the contract's subjects is simply not judged by it."""
