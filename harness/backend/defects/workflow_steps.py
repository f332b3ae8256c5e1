"""Defects in what a plan asks of ChatKit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from harness.backend.clients import ProviderClients
from harness.backend.providers import Provider
from harness.backend.upstream import Kind, UpstreamError
from harness.backend.workflow.chatkit import ChatKit
from harness.backend.workflow.plan import Plan
from harness.backend.workflow.planner import Planner

from .base import Defect, instead


class WorkflowInputInSession(Defect):
    """What is asked for goes along with the session, where other APIs have it."""

    id = "workflow-input-in-session"
    summary = "the session is asked for with a field input, which ChatKit does not know"

    class _Tells(ChatKit):
        def extra(self) -> dict[str, object] | None:
            return {"input": {"language": "en"}}

    workflow = instead(chatkit=_Tells)


class WorkflowBetaHeaderOnce(Defect):
    """The library sends the header by itself, for the call that it knows."""

    id = "workflow-beta-header-once"
    summary = "the calls that the library does not have go without the beta header"

    class _Forgets(ChatKit):
        def headers(self) -> Mapping[str, str]:
            return {}

    workflow = instead(chatkit=_Forgets)


class WorkflowIdHardCoded(Defect):
    """The workflow of the day it was written."""

    id = "workflow-id-hard-coded"
    summary = "the session is one of another workflow than the configured one"

    class _Knows(ChatKit):
        def __init__(self, clients: ProviderClients, provider: Provider, workflow_id: str) -> None:
            super().__init__(clients, provider, f"{workflow_id}_draft")

    workflow = instead(chatkit=_Knows)


class WorkflowOldestFirst(Defect):
    """The order in which people read."""

    id = "workflow-oldest-first"
    summary = "the messages are asked for with the oldest first"

    class _Reads(ChatKit):
        def list_options(self) -> Mapping[str, object]:
            return {**super().list_options(), "order": "asc"}

    workflow = instead(chatkit=_Reads)


class WorkflowQuestionnairesDropped(Defect):
    """The profile says it all, or so it was thought."""

    id = "workflow-questionnaires-dropped"
    summary = "the provider is not told of the questionnaires"

    class _Shortens(Planner):
        def text(self, plan: Plan) -> str:
            return json.dumps({**json.loads(super().text(plan)), "questionnaires": []})

    workflow = instead(planner=_Shortens)


class WorkflowTextNotJson(Defect):
    """Python's own way of writing a dictionary looks so much alike."""

    id = "workflow-text-not-json"
    summary = "the message is the request as Python writes it, not as JSON"

    class _Prints(Planner):
        def text(self, plan: Plan) -> str:
            return str(json.loads(super().text(plan)))

    workflow = instead(planner=_Prints)


class WorkflowSessionReused(Defect):
    """One session for each user saves a call."""

    id = "workflow-session-reused"
    summary = "a user's second plan is asked for in the session of the first"

    class _Keeps(Planner):
        def __init__(self, *parts: Any, **settings: Any) -> None:
            super().__init__(*parts, **settings)
            self._sessions: dict[UUID, str] = {}

        async def session(self, plan: Plan) -> str:
            return self._sessions.pop(plan.user_id, "") or await super().session(plan)

        async def make(self, plan: Plan) -> None:
            await super().make(plan)
            self._sessions[plan.user_id] = plan.session_id

    workflow = instead(planner=_Keeps)


class WorkflowGoesOnAfterFailure(Defect):
    """Whether the message was taken will show in the answer."""

    id = "workflow-goes-on-after-failure"
    summary = "a session that is gone when the message comes is polled all the same"

    class _Hopes(Planner):
        async def send(self, plan: Plan) -> None:
            try:
                await super().send(plan)
            except UpstreamError as failure:
                if failure.kind is not Kind.NOT_FOUND:
                    raise

    workflow = instead(planner=_Hopes)


class WorkflowRetriesSession(Defect):
    """What failed is tried again, unasked."""

    id = "workflow-retries-session"
    summary = "a session that could not be made is asked for a second time"

    class _Insists(Planner):
        async def session(self, plan: Plan) -> str:
            with suppress(UpstreamError):
                return await super().session(plan)
            return await super().session(plan)

    workflow = instead(planner=_Insists)
