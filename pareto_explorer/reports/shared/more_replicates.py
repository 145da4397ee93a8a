"""How a sweep gets the replicates that a verdict takes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, islice
from math import ceil
from typing import Any

__all__ = ["replicates_option"]


def replicates_option(manifest: Mapping[str, Any], wanted: int) -> str:
    """What gives a new run so many replicates, for the command line or for Python.

    The run itself cannot be given more: its box rests on the landmarks of those that it has.

    Args:
        manifest: The run's.
        wanted: How many replicates.

    Returns:
        ``--set "replicates.training_seeds=[...]"`` or ``replicates={...}``, with the seeds that the
        run has and further ones; empty where it has as many, or was not made by a sweep.
    """
    seeds = manifest.get("spec", {}).get("replicates")
    if not seeds:
        return ""
    training, unlearning = (seeds.get(f"{kind}_seeds", [0]) for kind in ("training", "unlearning"))
    if len(training) * len(unlearning) >= wanted:
        return ""
    trained = manifest.get("facts", {}).get("original") == "given"  # then there is one such seed
    if trained or len(unlearning) > len(training) == 1:
        name, enough = "unlearning_seeds", _extended(unlearning, ceil(wanted / len(training)))
    else:
        name, enough = "training_seeds", _extended(training, ceil(wanted / len(unlearning)))
    if manifest.get("command"):
        values = ",".join(map(str, enough))  # quoted, since some shells take brackets for patterns
        return f'--set "replicates.{name}=[{values}]"'
    return f"replicates={seeds | {name: enough}}"


def _extended(seeds: list[int], wanted: int) -> list[int]:
    further = (seed for seed in count() if seed not in seeds)
    return [*seeds, *islice(further, wanted - len(seeds))]
