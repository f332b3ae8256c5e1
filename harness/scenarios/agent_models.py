"""The agent's list of models while Vertex AI refuses it, or the token that it is asked for with."""

from __future__ import annotations

from dataclasses import replace

from harness.core.fault import select_faults
from harness.core.names import Answer, Capability, Provider, System
from harness.providers import vertex
from harness.systems import agent

from .gateway import HELD
from .registry import scenario
from .stage import Stage

NO_LIST = select_faults(("http-*", "not-json", "empty-body", "reset-plain"))
"""What may come in the place of a list; of those that are for one provider only, none."""
NO_TOKEN = select_faults(("http-400", "http-401", "http-429", "http-503"))


@scenario(
    "models-refused",
    System.AGENT,
    answer=Answer.PLAIN,
    alone=True,
    only=(Provider.VERTEX,),
    needs=(*HELD, Capability.CLOCK),
)
async def models_refused(stage: Stage) -> None:
    """The list of models while Vertex refuses it in each of its ways, then while it gives no token for it.

    The faults strike the list, then the request for a token, and nothing else; at the end there are none.
    """
    user = await stage.user()
    stage.own_traffic()
    api = stage.agent(user.token)
    await stage.advance(agent.MODELS_FRESH_S)
    for fault in NO_LIST:
        if fault.strikes(stage.provider, Answer.PLAIN):
            with stage.struck(replace(fault, operation=vertex.MODELS)):
                await api.models()
    await stage.advance(agent.TOKEN_LIFETIME_S)
    for fault in NO_TOKEN:
        with stage.struck(replace(fault, operation=vertex.TOKEN)):
            await api.models()
    await api.models()
    await stage.settle(user)
