"""Sweeps that are run to their end without Ray, for benchmarks that look at their points."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from pareto_explorer.fronts import Box, retrain_gap_box
from pareto_explorer.sweeps import SweepSpec, TrialPlan
from pareto_explorer.sweeps.again.reproduce import local_landmarks
from pareto_explorer.sweeps.trials.replicate import Bench, run_replicate
from pareto_explorer.tasks import LandmarkCache, default_cache_dir, make_task

__all__ = ["box_of", "pool_of"]

_worker: dict[str, Any] = {}


def pool_of(spec: SweepSpec, plans: Sequence[TrialPlan], workers: int) -> pd.DataFrame:
    """Every point of one sweep, in the order of its trials.

    The points of each family are kept in a temporary file for the next call.

    Args:
        spec: The sweep; its landmarks come from the cache, or are trained first.
        plans: Its trials.
        workers: Processes.
    """
    by_family: dict[str, list[TrialPlan]] = {}
    for plan in plans:
        by_family.setdefault(plan.family.name, []).append(plan)
    paths = {name: _path(spec, own) for name, own in by_family.items()}
    missing = [plan for plan in plans if not paths[plan.family.name].exists()]
    if missing:
        box_of(spec)  # trains the landmarks that are not cached
        local = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (spec,))
        with local as executor:
            rows = [row for found in executor.map(_run, missing) for row in found]
        for name, own in pd.DataFrame(rows).groupby("family"):
            own.dropna(axis="columns", how="all").to_parquet(paths[str(name)])
    pool = pd.concat([pd.read_parquet(path) for path in paths.values()], ignore_index=True)
    place = {plan.trial_id: number for number, plan in enumerate(plans)}
    return pool.sort_values("trial_id", key=lambda ids: ids.map(place), kind="stable")


def _path(spec: SweepSpec, plans: Sequence[TrialPlan]) -> Path:
    mapping = {part: spec.to_mapping()[part] for part in ("task", "replicates", "budget")}
    trials = [(plan.trial_id, plan.config) for plan in plans]
    key = hashlib.sha256(json.dumps([mapping, trials], sort_keys=True).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"pareto-explorer-pool-{key}.parquet"


def box_of(spec: SweepSpec) -> Box:
    """The box of every sweep with these landmarks."""
    _prepare(spec)
    prepared = map(_worker["bench"].prepared, spec.replicates.training_seeds)
    gaps = [float(evaluator(original)["forget_gap"]) for original, evaluator in prepared]
    return retrain_gap_box(gaps, spec.preset.tolerance)


def _prepare(spec: SweepSpec) -> None:
    torch.set_num_threads(1)
    task, cache = make_task(spec.task), LandmarkCache(default_cache_dir())
    seeds = spec.replicates.training_seeds
    landmarks = {seed: local_landmarks(task, seed, cache) for seed in seeds}
    _worker.update(spec=spec, bench=Bench(task, landmarks, "cpu"))


def _run(plan: TrialPlan) -> list[dict[str, Any]]:
    spec, bench = _worker["spec"], _worker["bench"]
    return [
        point.row
        for replicate in spec.replicate_list()
        for point in run_replicate(bench, plan, replicate, plan.family.within(spec.budget))
    ]
