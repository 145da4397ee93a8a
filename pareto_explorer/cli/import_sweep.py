"""``pareto-explorer import``: a run directory of a sweep that was made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pareto_explorer.terminal import say
from pareto_explorer.trust.redaction import redacted_command

__all__ = ["import_sweep"]


def import_sweep(
    source: Annotated[
        str,
        typer.Argument(
            help="A table (CSV, TSV, Parquet), a Ray Tune experiment directory, or a storage of "
            "Optuna.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The run directory to make.", show_default=False)],
    mapping: Annotated[
        Path | None,
        typer.Option(help="YAML file: what the columns mean, and the objectives."),
    ] = None,
    study: Annotated[
        str | None, typer.Option(help="Optuna's study, where the storage holds several.")
    ] = None,
) -> None:
    """Make a run directory of a sweep that was made elsewhere, and write its report."""
    from pareto_explorer.interchange import import_run
    from pareto_explorer.reports import write_report

    command = redacted_command(["pareto-explorer", *sys.argv[1:]])
    run = import_run(source, out, mapping, study=study, command=command, tell=_tell)
    say(f"report: {write_report(run.path)}")


def _tell(line: str) -> None:
    say(line, stderr=True)
