"""``harness list`` and ``harness explain``: what there is, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from . import output
from .running import JsonOption

Rows = list[dict[str, Any]]


EXPLAINED = frozenset({"source", "family", "subject"})
"""What `explain` and the JSON say of a contract, and the table leaves out: the promise needs its width."""


class Kind(StrEnum):
    """What can be listed."""

    CONTRACTS = "contracts"
    SCENARIOS = "scenarios"
    FAULTS = "faults"
    TARGETS = "targets"
    DEFECTS = "defects"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("list")(list_)
    app.command("explain")(explain)


def list_(
    kind: Annotated[str, typer.Argument(metavar="|".join(Kind), help="What to list.")], json: JsonOption = False
) -> int:
    """List contracts, scenarios, faults, targets or defects."""
    from harness.core.errors import UnknownName

    if kind not in list(Kind):
        raise UnknownName("list", kind, list(Kind))
    rows = LISTS[Kind(kind)]()
    if json:
        output.put_json(rows)
    else:
        output.put(_table([{key: cell for key, cell in row.items() if key not in EXPLAINED} for row in rows]))
    return 0


def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="A contract, fault, scenario or defect.")],
    json: JsonOption = False,
) -> int:
    """Say what a contract promises, why, by which source, and what breaks it; or what a fault or defect does."""
    from harness.core.errors import UnknownName

    known: dict[str, dict[str, Any]] = {}
    for kind in (Kind.DEFECTS, Kind.FAULTS, Kind.SCENARIOS, Kind.CONTRACTS):
        known |= {row["id"]: {"kind": kind.value.rstrip("s"), **row} for row in DETAILS.get(kind, LISTS[kind])()}
    if id not in known:
        raise UnknownName("contract, fault, scenario or defect", id, known)
    row = known[id]
    if json:
        output.put_json(row)
    else:
        output.put(*_page(row))
    return 0


def _contracts() -> Rows:
    from harness import contracts

    return [
        {
            "id": one.id,
            "level": one.level.value,
            "source": one.source,
            "family": one.family,
            "subject": one.subject.value,
            "systems": sorted(one.systems),
            "promise": one.promise,
        }
        for one in contracts.load().values()
    ]


def _contract_details() -> Rows:
    from harness import contracts

    details = {one.id: one for one in contracts.load().values()}
    return [
        row
        | {
            "promise": details[row["id"]].text,
            "needs": sorted(need.value for need in details[row["id"]].needs),
            "broken_by": list(details[row["id"]].breakers),
            "since": details[row["id"]].since,
            "deprecated": details[row["id"]].deprecated,
            "replaced_by": details[row["id"]].replaced_by,
        }
        for row in _contracts()
    ]


def _scenarios() -> Rows:
    from harness import scenarios

    return [
        {
            "id": one.id,
            "system": one.system.value,
            "answer": one.answer.value if one.answer else None,
            "faults": len(one.fault_list()),
            "alone": one.alone,
            "needs": sorted(need.value for need in one.needs),
            "summary": one.summary,
        }
        for one in scenarios.load().values()
    ]


def _faults() -> Rows:
    from harness.core.fault import FAULTS, Fault
    from harness.core.names import Provider

    def whose(one: Fault) -> list[str] | None:
        """The providers that it can strike; None: each that has such answers."""
        if one.providers is None and one.forms is None:
            return None
        return sorted(who.value for who in Provider if any(one.strikes(who, answer) for answer in one.applies))

    return [
        {
            "id": one.id,
            "group": one.group or None,
            "applies": sorted(answer.value for answer in one.applies),
            "providers": whose(one),
            "summary": one.summary,
        }
        for one in FAULTS.values()
    ]


def _scenario_details() -> Rows:
    """One row an id: systems that have a scenario of the same name share it."""
    details: dict[str, dict[str, Any]] = {}
    for row in _scenarios():
        same = details.setdefault(row["id"], {**row, "system": [], "needs": [], "summary": ""})
        same["system"].append(row["system"])
        same["needs"] = sorted({*same["needs"], *row["needs"]})
        same["summary"] += f"{row['system']}: {row['summary']}\n"
    return [row | {"summary": row["summary"].strip()} for row in details.values()]


def _fault_details() -> Rows:
    from harness.systems.outcomes import rows

    return [
        row | {"what_a_correct_backend_does": [f"{one.system}, {one.answer}: {one.words}" for one in rows(row["id"])]}
        for row in _faults()
    ]


def _targets() -> Rows:
    from harness.targets.profiles import find_profile, shipped

    return [
        {
            "id": profile.name,
            "launch": profile.launch.value,
            "systems": sorted(profile.systems),
            "capabilities": sorted(profile.capabilities),
            "summary": profile.summary,
        }
        for profile in map(find_profile, shipped())
    ]


def _defects() -> Rows:
    from harness import contracts
    from harness.backend.defects import DEFECTS

    known = contracts.load().values()
    breaks = {name: sorted(one.id for one in known if name in one.breakers) for name in DEFECTS}
    return [{"id": one.id, "summary": one.summary, "breaks": breaks[one.id]} for one in DEFECTS.values()]


LISTS: Mapping[Kind, Callable[[], Rows]] = {
    Kind.CONTRACTS: _contracts,
    Kind.SCENARIOS: _scenarios,
    Kind.FAULTS: _faults,
    Kind.TARGETS: _targets,
    Kind.DEFECTS: _defects,
}
DETAILS: Mapping[Kind, Callable[[], Rows]] = {
    Kind.CONTRACTS: _contract_details,
    Kind.FAULTS: _fault_details,
    Kind.SCENARIOS: _scenario_details,
}


def _table(rows: Rows) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name == "id")
    for row in rows:
        table.add_row(*[_cell(value) for value in row.values()])
    return table


def _cell(value: Any) -> str:
    """A value as a cell shows it: lists joined, yes for true, nothing for false, a dash for what there is none of."""
    match value:
        case None | []:
            return "-"
        case list():
            return ", ".join(map(str, value))
        case bool():
            return "yes" if value else ""
        case _:
            return str(value)


def _page(row: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    text = row.get("promise") or row.get("summary") or ""
    lines = [
        f"[bold]{row['id']}[/bold]  ({row['kind']}{', ' + row['level'] if 'level' in row else ''})",
        "",
        escape(text),
        "",
    ]
    for key, value in row.items():
        if key == "what_a_correct_backend_does":
            lines += ["", "[dim]what a correct backend does[/dim]", *[f"  {escape(words)}" for words in value]]
        elif key not in ("id", "kind", "promise", "summary", "level") and value not in (None, False, [], ""):
            lines.append(f"[dim]{key.replace('_', ' '):12}[/dim] {escape(_cell(value))}")
    return lines
