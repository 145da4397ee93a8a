"""From a run directory to its report."""

from __future__ import annotations

import json
import re
from os import PathLike
from pathlib import Path

from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.fronts import Box, hypervolume_json
from pareto_explorer.reports.cards import CARDS
from pareto_explorer.reports.html import render_page
from pareto_explorer.reports.markdown import render_markdown
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results import Run, load_run
from pareto_explorer.runs import read_manifest, write_text
from pareto_explorer.schema.columns import shown_columns

__all__ = ["write_report"]


def write_report(run: Run | str | PathLike[str], out: str | PathLike[str] | None = None) -> Path:
    """Writes ``index.html``, ``summary.md``, ``hypervolume.json`` and ``front.csv``.

    Each file appears whole or not at all. The run need not be finished: the report then says what
    is missing. A card that cannot be made says why, in its place.

    Args:
        run: A run, or the path of its directory. The commands in the report name the run by this
            path as it is written here.
        out: The report's folder: by default ``report`` in the run directory (``report-box`` under
            another box than its own), or in the working directory one that is named after the runs
            where several are together.

    Returns:
        The path of ``index.html``.

    Raises:
        InputError: The path is no run directory, one of its files is damaged, or no folder is
            given where the run has no directory or its ``report`` is a link.
        WriteError: The report cannot be written.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    folder = _folder(loaded) if out is None else Path(out)
    material = Material(loaded)
    cards = [card(material) for card in CARDS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "index.html", render_page(loaded.name, cards, material))
        write_text(folder / "summary.md", render_markdown(loaded.name, cards))
        volumes = hypervolume_json(
            loaded.points,
            loaded.box,
            landmarks=loaded.landmarks,
            domains=loaded.domains,
            planned=loaded.planned,
            families=material.hypervolumes,
        )
        numbers = json.dumps(volumes, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(folder / "hypervolume.json", numbers)
        table = shown_columns(material.front)
        write_text(folder / "front.csv", table.to_csv(index=False, lineterminator="\n"))
    except OSError as error:
        raise WriteError(
            f"report: {str(error.filename or folder)!r} cannot be written ({error.strerror}); see "
            "to that and do the same again, or choose another folder with `write_report(out)`."
        ) from None
    return folder / "index.html"


def _folder(run: Run) -> Path:
    if run.members:
        words = [re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") for name in run.members]
        return Path("-".join(["report", *words]))
    if not run.directory.sweep_yaml.exists():
        raise InputError(
            f"`out`: {run.shown!r} is no run directory that could hold its report; give a folder."
        )
    own = Box.from_dict(read_manifest(run.directory)["box"])
    folder = run.directory.report
    if run.box != own:
        folder = folder.with_name(f"{folder.name}-box")
    if folder.is_symlink():  # of a run that came from elsewhere, it may lead to anything
        raise InputError(
            f"`out`: {str(folder)!r} is a symbolic link; name the folder that the report goes to."
        )
    return folder
