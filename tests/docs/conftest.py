"""What the documentation's code finds around it: runs, a search space, a module of one's own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pareto_explorer.audits.records import Journal
from pareto_explorer.runs import RunDirectory, read_manifest, write_manifest
from tests.audits.shadows import shadows
from tests.docs.pages import blocks
from tests.synthetic import write_synthetic_run

SPACE = {
    "task": {"name": "digits"},
    "families": [
        {
            "method": "jacobian_descent",
            "aggregator": "upgrad",
            "forget_loss": "kl_uniform",
            "lr": {"loguniform": [0.001, 0.1]},
        }
    ],
}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that pages read, each a small synthetic one."""
    folder = tmp_path_factory.mktemp("documentation") / "runs"
    for seed, name in enumerate(("digits", "first", "second", "mine")):
        write_synthetic_run(folder / name, seed=seed)
    journal = Journal(RunDirectory(folder / "digits"))
    for shadow, said in shadows(range(5)).items():
        journal.add(shadow, said)
    journal.close()
    first, second = (RunDirectory(folder / name) for name in ("first", "second"))
    box = read_manifest(first)["box"]  # they are put together
    write_manifest(second, {**read_manifest(second), "box": box})
    return folder


@pytest.fixture
def reader(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of somebody who follows a page."""
    shutil.copytree(runs, tmp_path / "runs")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(SPACE))
    (tmp_path / "mine.py").write_text(blocks("docs/own-parts.md", "python")[0].text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(tmp_path / "cache"))
    sys.modules.pop("mine", None)
    yield tmp_path
    sys.modules.pop("mine", None)
