"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pareto_explorer import __version__
from pareto_explorer.cli.check import check
from pareto_explorer.cli.options import (
    CacheOption,
    OverridesOption,
    RunArgument,
    SpaceArgument,
    SweptOption,
    TrustOption,
)
from pareto_explorer.cli.select import select
from pareto_explorer.errors import InputError, WriteError
from pareto_explorer.interruption import AGAIN, Interrupted, ended_by_signals
from pareto_explorer.terminal import Terminal, accept_any_encoding, say, visible
from pareto_explorer.trust.redaction import redacted, redacted_command
from pareto_explorer.trust.search_path import add_working_directory

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["app", "main"]

app = typer.Typer(
    help="Sweep machine-unlearning methods on Ray and see the forget-versus-retain front.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Kind(StrEnum):
    """What ``list`` can list."""

    tasks = "tasks"
    models = "models"
    recipes = "recipes"
    methods = "methods"
    aggregators = "aggregators"
    forget_losses = "forget-losses"
    presets = "presets"
    metrics = "metrics"
    objectives = "objectives"


def _version(value: bool) -> None:
    if value:
        say(f"pareto-explorer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001 - its callback has shown it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    add_working_directory()


@app.command()
def sweep(
    space: SpaceArgument,
    out: Annotated[
        str | None,
        typer.Option(
            help="The run directory, or a URI such as s3://bucket/run.", show_default="runs/NAME"
        ),
    ] = None,
    overrides: OverridesOption = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="Ray cluster: auto, host:port or ray://host:port.", show_default="this machine"
        ),
    ] = None,
    cache: CacheOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the report's path only.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Ray's own output.")] = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Start Ray's dashboard on 127.0.0.1.")
    ] = False,
) -> None:
    """Run a sweep, or what is left of it, and write its report.

    Running the same command again continues a sweep that was interrupted. A larger
    search.configurations extends a finished one. Exit code: 0 all trials ended well, 1 some
    trial failed or a file could not be written, 2 bad input, 128 + n interrupted by signal n.
    """
    from pareto_explorer.api import run_sweep
    from pareto_explorer.reports.cards.finding import finding_card
    from pareto_explorer.reports.cards.hypervolume import hypervolume_card
    from pareto_explorer.reports.cards.ranges import ranges_card
    from pareto_explorer.reports.shared.material import Material
    from pareto_explorer.runs import is_uri
    from pareto_explorer.sweeps import SweepSpec, find_space, progress_for

    console = Terminal()
    name = find_space(space).stem
    spec = SweepSpec.load(space, overrides or [])
    run = run_sweep(
        spec,
        out or Path("runs") / name,
        address=address,
        cache_dir=cache,
        progress=progress_for(console, quiet=quiet),
        verbose=verbose,
        dashboard=dashboard,
        name=name,
    )
    material = Material(run)
    index = run.directory.report / "index.html"
    failed = run.points["trial_status"] == "failed"
    if quiet:
        say(str(index))
    else:
        cards = [card(material) for card in (hypervolume_card, finding_card, ranges_card)]
        volumes, finding, ranges = cards
        _print_families(console, volumes.data, len(material.replicates))
        console.print(visible(finding.sentence), highlight=False)
        for text in (*ranges.context.get("sentences", ()), *(c.reason for c in cards if c.broken)):
            say(text)
        for row in run.points[failed].drop_duplicates("trial_id").itertuples():
            say(f"failed: {row.trial_id}: {row.error}")
        say(f"report: {index}")
        if out is not None and is_uri(out):
            say(f"stored in: {redacted(out)}")
    if failed.any():
        raise typer.Exit(1)


@app.command()
def report(
    runs: Annotated[
        list[str],
        typer.Argument(help="Run directories or URIs, shown together.", show_default=False),
    ],
    box: Annotated[
        Path | None,
        typer.Option(
            help="Recompute in the box of this run, or of this YAML or JSON file.",
            show_default="the run's own, which all must share",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the report.",
            show_default="RUN/report, with --box RUN/report-box, for several report-RUN1-RUN2",
        ),
    ] = None,
) -> None:
    """Rebuild the report from run directories alone; needs neither torch nor Ray."""
    from pareto_explorer.reports import write_report
    from pareto_explorer.results import load_runs

    say(f"report: {write_report(load_runs(runs, box), out)}")


app.command()(select)
app.command()(check)


@app.command("import")
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

    run = import_run(source, out, mapping, study=study, command=_command(), tell=_progress)
    say(f"report: {write_report(run.path)}")


def _progress(line: str) -> None:
    say(line, stderr=True)


@app.command()
def reproduce(
    run: RunArgument,
    trial: Annotated[str, typer.Option(help="The trial's id.", show_default=False)],
    replicate: Annotated[int, typer.Option(help="The replicate's number.", show_default=False)],
    step: Annotated[int, typer.Option(help="The point's step.", show_default=False)],
    cache: CacheOption = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest difference that still counts as the same.")
    ] = 1e-6,
    space: SweptOption = None,
    trust: TrustOption = False,
) -> None:
    """Run one point again and compare it with its row. Exit code: 0 it agrees, 1 it differs."""
    from pareto_explorer.sweeps import SweepSpec
    from pareto_explorer.sweeps import reproduce as run_again

    spec = SweepSpec.load(space) if space else None
    found = run_again(run, trial, replicate, step, cache_dir=cache, trust=trust, spec=spec)
    table = Table(title=f"{visible(trial)}, replicate {replicate}, step {step}", box=SIMPLE_HEAD)
    table.add_column("quantity")
    table.add_column("recorded", justify="right")
    table.add_column("again", justify="right")
    for name, recorded, again in found.values.itertuples():
        table.add_row(visible(str(name)), f"{recorded:.6g}", f"{again:.6g}")
    Terminal().print(table)
    agrees = found.largest_difference <= tolerance
    say(
        f"{'agrees' if agrees else 'differs'}: "
        f"the largest difference is {found.largest_difference:.2g}"
    )
    if not agrees:
        say(found.explanation(tolerance))
        raise typer.Exit(1)


@app.command("list")
def list_names(
    kind: Annotated[
        Kind | None, typer.Argument(help="What to list.", show_default="everything")
    ] = None,
) -> None:
    """List every registered name with its knobs, default domains, meaning and source."""
    from pareto_explorer.cli.catalogue import catalogue

    console = Terminal()
    for heading, entries in catalogue().items():
        if kind is not None and heading.replace(" ", "-") != kind.value:
            continue
        console.rule(Text(heading), align="left")
        for entry in entries:
            console.print(Text(entry.name, style="bold"))
            source = f" [{entry.source}]" if entry.source else ""
            console.print(Padding(Text(f"{entry.summary}{source}"), (0, 0, 0, 2)))
            for knob in entry.knobs:
                console.print(Padding(Text(knob, style="dim"), (0, 0, 0, 4)))


def _command() -> str:
    return redacted_command(["pareto-explorer", *sys.argv[1:]])


def _print_families(console: Terminal, families: pd.DataFrame | None, replicates: int) -> None:
    if families is None:
        return
    title = f"Hypervolume by family: mean and range over {replicates} replicates"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False)
    table.add_column("family", overflow="fold")
    for heading in ("mean", "range", "front", "beyond", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in families.itertuples():
        table.add_row(
            visible(str(row.family)),
            f"{row.hypervolume:.3f}",
            f"{row.lowest:.3f}-{row.highest:.3f}",
            str(row.front_points),
            f"{row.beyond_box}/{row.points}",
            f"{row.seconds:.1f}",
        )
    console.print(table)
    console.print(
        "front: points of the family's front; beyond: those beyond the box count nothing; "
        "s: seconds of unlearning",
        soft_wrap=True,
    )


def main() -> None:
    """Runs the command line; what goes wrong is one sentence, and the exit code says its kind.

    2 is bad input, 1 a file that can no longer be written, 128 + n the signal number n.
    """
    accept_any_encoding()
    try:
        with ended_by_signals():
            app()
    except Interrupted as stop:
        notes = getattr(stop, "__notes__", [AGAIN])
        say("; ".join(["interrupted", *notes]), stderr=True)
        sys.stdout.flush()
        os._exit(stop.code)  # Ray's own end can take a minute where the signal went to all of it
    except InputError as error:
        say(f"error: {error}", stderr=True)
        sys.exit(1 if isinstance(error, WriteError) else 2)
    except OSError as error:
        if error.errno is None:
            raise
        if error.filename is not None:
            say(f"error: {str(error.filename)!r} cannot be used ({error.strerror}).", stderr=True)
        else:
            say(f"error: reading or writing failed ({error.strerror}).", stderr=True)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # perhaps it was what is printed
        sys.exit(1)
