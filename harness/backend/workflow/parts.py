"""The parts of the workflow: the classes that the system is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from .answer import AnswerReader
from .billing import PlanBilling
from .chatkit import ChatKit
from .errors import ErrorTable
from .front import PlanFront
from .journal import PlanJournal
from .planner import Planner
from .request import PlanValidator
from .requirements import Requirements
from .rows import PlanRows
from .service import PlanService


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowParts:
    """One class for each part. See the class of a part for what it does."""

    billing: type[PlanBilling] = PlanBilling
    chatkit: type[ChatKit] = ChatKit
    errors: type[ErrorTable] = ErrorTable
    front: type[PlanFront] = PlanFront
    journal: type[PlanJournal] = PlanJournal
    planner: type[Planner] = Planner
    reader: type[AnswerReader] = AnswerReader
    requirements: type[Requirements] = Requirements
    rows: type[PlanRows] = PlanRows
    service: type[PlanService] = PlanService
    validator: type[PlanValidator] = PlanValidator
