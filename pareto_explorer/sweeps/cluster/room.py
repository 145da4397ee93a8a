"""How many trials fit a cluster at once, and how many workers Ray may start for them."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ray

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.spec.parts import Resources

__all__ = ["fitting", "pending_trials", "slots", "trials_per_card"]

PATIENCE = 12
"""Seconds; Ray's monitor reports every five."""

VARIABLE = "TUNE_MAX_PENDING_TRIALS_PG"
"""Where Ray reads how many workers it may start at a time."""

FEWEST = 16
"""The least number of them: a cluster that can grow shall know of more than one trial."""


def slots(resources: Resources) -> int:
    """How many trials the cluster, as it is now, can run at once if it does nothing else.

    A trial stays on one node and, if it books a share of a GPU, on one card: a card has room for
    ⌊1/gpu⌋ of them. A node that declares no CPUs, as a head node may, has room for none.

    Args:
        resources: What one trial books.

    Returns:
        The number; 0 only where the cluster can still grow.

    Raises:
        InputError: No node has room for a trial, and none can be added by itself.
    """
    wanted = _wanted(resources)
    if wanted.get("GPU", 0) > 1 and wanted["GPU"] % 1:
        raise InputError(
            f"resources.gpu: {wanted['GPU']:g} is more than a card but not a number of whole "
            f"ones; book a share of one, or {math.ceil(wanted['GPU'])}."
        )
    nodes = _nodes()
    total = sum(fitting(node, resources) for node in nodes)
    if total == 0 and not _grows():
        raise InputError(_shortage(nodes, wanted))
    return total


def _nodes() -> list[Mapping[str, float]]:
    """What each living node declares."""
    nodes: Any = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def trials_per_card(gpu: float) -> int:
    """How many trials share one card, where a trial books ``gpu`` of it: at least one."""
    return max(1, _whole(1 / gpu))


def fitting(node: Mapping[str, float], resources: Resources) -> int:
    """How many trials fit one node at once.

    Args:
        node: What the node declares: ``CPU``, ``GPU`` and whatever else.
        resources: What one trial books.
    """
    wanted = _wanted(resources)
    return min(_times(name, node.get(name, 0), amount) for name, amount in wanted.items())


def _wanted(resources: Resources) -> dict[str, float]:
    wanted = {"CPU": resources.cpu, "GPU": resources.gpu, **resources.custom}
    return {name: amount for name, amount in wanted.items() if amount > 0}


def _times(name: str, has: float, amount: float) -> int:
    if name == "GPU" and amount < 1:
        return int(has) * trials_per_card(amount)
    return _whole(has / amount)


def _whole(ratio: float) -> int:
    return math.floor(ratio + 1e-9)  # three thirds are one


def _shortage(nodes: Sequence[Mapping[str, float]], wanted: Mapping[str, float]) -> str:
    def field(name: str) -> str:
        return name.lower() if name in ("CPU", "GPU") else f"custom.{name}"

    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
    scarce = [name for name, amount in wanted.items() if _times(name, most[name], amount) == 0]
    if scarce:
        name = scarce[0]
        return (
            f"resources.{field(name)}: a trial books {wanted[name]:g}, but no node of the cluster "
            f"has more than {most[name]:g}; lower it, or add a node that has."
        )
    booked = ", ".join(f"{field(name)} {amount:g}" for name, amount in wanted.items())
    kinds = {", ".join(f"{field(n)} {node.get(n, 0):g}" for n in wanted) for node in nodes}
    has = "; ".join(sorted(kinds))
    return (
        f"resources: a trial books {booked}, and no node of the cluster has all of it (they have "
        f"{has}); lower one, or add a node."
    )


def _grows() -> bool:
    """Whether an autoscaler may add nodes; where it does not say so in time, it may."""
    for _ in range(PATIENCE):
        grows = _autoscaled()
        if grows is not None:
            return grows
        time.sleep(1)
    return True


def _autoscaled() -> bool | None:
    """Whether an autoscaler runs; ``None`` until Ray's monitor has reported.

    Without an autoscaler, the monitor reports every node as a type of its own, ``node_<id>``.
    """
    from ray.experimental.internal_kv import _internal_kv_get

    if _internal_kv_get(b"__autoscaler_cluster_config", namespace=b"__autoscaler") is not None:
        return True
    status = json.loads(_internal_kv_get(b"__autoscaling_status") or b"{}")
    types = (status.get("autoscaler_report") or {}).get("node_type_mapping")
    return any(kind != f"node_{node}" for node, kind in types.items()) if types else None


@contextmanager
def pending_trials(room: int) -> Iterator[None]:
    """Lets Ray start as many workers at a time as there is room for, and have the next ready.

    Otherwise it waits for each worker, for seconds, before it asks a search for another trial. A
    value that the user has set stays.

    Args:
        room: How many trials fit the cluster.
    """
    if VARIABLE in os.environ:
        yield
        return
    os.environ[VARIABLE] = str(max(room, FEWEST))
    try:
        yield
    finally:
        del os.environ[VARIABLE]
