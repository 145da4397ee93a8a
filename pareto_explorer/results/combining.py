"""Several runs as one, so that their families can be compared; and runs under another box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.fronts import Box, require_same_box
from pareto_explorer.results.run import MEMBER, Run, load_run
from pareto_explorer.runs import RunDirectory, metric_columns, read_manifest
from pareto_explorer.text import plural
from pareto_explorer.trust.files import read_json, read_yaml

__all__ = ["combine_runs", "load_runs", "put_together", "read_box"]

AnyRun = TypeVar("AnyRun", bound=Run)

_SEEDS = ["training_seed", "unlearning_seed"]


def load_runs(paths: Sequence[str | PathLike[str]], box: str | PathLike[str] | None = None) -> Run:
    """Loads one run, or several as one.

    Args:
        paths: Run directories, or sweeps made elsewhere that need no mapping.
        box: Where another box is to be read from; all numbers are then recomputed in it.

    Raises:
        InputError: A path or the box cannot be read, or the runs do not go together.
    """
    return put_together([load_run(path) for path in paths], box)


def put_together(runs: Sequence[AnyRun], box: str | PathLike[str] | None = None) -> AnyRun:
    """One run as it is, or several as one; see ``load_runs``.

    Raises:
        InputError: The box cannot be read, or the runs do not go together.
    """
    if box is not None:
        other = read_box(box)
        runs = [_reboxed(run, other, str(box)) for run in runs]
    return runs[0] if len(runs) == 1 else combine_runs(runs)


def combine_runs(runs: Sequence[AnyRun]) -> AnyRun:
    """Puts runs of one task side by side.

    Families and trials get the name of their run in front. Replicates are matched by their seeds;
    those that some run lacks are left out, so that every comparison stays paired.

    Args:
        runs: Two or more, of one task, all with the same box.

    Returns:
        One run with ``members``. Its points have a further column ``run``; its directory is that
        of the first.

    Raises:
        InputError: Fewer than two runs, one run twice, different boxes or tasks, or no replicate
            in common.
    """
    if len(runs) < 2:
        raise InputError(f"runs: {len(runs)} given; give two or more to put together.")
    places = [run.directory.path.resolve() for run in runs]
    if len(set(places)) < len(places):
        raise InputError(f"runs: {runs[0].shown!r} and others name a run twice; drop one.")
    first = runs[0]
    for run in runs[1:]:
        require_same_box(first.box, run.box)
        _require_same_task(first, run)
    members = dict(zip(_names(runs), runs, strict=True))
    seeds = _common_seeds(runs)
    points = [_renamed(name, run.points, seeds) for name, run in members.items()]
    return replace(
        first,
        manifest={"name": " and ".join(members)},
        points=pd.concat(points, ignore_index=True),
        landmarks=_renumbered_landmarks(next((r for r in runs if r.retrained), first), seeds),
        members=members,
        domains={
            f"{name}{MEMBER}{family}": knobs
            for name, run in members.items()
            for family, knobs in run.domains.items()
        },
        notes=tuple(dict.fromkeys(_left_out(members, seeds) + [n for r in runs for n in r.notes])),
    )


def read_box(source: str | PathLike[str]) -> Box:
    """Reads a box: of a run, of a ``hypervolume.json``, or of a YAML or JSON file.

    Args:
        source: A run directory, or a file that holds a box (``objectives`` and ``reference``)
            itself or under ``box``.

    Raises:
        InputError: It cannot be read, or what it holds is no box.
    """
    path = Path(source)
    data: Any
    if path.is_dir():
        data = read_manifest(RunDirectory(path))
    else:
        data = read_json(path, "`box`") if path.suffix == ".json" else read_yaml(path, "`box`")
    if isinstance(data, Mapping) and "box" in data:
        data = data["box"]
    try:
        return Box.from_dict(data)
    except InputError as error:
        raise InputError(f"`box`: {str(path)!r}: {error}") from None


def _left_out(members: Mapping[str, Run], seeds: pd.DataFrame) -> list[str]:
    """Says which replicates are left out because some run has no partner for them."""
    kept = set(seeds[_SEEDS].itertuples(index=False, name=None))
    notes = []
    for name, run in members.items():
        own = run.points[["replicate", *_SEEDS]].drop_duplicates().sort_values("replicate")
        rows = own.itertuples(index=False, name=None)
        lost = [str(number) for number, *pair in rows if tuple(pair) not in kept]
        if lost:
            what, are = plural(len(lost), "replicate"), plural(len(lost), "is", "are")
            notes.append(
                f"Of {name}, {what} {', '.join(lost)} {are} left out, since not every run has the "
                "same seeds."
            )
    return notes


def _reboxed(run: AnyRun, box: Box, source: str) -> AnyRun:
    for metric in box.metrics:
        if metric not in run.points:
            raise unknown(f"`box`: objective of {run.shown!r}", metric, metric_columns(run.points))
    note = f"Everything is measured in the box of {source}, not in the one fixed before the sweep."
    return replace(run, box=box, notes=(*run.notes, note)) if box != run.box else run


def _names(runs: Sequence[Run]) -> list[str]:
    """The runs' names, or their folders' where names repeat, or their paths where these do."""
    for names in (
        [run.name for run in runs],
        [run.directory.path.resolve().name for run in runs],
        [str(run.directory.path.resolve()) for run in runs],
    ):
        if len(set(names)) == len(names):
            break
    return [name.replace(MEMBER, " ") for name in names]


def _require_same_task(first: Run, second: Run) -> None:
    tasks = [run.manifest.get("spec", {}).get("task") for run in (first, second)]
    given = [run.manifest.get("task_given") for run in (first, second)]
    if tasks[0] == tasks[1] and given[0] != given[1]:
        raise InputError(
            f"runs: {first.shown!r} and {second.shown!r} unlearn {tasks[0]}, but the tasks that "
            "were built in Python differ; only runs of one task can be compared."
        )
    if None not in tasks and tasks[0] != tasks[1]:
        raise InputError(
            f"runs: {first.shown!r} unlearns {tasks[0]} and {second.shown!r} {tasks[1]}; only runs "
            "of one task can be compared."
        )


def _common_seeds(runs: Sequence[Run]) -> pd.DataFrame:
    common = _seeds(runs[0])
    for run in runs[1:]:
        common = common.merge(_seeds(run))
    if common.empty:
        raise InputError(
            "runs: no replicate with the same training and unlearning seed is in all of them; "
            "sweep them with the same replicates."
        )
    return common.sort_values(_SEEDS, ignore_index=True)


def _seeds(run: Run) -> pd.DataFrame:
    return run.points[_SEEDS].drop_duplicates()


def _renamed(name: str, points: pd.DataFrame, seeds: pd.DataFrame) -> pd.DataFrame:
    numbered = seeds.reset_index(names="replicate")
    matched = points.drop(columns="replicate").merge(numbered, on=_SEEDS)[list(points.columns)]
    return matched.assign(
        run=name,
        family=name + MEMBER + matched["family"],
        trial_id=name + MEMBER + matched["trial_id"],
    )


def _renumbered_landmarks(run: Run, seeds: pd.DataFrame) -> pd.DataFrame:
    """The landmarks of the replicates in common.

    Runs of one task and seed share them, but for the retrained ones that a run may do without.
    """
    numbers = run.points[["replicate", *_SEEDS]].drop_duplicates()
    numbers = numbers.merge(seeds.reset_index(names="number"), on=_SEEDS)
    kept = run.landmarks.merge(numbers[["replicate", "number"]], on="replicate")
    return kept.assign(replicate=kept["number"]).drop(columns="number")
