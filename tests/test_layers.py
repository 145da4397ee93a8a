"""Who imports whom: packages, the rooms in a package, and what is foreign."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
OURS = "pareto_explorer"

BENEATH: Mapping[str, tuple[str, ...]] = {
    "_version": (),
    "errors": (),
    "text": (),
    "terminal": ("errors", "text"),
    "interruption": ("errors", "text"),
    "trust": ("errors", "text"),
    "schema": ("trust",),
    "runs": ("schema", "_version"),
    "fronts": ("runs",),
    "audits": ("runs",),
    "figures": ("fronts",),
    "interchange": ("fronts",),
    "results": ("figures", "interchange", "audits"),
    "reports": ("results",),
    "trackers": ("reports",),
    "serving": ("reports",),
    "loading": ("trackers",),
    "notebook": ("results",),
    "tasks": ("schema",),
    "metrics": ("tasks", "audits"),
    "unlearning": ("tasks",),
    "sweeps": ("results", "audits", "metrics", "unlearning", "terminal", "interruption"),
    "api": ("sweeps", "loading"),
    "": ("api", "notebook", "serving"),  # pareto_explorer itself
    "cli": ("",),
    "__main__": ("cli",),
}
"""What lies directly beneath a package or module; it may import that and all beneath that."""

ROOMS: Mapping[str, tuple[str, ...]] = {
    "fronts": ("core", "statistics", "selection"),
    "audits": ("statistics",),
    "figures": ("shared",),
    "reports": ("shared", "cards"),
    "runs": ("files", "remote"),
    "tasks": ("core", "data", "forget", "models", "landmarks", "builtin"),
    "unlearning": ("core", "forget_losses", "aggregators", "methods"),
    "sweeps": (
        "spec",
        "stopping",
        "live",
        "cluster",
        "search",
        "trials",
        "checks",
        "driver",
        "again",
        "audit",
    ),
}
"""The rooms of each package; a room imports those before it, and the root imports all of them."""

MAY_USE: Mapping[str, tuple[str, ...]] = {
    "ray": ("sweeps",),
    "optuna": ("sweeps", "interchange", "results"),  # the latter two read studies and make them
    "torch": ("tasks", "metrics", "unlearning", "sweeps"),
    "torchvision": ("tasks",),
    "torchjd": ("unlearning",),
}
"""The packages of ours that import what is slow or large, in functions and for types too."""

LIGHT = (
    "trust",
    "schema",
    "runs",
    "fronts",
    "audits",
    "figures",
    "interchange",
    "results",
    "reports",
    "trackers",
    "serving",
    "notebook",
)
"""Whose modules can all be imported where what is slow or large is not installed."""


LENT: Mapping[str, tuple[str, ...]] = {
    "figures": ("frame", "front_info", "shared.hover", "shared.style"),
    "fronts": (
        "core.sets",
        "core.tables",
        "core.validation_twins",
        "core.values",
        "selection.one_standard_error",
        "statistics.comparison",
        "statistics.floor",
        "statistics.knobs",
        "statistics.standing",
        "statistics.to_forget",
    ),
    "interchange": ("cells",),
    "metrics": (),
    "notebook": (),
    "reports": (
        "cards",
        "cards.finding",
        "cards.hypervolume",
        "cards.next",
        "html",
        "model_card",
        "shared.commands",
        "shared.material",
        "shared.verdicts",
    ),
    "serving": (),
    "results": ("adapters", "audited", "combining", "exporting"),
    "runs": (
        "agreement",
        "files.atomic",
        "files.model_files",
        "files.progress_file",
        "files.storage",
        "kept_models",
        "manifest",
        "model_checks",
        "named_code",
        "notes",
        "parquet",
        "recorded",
        "remote.copies",
        "remote.staging",
    ),
    "tasks": (
        "core.task",
        "core.tokens",
        "landmarks.training",
        "models.causal",
        "models.fresh",
        "models.logits",
        "models.pretrained",
        "registry",
    ),
}
"""Packages that others enter by the front door, and the modules that lend out more than that.

What a package exports is imported from the package. What it does not export is private to us; the
modules named here hold private names that other packages of ours need too. ``schema`` and ``trust``
are not here, since they are tools of ours alone and each of their modules is a door, nor are
``sweeps`` and ``unlearning``, whose front doors cost Ray and every method.
"""


class Import(NamedTuple):
    """One name that a module takes from another, wherever in the file and for whatever use."""

    importer: str
    module: str
    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name or 'it'} from {self.module}"


def _modules() -> dict[str, Path]:
    paths = sorted((ROOT / OURS).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return {name.removesuffix(".__init__"): path for name, path in zip(names, paths, strict=True)}


def _exported(source: str) -> frozenset[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def _imports(importer: str, source: str) -> Iterator[Import]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert node.level == 0, f"{importer}:{node.lineno} imports relatively"
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                if inner in MODULES and alias.name not in EXPORTED.get(module, ()):
                    yield Import(importer, inner, "", node.lineno)
                else:
                    yield Import(importer, module, alias.name, node.lineno)


MODULES = _modules()
EXPORTED = {
    name: _exported(path.read_text(encoding="utf-8"))
    for name, path in MODULES.items()
    if path.name == "__init__.py"
}
IMPORTS = [
    found
    for name, path in MODULES.items()
    for found in _imports(name, path.read_text(encoding="utf-8"))
]
OWN = [found for found in IMPORTS if found.module.partition(".")[0] == OURS]


def package(module: str) -> str:
    """The package or top module of ours: ``fronts`` of ``pareto_explorer.fronts.core.box``."""
    return [*module.split("."), ""][1]


def room(module: str) -> str:
    """The room in the package; empty at its root."""
    parts = module.split(".")
    inside = len(parts) > 3 or (len(parts) == 3 and MODULES[module].name == "__init__.py")
    return parts[2] if inside else ""


def beneath(name: str) -> set[str]:
    """All that a package may import."""
    return set(BENEATH[name]).union(*(beneath(lower) for lower in BENEATH[name]))


def misplaced(found: Import) -> str:
    """What is wrong with an import of ours; empty if nothing."""
    user, used = package(found.importer), package(found.module)
    if user != used:
        return "" if used in beneath(user) else f"{used or OURS} is not beneath {user or OURS}"
    user_room, used_room = room(found.importer), room(found.module)
    if user_room == used_room or not user_room:
        return ""
    if not used_room:
        return "a room does not import the root of its package"
    order = ROOMS[user]
    return "" if order.index(used_room) < order.index(user_room) else "its room comes later"


def test_every_package_and_room_has_its_place():
    assert {package(module) for module in MODULES} == set(BENEATH)
    rooms = {(package(module), room(module)) for module in MODULES if room(module)}
    assert rooms <= {(name, each) for name, order in ROOMS.items() for each in order}


def test_imports_go_down():
    assert [f"{found}: {misplaced(found)}" for found in OWN if misplaced(found)] == []


def test_packages_are_entered_by_the_front_door():
    inner = [
        found
        for found in OWN
        if package(found.module) in LENT
        and package(found.importer) != package(found.module)
        and found.module.count(".") > 1
    ]
    doors = {name: EXPORTED[f"{OURS}.{name}"] for name in LENT}
    assert [str(found) for found in inner if found.name in doors[package(found.module)]] == []
    lent = {f"{OURS}.{name}.{module}" for name, modules in LENT.items() for module in modules}
    assert {found.module for found in inner} ^ lent == set()


def test_there_are_no_circles():
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in OWN:
        graph[found.importer].add(found.module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("foreign", MAY_USE)
def test_what_is_slow_is_imported_where_it_is_needed(foreign):
    users = [found for found in IMPORTS if found.module.partition(".")[0] == foreign]
    assert [str(u) for u in users if package(u.importer) not in MAY_USE[foreign]] == []


def test_what_reads_runs_imports_nothing_slow():
    """On the way neither: what they import imports nothing slow."""
    light = [name for name in MODULES if package(name) in LIGHT]
    program = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(MAY_USE)}))\n"
        f"for name in {light}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("importer", "source", "said"),
    [
        ("fronts.core.box", "from pareto_explorer.figures import plot_front", "not beneath"),
        ("fronts.core.box", "from pareto_explorer.fronts import select", "root"),
        ("fronts.core.box", "import pareto_explorer.fronts.box_presets", "root"),
        ("fronts.core.box", "from pareto_explorer.fronts.selection import select", "later"),
        ("tasks.registry", "def f():\n    from pareto_explorer import runs", "not beneath"),
        ("fronts.selection.select", "from pareto_explorer.fronts.core import box", ""),
        ("fronts.box_presets", "from pareto_explorer.fronts.selection.select import select", ""),
    ],
)
def test_what_is_misplaced_is_seen(importer, source, said):
    (found,) = _imports(f"{OURS}.{importer}", source)
    assert bool(misplaced(found)) == bool(said)
    assert said in misplaced(found)
