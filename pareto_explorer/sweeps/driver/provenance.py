"""What a sweep was computed with: versions, processor and GPU; and what of it differs here."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pareto_explorer._version import __version__

__all__ = ["Change", "changes_since", "machine", "versions"]

_PACKAGES = (
    *("torch", "torchvision", "torchjd", "ray", "optuna", "pymoo"),
    *("moocore", "numpy", "pandas", "scikit-learn", "plotly"),
)
_CPUINFO = Path("/proc/cpuinfo")


class Change(NamedTuple):
    """Something that the manifest of a run records and that is different here.

    Attributes:
        name: A package, ``python``, ``processor`` or ``gpu``.
        recorded: As the run has it.
        here: As it is now; empty if there is none.
    """

    name: str
    recorded: str
    here: str

    def __str__(self) -> str:
        return f"{self.name} {self.recorded or 'none'} there, {self.here or 'none'} here"


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the packages that results depend on."""
    return {
        "pareto-explorer": __version__,
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in _PACKAGES},
    }


def machine(threads: int) -> dict[str, Any]:
    """This machine, as far as it may change results: that of the driver, not of the workers.

    Args:
        threads: Threads that PyTorch may use in a trial.

    Returns:
        The model names of the processor and, where CUDA can be used, of the GPUs (``gpu``); the
        number of logical CPUs; the threads.
    """
    return {
        "processor": _processor(),
        **({"gpu": _gpu()} if _gpu() else {}),
        "cpus": os.cpu_count(),
        "threads": threads,
    }


def changes_since(manifest: Mapping[str, Any]) -> tuple[Change, ...]:
    """What is different here of what the manifest of a run records of versions and machine.

    The GPU counts where trials compute on one. Of what an older manifest lacks, nothing is said.
    """
    recorded = dict(manifest.get("versions", {}))
    here = versions()
    of_machine = manifest.get("machine")
    if of_machine is not None:
        recorded["processor"], here["processor"] = of_machine["processor"], _processor()
        if manifest["spec"].get("resources", {}).get("gpu"):
            recorded["gpu"], here["gpu"] = of_machine.get("gpu", ""), _gpu()
    return tuple(
        Change(name, str(value), here.get(name, ""))
        for name, value in recorded.items()
        if str(value) != here.get(name, "")
    )


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _gpu() -> str:
    """The names of the GPUs, each once; empty without CUDA."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ", ".join(dict.fromkeys(torch.cuda.get_device_name(index) for index in range(count)))
