"""The reference backend for hand use: one system on a port, its providers simulated."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import aiohttp

from harness.core.errors import PortInUse
from harness.core.fault import Fault
from harness.core.names import System
from harness.core.profile import Profile
from harness.core.user import User
from harness.servers.listener import HOST
from harness.servers.simulator import Simulator
from harness.systems import chat, gateway, runs, workflow
from harness.targets.launch import launch
from harness.targets.running import Target

CREDITS_TO_TRY = 1000


async def serve(
    profile: Profile, system: System, *, port: int, defect: str | None, fault: Fault, told: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, then drain. ``told`` gets the address, a token and a call to try.

    Raises:
        PortInUse: something else listens on the port.
        TargetError: the backend does not come up.
    """
    _require_free(port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(fault=fault) as simulator:
        urls = {provider: simulator.base_url(provider) for provider in simulator.providers}
        target = await launch(profile.only([system]), urls, defect=defect, port=port)
        try:
            user = await target.user(credits=CREDITS_TO_TRY, tier="pro")
            told(f"{system} of the reference backend, at {target.url(system)}")
            told(f"providers simulated, fault: {fault.id}" + (f"; defect: {defect}" if defect else ""))
            told(f"token ({CREDITS_TO_TRY} credits, tier pro): {user.token}")
            path, body = await _to_try(target, system, user)
            told(
                f"try: curl -N {target.url(system)}{path} -H 'Authorization: Bearer {user.token}' "
                f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
            )
            told("Ctrl-C ends it.")
            await stop.wait()
        finally:
            await target.close()


async def _to_try(target: Target, system: System, user: User) -> tuple[str, dict[str, Any]]:
    """The path and the body of a call that works."""
    if system is System.WORKFLOW:
        profile = {"name": "Zoe", "level": "beginner"}
        return workflow.PLAN.path, {"user_profile": profile, "questionnaires": [], "context": {"goal": "10 km"}}
    model = next(model.id for model in target.profile.systems[system].models if model.listed)
    if system is System.RUNS:
        return runs.RUN.path.format(project_id=await target.project(user)), {"input": "Hello", "model": model}
    if system is System.CHAT:
        session = await _chat_session(target, user)
        return chat.STREAM.path.format(session_id=session), {"modelId": model, "message": "Hello"}
    return gateway.CHAT.path, {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


async def _chat_session(target: Target, user: User) -> str:
    """The id of a new session."""
    url, headers = target.url(System.CHAT) + chat.CREATE.path, {"Authorization": f"Bearer {user.token}"}
    async with aiohttp.ClientSession() as client, client.post(url, headers=headers, json={}) as answer:
        return str((await answer.json())["sessionId"])


def _require_free(port: int) -> None:
    """Say so before anything is started, where the port cannot be listened on."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as taken:
            raise PortInUse(HOST, port) from taken
