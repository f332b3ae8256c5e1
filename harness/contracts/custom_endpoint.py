"""What a gateway promises of an endpoint that its configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.core.names import Capability
from harness.core.recording import Recording
from harness.core.verdict import Pointer

from .calls import ChatCall, chat_calls, ledger
from .registry import Findings, contract
from .scope import GATEWAY

MARK = "custom-provider-name"


@dataclass(frozen=True)
class Named:
    """A call of a model of the custom endpoint, and the endpoint's name."""

    call: ChatCall
    name: str


def _named(recording: Recording) -> Iterator[Named]:
    for mark in recording.marks:
        if mark.name == MARK:
            yield from (Named(call, mark.data["name"]) for call in chat_calls(recording))


@contract(
    "models.custom-endpoint-found",
    select=_named,
    systems=GATEWAY,
    needs=[Capability.VARIANTS],
    source="house: OPENAI_CUSTOM_PROVIDER_NAME names the endpoint in the provider table",
    breakers=("custom-provider-name-unknown",),
)
def custom_endpoint_found(named: Named, _recording: Recording) -> Findings:
    """A custom endpoint is found by the name that the configuration gives it, whatever that is.

    The name is looked up in a table of providers; one that only the configuration knows must be in it too.
    """
    call = named.call
    if not call.succeeded:
        code = call.error.code if call.error else None
        yield call.violation(f"A model of the endpoint '{named.name}' was answered by {call.client.status} {code}.")


@contract(
    "models.custom-endpoint-named",
    select=_named,
    systems=GATEWAY,
    needs=[Capability.VARIANTS, Capability.LEDGER],
    source="house: OPENAI_CUSTOM_PROVIDER_NAME names the endpoint in the provider table",
    breakers=("custom-provider-named-openai",),
)
def custom_endpoint_named(named: Named, recording: Recording) -> Findings:
    """The usage of a custom endpoint's models is written down under the endpoint's own name.

    Under another's it would be looked for in the wrong bill.
    """
    account = ledger(recording)
    others = sorted({use.provider for use in account.usage if use.provider != named.name}) if account else []
    if others:
        yield named.call.violation(
            f"The endpoint '{named.name}' answered, the usage row names {', '.join(others)}.", Pointer(probe="ledger")
        )
