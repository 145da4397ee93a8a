"""``pareto-explorer sweep``: run, print what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pareto_explorer.cli.opening import OpenOption, open_page
from pareto_explorer.cli.options import (
    AddressOption,
    CacheOption,
    OverridesOption,
    SpaceArgument,
    VerboseOption,
)
from pareto_explorer.cli.tables import plain_table
from pareto_explorer.schema.statuses import FAILED
from pareto_explorer.terminal import Terminal, say, visible
from pareto_explorer.trust.redaction import redacted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sweep"]


def sweep(
    space: SpaceArgument,
    out: Annotated[
        str | None,
        typer.Option(
            help="The run directory, or a URI such as s3://bucket/run.", show_default="runs/NAME"
        ),
    ] = None,
    overrides: OverridesOption = None,
    address: AddressOption = None,
    cache_dir: CacheOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the report's path only.")] = False,
    verbose: VerboseOption = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Start Ray's dashboard on 127.0.0.1.")
    ] = False,
    open_it: OpenOption = False,
    live: Annotated[
        bool, typer.Option("--live", help="Serve the report on 127.0.0.1 while the sweep runs.")
    ] = False,
) -> None:
    """Run a sweep, or what is left of it, and write its report.

    Running the same command again continues a sweep that was interrupted. A larger
    search.configurations extends a finished one. Exit code: 0 all trials ended well, 1 some
    trial failed or a file could not be written, 2 bad input, 128 + n interrupted by signal n.
    """
    if not quiet:
        say("PyTorch and Ray: are loaded")
    from pareto_explorer.api import run_sweep
    from pareto_explorer.cli.live_page import LivePage
    from pareto_explorer.reports.cards.finding import finding_card
    from pareto_explorer.reports.cards.hypervolume import hypervolume_card
    from pareto_explorer.reports.cards.next import next_card
    from pareto_explorer.reports.shared.material import Material
    from pareto_explorer.runs import is_uri
    from pareto_explorer.sweeps import SweepSpec, find_space, progress_for

    console = Terminal()
    name = find_space(space).stem
    spec = SweepSpec.load(space, overrides or [])
    place, progress = out or Path("runs") / name, progress_for(console, quiet=quiet)
    aside = Terminal(stderr=True) if quiet else console
    page = LivePage(place, aside, open_it=open_it) if live else None
    run = run_sweep(
        spec,
        place,
        address=address,
        cache_dir=cache_dir,
        progress=progress,
        verbose=verbose,
        dashboard=dashboard,
        name=name,
    )
    material = Material(run)
    index = run.directory.report / "index.html"
    failed = run.points["trial_status"] == FAILED
    if quiet:
        say(str(index))
    else:
        cards = [card(material) for card in (hypervolume_card, finding_card, next_card)]
        volumes, finding, suggested = cards
        _print_families(console, volumes.data, len(material.replicates))
        console.tell(finding.sentence)
        for reason in dict.fromkeys(card.reason for card in cards if card.broken):
            console.tell(reason)
        for step in suggested.context.get("steps", [])[:3]:
            console.tell(f"next: {step.what}. {step.why} {step.line}".rstrip())
        for row in run.points[failed].drop_duplicates("trial_id").itertuples():
            console.tell(f"failed: {row.trial_id}: {row.error}")
        say(f"report: {index}")
        if out is not None and is_uri(out):
            say(f"stored in: {redacted(out)}")
    if open_it and page is None:
        open_page(index)
    if page is not None and console.is_terminal:
        page.stay()
    if failed.any():
        raise typer.Exit(1)


def _print_families(console: Terminal, families: pd.DataFrame | None, replicates: int) -> None:
    if families is None:
        return
    title = f"Hypervolume by family: mean and range over {replicates} replicates"
    table = plain_table(title, "family", "mean", "range", "front", "beyond", "s")
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
    console.tell(
        "front: points of the family's front; beyond: those beyond the box count nothing; "
        "s: seconds of unlearning"
    )
