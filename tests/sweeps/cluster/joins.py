"""Starts a Ray cluster of three nodes on this machine, joins it, and prints what it saw as JSON.

Run as a program in a folder that holds ``mine.py`` and ``lab/``: a process of its own, since a
process can be connected to one cluster only.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

import pareto_explorer
from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.cluster.connect import QUIET, connect
from pareto_explorer.sweeps.cluster.room import slots
from pareto_explorer.sweeps.cluster.shipping import modules_of
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Resources

STORE = 80 * 2**20


class Said(Progress):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)


@ray.remote(num_cpus=1)
def seen() -> dict[str, str]:
    """Where a worker finds the package and a user's own modules."""
    import lab
    import mine

    import pareto_explorer.errors

    return {
        "package": pareto_explorer.errors.__file__,
        "mine": mine.__file__,
        "lab": lab.__file__,
        "marker": mine.MARKER,
    }


def booked(**resources: float) -> int | str:
    """The slots for these resources, or the sentence that refuses them."""
    try:
        return slots(Resources.model_validate(resources))
    except InputError as error:
        return str(error)


def main() -> None:
    """Does it all."""
    os.environ.update(QUIET)
    here = os.getcwd()  # noqa: PTH109
    sys.path.insert(0, here)
    modules = modules_of({"method": "mine:Method"})
    # What the driver finds by its own path, workers on this machine would find as well.
    repository = str(Path(pareto_explorer.__file__).parents[1])
    sys.path[:] = [p for p in sys.path if p not in (here, repository, "")]
    os.environ.pop("PYTHONPATH", None)
    os.chdir("/")
    sees: dict[str, object] = {"modules": [module.name for module in modules]}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE}
    )
    try:
        cluster.add_node(num_cpus=2, num_gpus=2, object_store_memory=STORE)
        cluster.add_node(num_cpus=3, resources={"fast": 1}, object_store_memory=STORE)
        said = Said()
        with connect(
            cluster.address, verbose=False, dashboard=True, modules=modules, progress=said
        ):
            sees["worker"] = ray.get(seen.remote())
            sees["one cpu"] = booked(cpu=1)
            sees["two cpus"] = booked(cpu=2)
            sees["third of a card"] = booked(cpu=0.1, gpu=0.33)
            sees["more than half a card"] = booked(cpu=0.5, gpu=0.6)
            sees["custom"] = booked(cpu=1, custom={"fast": 0.5})
            sees["too many cpus"] = booked(cpu=4)
            sees["no such resource"] = booked(cpu=1, custom={"slow": 1})
            sees["not together"] = booked(cpu=3, gpu=1)
        sees["stages"] = said.stages
        sees["connected afterwards"] = ray.is_initialized()
    finally:
        with contextlib.redirect_stdout(sys.stderr):
            cluster.shutdown()
    json.dump(sees, sys.stdout)


if __name__ == "__main__":
    main()
