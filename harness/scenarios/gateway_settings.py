"""Ways to use a gateway whose configuration is another than usual."""

from __future__ import annotations

from harness.core.names import Answer, Capability, Provider, System

from .gateway import chat_body
from .registry import scenario
from .stage import Stage

CUSTOM_NAME = "house-models"
"""A name for the custom endpoint that no provider has."""


@scenario(
    "custom-provider-name",
    System.GATEWAY,
    answer=Answer.PLAIN,
    needs=[Capability.VARIANTS],
    settings={"OPENAI_CUSTOM_PROVIDER_NAME": CUSTOM_NAME},
    only=[Provider.COMPATIBLE],
)
async def custom_provider_name(stage: Stage) -> None:
    """A call of a model of the custom endpoint, which goes by a name of its own; the mark of that name says which."""
    user, prompt = await stage.user(), stage.prompt()
    stage.mark("custom-provider-name", {"name": CUSTOM_NAME})
    await stage.gateway(user.token).chat(chat_body(stage, prompt), tie=prompt.tie)
    await stage.settle(user)
