"""From a run directory to its report."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from pareto_explorer.loading import load_run
from pareto_explorer.fronts import hypervolume_json
from pareto_explorer.reports.cards import CARDS
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.material import Material
from pareto_explorer.reports.page import render_page
from pareto_explorer.runs import write_text

__all__ = ["write_report"]


def write_report(path: str | PathLike[str]) -> Path:
    """Writes ``index.html``, ``summary.md``, ``hypervolume.json`` and ``front.csv``.

    Each file appears whole or not at all. The run need not be finished: the report then says what
    is missing.

    Args:
        path: The run directory; the report goes to its ``report`` folder. The commands in the
            report name the run by this path as it is written here.

    Returns:
        The path of ``index.html``.

    Raises:
        InputError: The path is no run directory, or one of its files is damaged.
        OSError: The report cannot be written.
    """
    run = load_run(path)
    material = Material(run, str(path))
    cards = [card(material) for card in CARDS]
    volumes = hypervolume_json(run.points, run.box)
    folder = run.directory.report
    folder.mkdir(exist_ok=True)
    write_text(
        folder / "hypervolume.json",
        json.dumps(volumes, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    )
    write_text(folder / "front.csv", material.front.to_csv(index=False, lineterminator="\n"))
    name = str(run.manifest.get("name", run.directory.path.name))
    write_text(folder / "summary.md", render_markdown(name, cards))
    index = folder / "index.html"
    write_text(index, render_page(name, cards, material))
    return index
