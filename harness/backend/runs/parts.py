"""The parts of runs: the classes that the system is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from .billing import RunBilling
from .errors import ErrorTable
from .front import RunFront
from .generation import Generator
from .health import Health
from .journal import RunJournal
from .models import Models
from .request import RunValidator
from .requirements import Requirements
from .rows import RunRows
from .service import RunService


@dataclass(frozen=True, slots=True, kw_only=True)
class RunParts:
    """One class for each part. See the class of a part for what it does."""

    billing: type[RunBilling] = RunBilling
    errors: type[ErrorTable] = ErrorTable
    front: type[RunFront] = RunFront
    generator: type[Generator] = Generator
    health: type[Health] = Health
    journal: type[RunJournal] = RunJournal
    models: type[Models] = Models
    requirements: type[Requirements] = Requirements
    rows: type[RunRows] = RunRows
    service: type[RunService] = RunService
    validator: type[RunValidator] = RunValidator
