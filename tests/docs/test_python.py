"""Every Python block of README and documentation runs; those of a page share their names.

A block with a title is an excerpt of that file, with ``...`` for what is left out.

A sweep is not run: its arguments are checked, and a finished run stands for its result. What the
pages on models and parts of one's own show is swept in ``tests/sweeps``.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pareto_explorer
from pareto_explorer import SweepSpec, api, load_run
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, own_code


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the sweeps of a page would have gone; each returns a finished run."""
    signature = inspect.signature(api.run_sweep)
    places: list[str] = []

    def run_sweep(*args: Any, **kwargs: Any) -> pareto_explorer.Run:
        given = signature.bind(*args, **kwargs).arguments
        assert isinstance(given["spec"], SweepSpec)
        if "task" in given:
            assert given["spec"].task["name"] == given["task"].name
        places.append(given["out"])
        return load_run("runs/digits")

    monkeypatch.setattr(api, "run_sweep", run_sweep)
    monkeypatch.setattr("plotly.graph_objects.Figure.show", lambda _: None)
    return places


@pytest.mark.parametrize("page", [page for page in PAGES if own_code(page)])
def test_blocks_of_a_page_run_one_after_the_other(
    page: str, reader: Path, swept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in own_code(page):
        code = compile("\n" * block.line + block.text, block.page, "exec")
        exec(code, module.__dict__)  # noqa: S102
    assert len(swept) == sum(b.text.count("= run_sweep(") for b in own_code(page))


@pytest.mark.parametrize("block", [b for b in all_blocks("python") if b.title], ids=str)
def test_excerpts_stand_in_their_files(block: Block) -> None:
    found = [bare(line) for line in (ROOT / block.title).read_text().splitlines()]
    after = 0
    for part in re.split(r"^\s*\.\.\.$", block.text, flags=re.MULTILINE):
        lines = [bare(line) for line in part.strip().splitlines()]
        places = (i for i in range(after, len(found)) if found[i : i + len(lines)] == lines)
        at = next(places, None)
        assert at is not None, f"{block.title} has no such lines:\n{part}"
        after = at + len(lines)


def bare(line: str) -> str:
    """A line without what depends on where it stands."""
    return line.strip().removesuffix(",")
