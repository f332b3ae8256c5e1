"""Calls of one model family each, where one provider has several: a family's answers have a form of their own.

The usual scenarios call a provider's dearest model, so its other families are struck here: Gemini, which has a library
of its own, by all that can strike it; Bedrock's by the faults that show in what a family says (its chunks, its counts,
its end).
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.errors import StageError
from harness.core.names import Answer, Provider, System

from .chat import one_stream
from .gateway import chat_body
from .registry import Drive, scenario
from .stage import Stage

TEXT_STREAM = (
    *("no-usage", "zero-usage", "absurd-usage-huge", "absurd-usage-nan", "empty-choices", "empty-body"),
    *("cut", "no-finish", "no-done", "reset-mid-stream", "error-event", "malformed-chunk"),
)
"""What shows in the chunks of Titan and Llama, each in its own form, and a stream with none."""


def model_of(stage: Stage, family: str) -> str:
    """The first listed model of this case's provider with this in its id.

    Raises:
        StageError: the profile declares none.
    """
    found = stage.target.profile.systems[stage.system].family(stage.provider, family)
    if not found:
        raise StageError(f"no model '{family}' of '{stage.provider}'", where=f"target '{stage.case.target}'")
    return found[0].id


def _plain(family: str) -> Drive:
    async def drive(stage: Stage) -> None:
        user, prompt, model = await stage.user(), stage.prompt(), model_of(stage, family)
        await stage.gateway(user.token).chat(chat_body(stage, prompt, model=model), tie=prompt.tie)
        await stage.settle(user)

    drive.__doc__ = f"One plain chat completion of a {family.capitalize()} model."
    return drive


def _stream(family: str) -> Drive:
    async def drive(stage: Stage) -> None:
        user, prompt, model = await stage.user(), stage.prompt(), model_of(stage, family)
        body = chat_body(stage, prompt, model=model, stream=True, include_usage=True)
        await stage.gateway(user.token).chat(body, tie=prompt.tie)
        await stage.settle(user)

    drive.__doc__ = f"One streamed chat completion of a {family.capitalize()} model, which asks for its usage."
    return drive


def _observed(family: str) -> Drive:
    async def drive(stage: Stage) -> None:
        await one_stream(stage, modelId=model_of(stage, family))

    drive.__doc__ = f"One stream of a {family.capitalize()} model."
    return drive


def _calls(family: str, provider: Provider, *, plain: Iterable[str] = (), streamed: Iterable[str] = ()) -> None:
    """A plain call and a streamed one; without names they are struck by all that can."""
    for answer, struck, drive in ((Answer.PLAIN, plain, _plain(family)), (Answer.STREAM, streamed, _stream(family))):
        scenario(
            f"chat-{answer.value}-{family}",
            System.GATEWAY,
            answer=answer,
            faults=True,
            only=[provider],
            struck=struck,
            family=family,
        )(drive)


_calls("gemini", Provider.VERTEX)
for _family in ("nova", "llama"):
    _calls(_family, Provider.BEDROCK, plain=("no-usage",), streamed=("no-usage", "cut"))
for _family in ("titan", "llama"):
    scenario(
        f"stream-{_family}",
        System.CHAT,
        answer=Answer.STREAM,
        faults=True,
        only=[Provider.BEDROCK],
        struck=TEXT_STREAM,
        family=_family,
    )(_observed(_family))
