"""Project runs as a service: whether it is well, what it says when it starts, and when it must not start."""

from __future__ import annotations

from harness.core.names import Capability, System
from harness.systems import runs

from .registry import scenario
from .stage import Stage

RUNS = System.RUNS
STARTUP = (Capability.STARTUP, Capability.VARIANTS)

ENV_FILES = (
    ("good", f"# what runs in production\nPORT=4000\n{runs.DEFAULT_MODEL_SETTING}={runs.DEFAULT_MODEL}\n", None),
    (
        "run-together",
        f"# what runs in production\n{runs.DEFAULT_MODEL_SETTING}={runs.DEFAULT_MODEL}PORT=4000\n",
        {"line": 2, "keys": [runs.DEFAULT_MODEL_SETTING, "PORT"]},
    ),
    (
        "run-together-bare",
        f"\nPORT=4000{runs.DEFAULT_MODEL_SETTING}={runs.DEFAULT_MODEL}\n",
        {"line": 2, "keys": ["PORT", runs.DEFAULT_MODEL_SETTING]},
    ),
    (
        "run-together-quoted",
        f"export {runs.DEFAULT_MODEL_SETTING}='{runs.DEFAULT_MODEL}'OPENAI_API_KEY=\"none\"\n",
        {"line": 1, "keys": [runs.DEFAULT_MODEL_SETTING, "OPENAI_API_KEY"]},
    ),
    (
        "looks-run-together",
        f"# {runs.DEFAULT_MODEL_SETTING}=xPORT=4000\nPORT=4000 # {runs.DEFAULT_MODEL_SETTING}=x\nMY_PORT=a=b\n",
        None,
    ),
)
"""Kind, the text of a ``.env`` file, and what a refusal must name."""


@scenario("health", RUNS)
async def health(stage: Stage) -> None:
    """The state of the service, asked for by nobody in particular, and by a user."""
    user = await stage.user()
    for token in (None, user.token):
        await stage.runs(token).health()
    await stage.settle(user)


@scenario("health-provider-down", RUNS, outage=True, needs=[Capability.PROVIDER])
async def health_provider_down(stage: Stage) -> None:
    """The state of the service while its provider cannot be reached, and once it is back."""
    api = stage.runs(None)
    async with stage.provider_down():
        await api.health()
    await api.health()


@scenario("health-store-down", RUNS, alone=True, needs=[Capability.PROVIDER, Capability.STORE])
async def health_store_down(stage: Stage) -> None:
    """The state of the service while its store cannot be asked, and once it is back."""
    api = stage.runs(None)
    async with stage.store_down():
        await api.health()
    await api.health()


@scenario("startup", RUNS, needs=STARTUP, settings={"OPENAI_API_KEY": None, "PORT": None})
async def startup(stage: Stage) -> None:
    """What the target said when it started, with all its settings but an optional one and its port."""
    await stage.startup()


@scenario("env-file", RUNS, needs=STARTUP)
async def env_file(stage: Stage) -> None:
    """Other instances are started with good ``.env`` files, and with files in which two lines have become one.

    The mark ``env-file`` before each start says which is which.
    """
    for kind, text, names in ENV_FILES:
        stage.mark("env-file", {"kind": kind, "names": names})
        await stage.try_start({runs.ENV_FILE_SETTING: text})
