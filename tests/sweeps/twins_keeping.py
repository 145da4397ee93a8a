"""A slow twin of ``sweeps.shortlist`` in plain Python, and sequences of reports to try it on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.runs.agreement import key_of
from tests.fronts.twins import front_mask
from tests.sweeps.twins_schedulers import point_row, points_table

BOX = Box((Objective("forget_gap", "min", 0.0, 1.0), Objective("test_accuracy", "max", 1.0, 0.5)))

N = 2
"""Replicates."""

Point = tuple[str, int, int, float]
"""Trial, replicate, step and position."""


def row(point: tuple[Any, ...], *measures: float, status: str = "ok") -> dict[str, Any]:
    """The row of a point, whose position may be left out."""
    trial_id, replicate, step, *position = point
    measured = dict(zip(BOX.metrics, measures, strict=False))
    found = point_row(trial_id, "upgrad", step, replicate, status=status, **measured)
    return found | {"position": position[0] if position else 0.0}


def table(rows: Sequence[Mapping[str, Any]], ended: Iterable[str]) -> pd.DataFrame:
    """The points table of rows of which later ones replace earlier ones."""
    done = set(ended)
    last = {key_of(r): r for r in rows}
    status = {True: "finished", False: "running"}
    return points_table(
        [r | {"trial_status": status[r["trial_id"] in done]} for r in last.values()]
    )


def wanted(
    policy: str, rows: Sequence[Mapping[str, Any]], ended: Iterable[str], n: int = N
) -> set[Point]:
    """All points that a policy wants, by its definition, everything computed anew."""
    known = {key_of(r): r for r in rows}
    fine = {key for key, r in known.items() if r["status"] == "ok"}
    if policy in ("none", "all"):
        return fine if policy == "all" else set()

    def objectives(key: Point) -> list[float]:
        forget, accuracy = (known[key].get(metric, math.nan) for metric in BOX.metrics)
        return [forget, -accuracy]

    usable = {key for key in fine if all(map(math.isfinite, objectives(key)))}
    means, pending = {}, set()
    for trial, *place in {(trial, step, position) for trial, _, step, position in known}:
        here = [(trial, replicate, *place) for replicate in range(n)]
        if usable.issuperset(here):
            columns = zip(*map(objectives, here), strict=True)
            means[trial, *place] = [sum(column) / n for column in columns]
        lost = {r for t, r, *_ in known.keys() - fine if t == trial}
        missing = [key for key in here if key not in known]
        hopeless = known.keys() & set(here) - usable or lost & {r for _, r, *_ in missing}
        if missing and not hopeless and trial not in set(ended):
            pending |= known.keys() & set(here)
    marks = front_mask(list(means.values()))
    front = {point for point, on in zip(means, marks, strict=True) if on}
    keep = pending | {key for key in fine if (key[0], *key[2:]) in front}
    if policy == "final":
        last = {(t, r): max(s for a, b, s, _ in fine if (a, b) == (t, r)) for t, r, *_ in fine}
        keep |= {key for key in fine if last[key[:2]] == key[2]}
    return keep


eighths = st.integers(0, 8).map(lambda k: k / 8)
statuses = st.sampled_from(["ok"] * 8 + ["diverged", "failed"])


@st.composite
def sweeps(draw, n: int = N) -> list[list[dict[str, Any]] | str]:
    """Reports of trials that run at the same time, and the ids of those that end.

    Replicates of a trial take different numbers of steps, some report one at a time, some lose an
    objective, and nothing comes after a row that is not "ok". Some show two models at a step.
    """
    queues: dict[str, list[list[dict[str, Any]]]] = {}
    for trial in [f"t{k}" for k in range(draw(st.integers(0, 5)))]:
        lengths = [draw(st.integers(0, 3)) for _ in range(n)]
        alive, reports = set(range(n)), []
        line = draw(st.sampled_from([(0.0,), (0.0, 0.5)]))
        for step in range(1, 4):
            rows = []
            for replicate in sorted(r for r in alive if lengths[r] >= step):
                for position in line:
                    if replicate not in alive:
                        break
                    status = draw(statuses)
                    measures = (draw(eighths), draw(eighths | st.just(math.nan)))
                    point = (trial, replicate, step, position)
                    rows.append(row(point, *(measures if status == "ok" else ()), status=status))
                    alive -= {replicate} if status != "ok" else set()
            apart = draw(st.booleans())
            reports += [[one] for one in rows] if apart else [rows] if rows else []
        queues[trial] = reports
    events: list[list[dict[str, Any]] | str] = []
    while queues:
        trial = draw(st.sampled_from(sorted(queues)))
        if queues[trial]:
            events.append(queues[trial].pop(0))
        else:
            del queues[trial]
            if draw(st.integers(0, 4)):
                events.append(trial)
    return events
