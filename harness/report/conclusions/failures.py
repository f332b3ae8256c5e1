"""What a run says of failures, in words: computed from its frames, the answer first, then what to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from harness import contracts
from harness.core.verdict import Verdict
from harness.report.causes import BROKEN, JUDGED, Cause, causes
from harness.report.kinds import HEALTHY, did
from harness.report.nouns import number
from harness.results.frames import Frames
from harness.results.stats import rate

from .phrases import Words, listed, quoted, share

OTHERS = 4
"""Causes after the first that get a sentence of their own."""


def failures(frames: Frames) -> Words:
    """What is broken, the likely causes in the order in which to look at them, and what was not judged."""
    verdicts = frames.verdicts[["case_name", "contract", "verdict", "note"]].astype("string")
    found = causes(frames)
    return Words((_headline(frames, verdicts, found), *first_looks(found), *_not_judged(frames, verdicts)))


def first_looks(found: Sequence[Cause]) -> Iterator[str]:
    """The causes in words, with the commands to look at them."""
    for place, cause in enumerate(found[: OTHERS + 1]):
        yield f"{'Look first at this' if place == 0 else 'Then at this'}: {cause_words(cause)}"
    rest = found[OTHERS + 1 :]
    if rest:
        explained = number(sum(len(one.failures) for one in rest), "broken verdict")
        yield f"{number(len(rest), 'cause')} more explain {explained}: see the table of causes."


def cause_words(cause: Cause) -> str:
    """One cause: how much it explains, when it shows, what it says, where to look."""
    breaks = [number(len(cause.musts), "MUST")] if cause.musts else []
    breaks += [number(len(cause.shoulds), "SHOULD")] if cause.shoulds else []
    verb = "breaks" if len(cause.cases) == 1 else "break"
    words = (
        f"{number(len(cause.cases), 'case')} {verb} {' and '.join(breaks)} ({listed(cause.contracts)}), "
        f"{_when(cause)}, {_where(cause)}; {share(cause.seen, 'verdicts')} there are broken. "
        f"In `{cause.example.case}`: {quoted(cause.example.sentence)}"
    )
    return "\n".join([words, *(f"`{command}`" for command in cause.commands)])


def _when(cause: Cause) -> str:
    if cause.kinds == [HEALTHY]:
        return "with a healthy provider"
    return f"where {did(cause.kinds)}"


def _where(cause: Cause) -> str:
    if cause.providers_judged > len(cause.providers):
        return f"only behind {listed(cause.providers)} of {cause.providers_judged} providers"
    if len(cause.providers) == 1:
        return f"behind `{cause.providers[0]}`"
    return f"behind all {len(cause.providers)} providers"


def _headline(frames: Frames, verdicts: pd.DataFrame, found: Sequence[Cause]) -> str:
    judged = verdicts[verdicts["verdict"].isin(JUDGED)]
    broken = judged[judged["verdict"].isin(BROKEN)]
    if judged.empty:
        return "Nothing was judged: no verdict says anything of the target."
    cases, planned = len(frames.cases), int(frames.runs["planned"].fillna(0).sum())
    of = number(cases, "case") + (f" ({planned} were planned)" if cases < planned else "")
    if broken.empty:
        promises = number(judged["contract"].nunique(), "contract")
        return f"Nothing is broken: all {len(judged):,} verdicts of {promises} in {of} hold."
    musts = broken[broken["verdict"] == Verdict.FAIL.value]["contract"].nunique()
    shoulds = broken["contract"].nunique() - musts
    kinds = [number(musts, "MUST")] * bool(musts) + [number(shoulds, "SHOULD")] * bool(shoulds)
    likely = "one likely cause explains them all" if len(found) == 1 else f"{len(found)} likely causes explain them"
    return (
        f"{' and '.join(kinds)} {'is' if musts + shoulds == 1 else 'are'} broken: "
        f"{share(rate(len(broken), len(judged)), 'verdicts')}, in "
        f"{broken['case_name'].nunique()} of {of}; {likely}."
    )


def _not_judged(frames: Frames, verdicts: pd.DataFrame) -> Iterator[str]:
    words = {
        Verdict.ERROR: "by a failure of the harness, none of the target's",
        Verdict.INCONCLUSIVE: "because the evidence could not decide",
        Verdict.UNSUPPORTED: "because the target lacks what is needed to see it",
    }
    for verdict, why in words.items():
        own = verdicts[verdicts["verdict"] == verdict.value]
        if len(own):
            notes = own["note"].value_counts()
            most = f", most often: {quoted(str(notes.index[0]))}" if len(notes) else ""
            cases = number(own["case_name"].nunique(), "case")
            yield f"{number(len(own), 'verdict')} in {cases} not given, {why}{most}."
    asked = _asked(frames)
    idle = sorted(asked - set(verdicts["contract"]))
    if idle:
        none = number(len(idle), "contract")
        yield f"{none} of {len(asked)} had nothing to judge in this run: {listed(idle)}."
    if not bool(frames.runs["finished"].fillna(value=False).all()):
        cases = number(len(frames.cases), "case")
        yield f"The run did not come to its end, or is still going on: what is told here is of its {cases} so far."


def _asked(frames: Frames) -> set[str]:
    """The contracts that judged the run and that one of its systems, or a provider, promises."""
    systems, known = set(frames.cases["system"].astype(str)), contracts.load()
    judges = {contract for run in frames.stored for contract in run.facts.get("judges", ())}
    return {one for one in judges if one in known and (not known[one].systems or known[one].systems & systems)}
