"""What a fault is: a few deviations from the healthy answer, and which answers they can spoil.

The fields are independent of each other; a provider's codec and the simulator each read the ones that concern them.
``core.fault`` has every fault there is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .deviation import Body, Damage, Done, Insert, Polled, Reach, Then, Usage, Writes
from .forms import FORMS
from .names import Answer, Form, Provider
from .recording import NO_FAULT, Headers

BOTH = frozenset(Answer)
PLAIN = frozenset({Answer.PLAIN})
STREAM = frozenset({Answer.STREAM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way for a provider to fail.

    ``applies`` says which answers it can spoil, ``providers`` whose (None: anybody's), ``forms`` in which form (None:
    in any). ``group`` is a second name that selects all of its kind.
    ``after`` counts the content events of a stream that come before the fault's point.
    ``delay_ms`` is waited before the first content (of a plain answer: before its headers).
    ``error_type`` is what an error calls itself, in band or (Bedrock's) with its status (None: the usual for it).
    ``pings`` puts the protocol's keep-alive event before every other. ``damage``: what is inserted is no sound frame.
    ``stale_token``: the first access token that comes is refused as expired, until a newer one does.
    ``heals_after`` is how many requests with the same tag suffer it (None: each of them); where they belong to no case,
    how many for the same call.
    ``operation`` is the one call that is struck (None: each call that a model's answer takes, and no other: lists of
    models and requests for tokens are struck where they are named, and only then).
    ``polls`` is how many polls come before the first that is struck; where none is named, how many find no answer yet
    (None: as many as usual).
    """

    id: str
    summary: str
    applies: frozenset[Answer] = BOTH
    providers: frozenset[Provider] | None = None
    forms: frozenset[Form] | None = None
    group: str = ""
    reach: Reach = Reach.OK
    status: int | None = None
    headers: Headers = ()
    retry_after_date_s: int | None = None
    silent: bool = False
    delay_ms: int = 0
    content_type: str | None = None
    body: Body = Body.ANSWER
    after: int = 3
    insert: Insert | None = None
    then: Then = Then.GO_ON
    usage: Usage = Usage.TRUE
    done: Done = Done.ONCE
    writes: Writes = Writes.EVENTS
    newline: str = "\n"
    comments: bool = False
    error_type: str | None = None
    pings: bool = False
    damage: Damage = Damage.NONE
    stale_token: bool = False
    operation: str | None = None
    heals_after: int | None = None
    polls: int | None = None
    polled: Polled = Polled.ANSWER

    def strikes(self, provider: Provider, answer: Answer, form: Form | None = None) -> bool:
        """Whether it can spoil this kind of answer of this provider, in this form or (None) in a usual one."""
        forms = FORMS[provider] if form is None else {form}
        if answer is Answer.STREAM:
            forms = forms - {Form.DOCUMENTS}
        whose = self.providers is None or provider in self.providers
        return whose and answer in self.applies and any(self.forms is None or one in self.forms for one in forms)

    def on(self, operation: str, *, named: bool = False) -> Fault:
        """What a call of this name suffers; ``named``: only of a fault that names it."""
        struck = not named if self.operation is None else self.operation == operation
        return self if struck else HEALTHY

    def at(self, attempt: int) -> Fault:
        """What the request suffers that comes after so many with the same tag."""
        return self if self.heals_after is None or attempt < self.heals_after else HEALTHY

    @property
    def tied(self) -> bool:
        """Whether the provider's traffic can be tied to its case; a refused connection shows nobody's tag."""
        return self.reach is Reach.OK

    @property
    def cosmetic(self) -> bool:
        """Whether only the form on the wire differs: the answer is right, and a right client sees no difference."""
        return all(
            (
                self.reach is Reach.OK,
                self.status is None,
                not self.silent,
                not self.stale_token,
                self.content_type is None,
                self.body is Body.ANSWER,
                self.insert is None,
                self.then is Then.GO_ON,
                self.usage is Usage.TRUE,
                self.polled in (Polled.ANSWER, Polled.TEXT_BLOCK),
                self.done in (Done.ONCE, Done.TWICE, Done.EARLY, Done.NEVER),
            )
        )


HEALTHY = Fault(id=NO_FAULT, summary="healthy")
"""No fault."""
