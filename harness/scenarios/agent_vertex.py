"""The agent and Vertex AI: access tokens that end or are refused, and the list of models."""

from __future__ import annotations

import asyncio

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, Provider, System
from harness.systems import agent

from .agent import chat
from .gateway import HELD, chat_body, model_ids
from .registry import scenario
from .stage import Stage

AGENT = System.AGENT
VERTEX = (Provider.VERTEX,)
TIMED = (*HELD, Capability.CLOCK, Capability.VARIANTS)
AT_ONCE = 8
SECOND_TOKEN_LIMIT_S = 0.5
"""How long a second request for a token is waited for while the first is held: a right target sends none."""


@scenario("token-refused", AGENT, answer=Answer.PLAIN, alone=True, only=VERTEX, needs=HELD)
async def token_refused(stage: Stage) -> None:
    """Vertex refuses the token that the target has, then takes its next one; then it refuses whatever it is given."""
    user = await stage.user()
    stage.own_traffic()
    for fault in ("expired-token", "http-401"):
        for stream in (False, True):
            with stage.struck(FAULTS[fault]):
                await chat(stage, user, None, stream=stream)
    await chat(stage, user, None)
    await stage.settle(user)


@scenario(
    "token-at-once",
    AGENT,
    answer=Answer.PLAIN,
    alone=True,
    only=VERTEX,
    needs=TIMED,
    settings={"GOOGLE_CLOUD_LOCATION": "europe-west1"},
)
async def token_at_once(stage: Stage) -> None:
    """Chats at once, the first that this target ever gets: none of them finds a token, and the first is slow to come.

    Then its end comes near, and there are two more chats, one after the other.
    """
    user = await stage.user()
    stage.own_traffic()
    gate = stage.gate("before-headers")
    calls = [asyncio.create_task(chat(stage, user, None)) for _ in range(AT_ONCE)]
    await stage.untied_seen(1)
    await stage.untied_seen(2, within_s=SECOND_TOKEN_LIMIT_S)
    gate.open()
    await asyncio.gather(*calls)
    await stage.advance(agent.TOKEN_LIFETIME_S - agent.TOKEN_SPARE_S)
    for _ in range(2):
        await chat(stage, user, None)
    await stage.settle(user)


@scenario("models", AGENT, answer=Answer.PLAIN, alone=True, only=VERTEX, needs=TIMED)
async def models(stage: Stage) -> None:
    """The list of models, asked for by nobody in particular twice, and once more when it is old; then calls of each."""
    user = await stage.user()
    stage.own_traffic()
    api, nobody = stage.agent(user.token), stage.agent(None)
    await stage.advance(agent.MODELS_FRESH_S)
    for _ in range(2):
        listed = await nobody.models()
    await stage.advance(agent.MODELS_FRESH_S)
    await nobody.models()
    for model in model_ids(listed.body):
        prompt = stage.prompt()
        await api.chat(chat_body(stage, prompt, model=model), tie=prompt.tie)
    await stage.settle(user)


@scenario(
    "models-no-credentials",
    AGENT,
    only=VERTEX,
    needs=[Capability.VARIANTS],
    settings={"GOOGLE_APPLICATION_CREDENTIALS": None, "GOOGLE_CLOUD_PROJECT": None},
)
async def models_no_credentials(stage: Stage) -> None:
    """The list of models where there is nothing to ask Vertex with."""
    user = await stage.user()
    await stage.agent(user.token).models()
    await stage.settle(user)


@scenario(
    "models-no-project",
    AGENT,
    answer=Answer.PLAIN,
    alone=True,
    only=VERTEX,
    needs=[Capability.VARIANTS],
    settings={
        "GOOGLE_APPLICATION_CREDENTIALS": None,
        "GOOGLE_CLOUD_PROJECT": None,
        "VERTEX_AI_ACCESS_TOKEN": "ya29.without-project",
    },
)
async def models_no_project(stage: Stage) -> None:
    """The list of models where there is an access token and no project, which stands in no list's path."""
    user = await stage.user()
    stage.own_traffic()
    await stage.agent(user.token).models()
    await stage.settle(user)


@scenario(
    "models-no-key",
    AGENT,
    only=VERTEX,
    needs=[Capability.VARIANTS],
    settings={"GOOGLE_APPLICATION_CREDENTIALS": None},
)
async def models_no_key(stage: Stage) -> None:
    """The list of models where there is a project, and neither a service account nor a token."""
    await stage.agent(None).models()
