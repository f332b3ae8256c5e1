"""The agent and Vertex AI: access tokens that end or are refused, and the list of models."""

from __future__ import annotations

import asyncio

from harness.core.fault import FAULTS
from harness.core.names import Answer, Capability, Provider, System
from harness.core.user import User
from harness.endpoints.http import Answer as Reply
from harness.providers import vertex
from harness.servers.gate import Gate, before_headers
from harness.systems import agent

from .agent import chat
from .gateway import HELD, chat_body, model_ids
from .registry import scenario
from .stage import Stage

AGENT = System.AGENT
VERTEX = (Provider.VERTEX,)
TIMED = (*HELD, Capability.CLOCK, Capability.VARIANTS)
AT_ONCE = 8
LOOKS = 4
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


@scenario(
    "token-renewed-at-once",
    AGENT,
    answer=Answer.PLAIN,
    alone=True,
    only=VERTEX,
    needs=(*HELD, Capability.CLOCK, Capability.LEDGER),
)
async def token_renewed_at_once(stage: Stage) -> None:
    """Chats at once whose token has ended; then many that are refused together, and many that are refused late.

    The mark ``tokens-refused`` says when a token begins to be refused: after that mark one more is wanted.
    """
    user = await stage.user()
    stage.own_traffic()
    await chat(stage, user, None)
    await stage.advance(agent.TOKEN_LIFETIME_S - agent.TOKEN_SPARE_S)
    granting = stage.gate(before_headers(vertex.TOKEN))
    asked = stage.script.count(None)
    calls, _ = _chats(stage, user)
    await stage.untied_seen(asked + 1)
    await stage.first_of([_placed(stage, user, 1 + AT_ONCE)])
    granting.open()
    await asyncio.gather(*calls)
    for late in (False, True):
        with stage.struck(FAULTS["expired-token"]):
            await _refused_at_once(stage, user, late=late)
    await stage.settle(user)


async def _refused_at_once(stage: Stage, user: User, *, late: bool) -> None:
    """Chats whose token is refused at one moment; ``late``: when one more has been refused and has renewed it."""
    stage.mark("tokens-refused")
    refusing, granting = Gate(), Gate()
    points = [before_headers(operation) for operation in (*vertex.CLAUDE_CALLS, *vertex.GEMINI_CALLS)]
    stage.script.gates.update(dict.fromkeys(points, refusing))
    calls, ties = _chats(stage, user)
    await stage.first_of([asyncio.gather(*(stage.script.seen(tie) for tie in ties))])
    if late:
        for point in points:
            del stage.script.gates[point]
        await chat(stage, user, None)
    else:
        stage.script.gates[before_headers(vertex.TOKEN)] = granting
    refusing.open()
    await stage.first_of([asyncio.gather(*(stage.script.ended(tie) for tie in ties))])
    granting.open()
    await asyncio.gather(*calls)


def _chats(stage: Stage, user: User) -> tuple[list[asyncio.Task[Reply]], list[str]]:
    """Chats of one user at once, and the tags of their prompts."""
    prompts = [stage.prompt() for _ in range(AT_ONCE)]
    calls = [asyncio.create_task(chat(stage, user, None, prompt=prompt)) for prompt in prompts]
    return calls, [prompt.tie for prompt in prompts]


async def _placed(stage: Stage, user: User, count: int) -> None:
    """Wait until so many of the user's calls have a hold: all that they still want is a token, then the provider.

    A hold can be seen a moment before its call goes on: so it is looked for a few times more, which takes as long.
    """
    while await _holds(stage, user) < count:
        pass
    for _ in range(LOOKS):
        await _holds(stage, user)


async def _holds(stage: Stage, user: User) -> int:
    ledger = await stage.target.ledger(user.id or "", 0)
    return sum(entry["kind"] == "hold" for entry in ledger["entries"])


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
