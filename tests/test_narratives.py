"""Every package says what it is for, shows it, and lists what it has."""

from __future__ import annotations

import ast
import doctest
import importlib
import shutil
import sys
from pathlib import Path

import pytest

import pareto_explorer
from tests.synthetic import write_synthetic_run

PACKAGES = (
    "pareto_explorer",
    "pareto_explorer.audits",
    "pareto_explorer.figures",
    "pareto_explorer.fronts",
    "pareto_explorer.interchange",
    "pareto_explorer.metrics",
    "pareto_explorer.notebook",
    "pareto_explorer.reports",
    "pareto_explorer.results",
    "pareto_explorer.runs",
    "pareto_explorer.schema",
    "pareto_explorer.sweeps",
    "pareto_explorer.tasks",
    "pareto_explorer.trackers",
    "pareto_explorer.trust",
    "pareto_explorer.unlearning",
)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A folder in which the run of the examples is ``runs/digits``."""
    folder = tmp_path_factory.mktemp("narratives")
    write_synthetic_run(folder / "runs" / "digits", configurations=1)
    return folder


@pytest.mark.parametrize("name", PACKAGES)
def test_the_example_runs(name, swept, tmp_path, monkeypatch):
    shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    package = importlib.import_module(name)
    example = doctest.DocTestParser().get_doctest(package.__doc__, {}, name, package.__file__, 0)
    assert any(not step.options.get(doctest.SKIP) for step in example.examples)
    result = doctest.DocTestRunner(verbose=False).run(example, out=sys.stdout.write)
    assert result.failed == 0


@pytest.mark.parametrize("name", PACKAGES)
def test_the_table_names_all_that_is_exported(name):
    package = importlib.import_module(name)
    missing = [public for public in package.__all__ if f"`{public}`" not in package.__doc__]
    assert missing == []
    assert len({*package.__all__}) == len(package.__all__)
    assert all(hasattr(package, public) for public in package.__all__)


def test_what_is_exported_is_sorted():
    """Constants, classes, functions; each by name."""
    for path in Path(pareto_explorer.__file__).parent.rglob("__init__.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                names = ast.literal_eval(node.value)
                assert names == sorted(names, key=_kind), path


def _kind(name: str) -> tuple[int, str]:
    bare = name.strip("_")
    return (0 if bare.isupper() and len(bare) > 1 else 1 if bare[0].isupper() else 2, name)
