"""Code that the workers of a cluster may lack: this package, and a user's own modules."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ray.job_config import JobConfig

from pareto_explorer.trust.own_code import INSTALLED

__all__ = ["job_options", "modules_of", "runtime_env"]

CODE = frozenset({".json", ".py", ".toml", ".yaml", ".yml"})
"""What of a package is shipped: its code and the small files that code reads."""

LARGEST = 4 * 2**20
"""Bytes; a larger file is data."""

PART = re.compile(r"([^\W\d]\w*)(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
OWN = __name__.partition(".")[0]
SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # Ray gives a job's driver what the submission said


class _Job(JobConfig):
    """A job whose workers look for modules in the driver's order.

    Ray sends them the working directory, which they put before the standard library and installed
    packages, so that any file there may stand in for one of these.

    Args:
        path: Where to look, in order, before a worker's own places.
    """

    def __init__(self, path: Iterable[str]) -> None:
        super().__init__()
        self._path = list(path)

    def _serialize(self) -> Any:
        self._py_driver_sys_path = self._path[::-1]  # workers put each before the former
        return super()._serialize()


def job_options(address: str | None) -> dict[str, Any]:
    """Options of ``ray.init`` that say where workers look for modules.

    On this machine, that is where this process looks, in the same order; on the nodes of a cluster
    that is joined, it is their own places and what is shipped. A client's job (``ray://``) is that
    of its server.

    Args:
        address: The address that is connected to, as for `cluster.connect`.
    """
    if address is None:
        here = os.getcwd()  # noqa: PTH109 - as sys.path has it
        return {"job_config": _Job(dict.fromkeys([*(place or here for place in sys.path), here]))}
    return {} if address.startswith("ray://") else {"job_config": _Job(())}


def modules_of(spec: Mapping[str, Any]) -> list[Path]:
    """The user's own modules that a specification names, and what these import of the user's own.

    A text of the form ``module:name`` names one. Modules of the standard library and installed ones
    are left out: they belong to the workers' environment, as PyTorch does. Nothing is imported.

    Args:
        spec: The specification as plain data.

    Returns:
        Folders of packages and single files, sorted.
    """
    wanted = sorted({found[1] for text in _texts(spec) if (found := PART.fullmatch(text))})
    places: dict[str, list[Path]] = {}
    while wanted:
        name = wanted.pop()
        if name not in places:
            places[name] = _own_places(name)
            wanted += sorted({n for place in places[name] for n in _imports(place)})
    return sorted({place for found in places.values() for place in found})


def runtime_env(modules: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Ray's runtime environment that brings this package and other modules to every worker.

    What a submitted job already brings stays: Ray itself refuses two lists of modules.

    Args:
        modules: Folders of packages and single files.
        folder: An empty folder, needed until Ray has uploaded the code. The code of packages is
            copied there, since Ray would ship the data that lie among it.
    """
    package = Path(__file__).parents[2]
    code = [
        _code_of(module, folder / str(number)) if module.is_dir() else module
        for number, module in enumerate([package, *modules])
    ]
    submitted = json.loads(os.environ.get(SUBMITTED, "{}")).get("runtime_env") or {}
    return {"py_modules": [*submitted.get("py_modules", []), *map(str, code)]}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _texts(item)


def _own_places(name: str) -> list[Path]:
    """Where a top-level module of the user's lies; empty if it is no such module."""
    if name == OWN or name in sys.stdlib_module_names:
        return []
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return []
    return [place for place in _places(spec) if not INSTALLED & set(place.parts)] if spec else []


def _places(spec: ModuleSpec) -> list[Path]:
    if spec.submodule_search_locations is not None:
        return [Path(place).resolve() for place in spec.submodule_search_locations]
    if spec.origin is None or not spec.origin.endswith(".py"):
        return []
    return [Path(spec.origin).resolve()]


def _imports(place: Path) -> set[str]:
    """Top-level names of what the code at a place imports."""
    names = set()
    for file in _files(place) if place.is_dir() else [place]:
        if file.suffix != ".py":
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # importing it says so better
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def _files(package: Path) -> Iterator[Path]:
    """The files of a package that are shipped; hidden folders and caches are not entered."""
    for folder, below, names in os.walk(package):
        below[:] = sorted(n for n in below if not n.startswith((".", "__pycache__")))
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix in CODE and file.stat().st_size <= LARGEST:
                yield file


def _code_of(package: Path, folder: Path) -> Path:
    copy = folder / package.name
    for file in _files(package):
        target = copy / file.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return copy
