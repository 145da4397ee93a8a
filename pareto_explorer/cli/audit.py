"""``pareto-explorer audit``: plan, ask, print what an attacker would notice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from pareto_explorer.cli.choosing import (
    FamiliesOption,
    MaximumOption,
    MinimumOption,
    OneStandardErrorOption,
    PositionOption,
    RuleOption,
    StepOption,
    TrialOption,
    WeightsOption,
    bounds_of,
    weights_of,
)
from pareto_explorer.cli.options import (
    AddressOption,
    CacheOption,
    RunArgument,
    SweptOption,
    TrustOption,
    VerboseOption,
)
from pareto_explorer.cli.tables import plain_table
from pareto_explorer.terminal import Terminal, say, visible
from pareto_explorer.trust.redaction import redacted

if TYPE_CHECKING:
    import pandas as pd

    from pareto_explorer.audits.plan import AuditPlan

__all__ = ["audit"]


def audit(
    run: RunArgument,
    models: Annotated[int, typer.Option(help="Most models of each kind.")] = 16,
    budget: Annotated[
        str | None,
        typer.Option(help="Time that there is: 90s, 5m.", show_default="as long as it takes"),
    ] = None,
    front: Annotated[
        bool, typer.Option("--front", help="Audit the points of the front, at most twelve.")
    ] = False,
    games: Annotated[
        str | None,
        typer.Option(
            help="What is asked: indistinguishability,leakage,recovery.", show_default="all"
        ),
    ] = None,
    maximum: MaximumOption = None,
    minimum: MinimumOption = None,
    rule: RuleOption = None,
    weights: WeightsOption = None,
    families: FamiliesOption = None,
    one_standard_error: OneStandardErrorOption = False,
    trial_id: TrialOption = None,
    step: StepOption = None,
    position: PositionOption = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop after the plan.")] = False,
    address: AddressOption = None,
    cache_dir: CacheOption = None,
    spec: SweptOption = None,
    trust: TrustOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the findings only.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Ask whether a strong attacker would notice that the chosen model was unlearned.

    Trains, retrains and unlearns models of further seeds, and attacks each with all others. The
    same command continues an audit that was interrupted. Exit code: 0 done, 1 a file could not be
    written, 2 bad input, 128 + n interrupted by signal n.
    """
    if not quiet:
        say("PyTorch and Ray: are loaded")
    from pareto_explorer.api import audit as run_audit
    from pareto_explorer.audits.plan import GAMES, seconds_of
    from pareto_explorer.reports.shared.verdicts import verdict
    from pareto_explorer.results.audited import Audits
    from pareto_explorer.schema.audited import NOTHING
    from pareto_explorer.sweeps import SweepSpec, progress_for

    console = Terminal()
    found = run_audit(
        run,
        models=models,
        budget=None if budget is None else seconds_of(budget),
        front=front,
        games=GAMES if games is None else tuple(game.strip() for game in games.split(",")),
        rule=rule.value if rule else None,
        maximum=bounds_of("--max", maximum),
        minimum=bounds_of("--min", minimum),
        weights=weights_of(weights),
        families=families or (),
        one_standard_error=one_standard_error,
        trial_id=trial_id,
        step=step,
        position=position,
        dry_run=dry_run,
        planned=lambda plan: None if quiet else _print_plan(console, plan),
        spec=SweepSpec.load(spec) if spec else None,
        trust=trust,
        address=address,
        cache_dir=cache_dir,
        progress=progress_for(console, quiet=quiet),
        verbose=verbose,
    )
    for note in found.notes:
        console.tell(note)
    if dry_run:
        return
    if not quiet:
        (_print_beside if front else _print_found)(console, found.headlines())
    audits = Audits(found.table, found.samples)
    for point in found.plan.points:
        if point != NOTHING:
            console.tell(verdict(audits, point))
    say(f"report: {redacted(run).rstrip('/')}/report/index.html")


def _print_plan(console: Terminal, plan: AuditPlan) -> None:
    for point in plan.points[:-1]:
        say(f"audited: {visible(str(point))}")
    say("beside it: doing nothing")
    title = f"Plan: about {plan.seconds:.0f} s of computing, by what the run has measured"
    table = plain_table(title, "game", "seeds", "at hand", "to train", "to unlearn", "s", "")
    for stage in plan.stages:
        counts = (len(stage.seeds), stage.there, stage.to_train, stage.to_unlearn)
        room = "" if stage.fits else "no room"
        table.add_row(stage.game, *map(str, counts), f"{stage.seconds:.0f}", room)
    console.print(table)
    for game, needs in {stage.game: stage.needs for stage in plan.stages}.items():
        console.tell(f"{game} needs {needs}")


def _print_found(console: Terminal, rows: pd.DataFrame) -> None:
    from pareto_explorer.schema.columns import CHECKPOINT, checkpoints_of, of_checkpoint, place

    keys = [*CHECKPOINT, "statistic", "set", "at"]
    fresh = rows[rows["seeds"] == "fresh"].set_index(keys)["value"].to_dict()
    whole = rows[rows["seeds"] == "all"]
    for point in checkpoints_of(whole):
        own = whole[of_checkpoint(whole, *point)]
        title = visible(f"{point[0]}, {place(*point[1:])}")
        table = plain_table(title, "statistic", "of", "N", "value", "95 %", "floor", "fresh")
        for row in own.to_dict("records"):
            alone = fresh.get(tuple(row[name] for name in keys), math.nan)
            table.add_row(
                row["statistic"] + (f" ({row['at']})" if row["at"] >= 0 else ""),
                row["set"].removesuffix("_heldback"),
                str(row["n_models"]),
                f"{row['value']:.3f}",
                "" if math.isnan(row["low"]) else f"{row['low']:.3f} to {row['high']:.3f}",
                *("" if math.isnan(x) else f"{x:.3f}" for x in (row["floor"], alone)),
            )
        console.print(table)
    console.tell(
        "floor: retrained models against retrained ones; fresh: seeds that did not choose the "
        "model, alone; in brackets: shots of a probe"
    )


_BESIDE = {
    ("attack_accuracy", "forget"): "attack",
    ("attack_accuracy", "test"): "test",
    ("leak_accuracy", "forget"): "leakage",
    ("relearn_gain", "forget_heldback"): "relearned",
    ("churn", "test"): "churn",
}
"""What is told of each of several points, and as what."""


def _print_beside(console: Terminal, rows: pd.DataFrame) -> None:
    from pareto_explorer.schema.columns import checkpoints_of, of_checkpoint, place

    table = plain_table("Attacks on each point", "point", *_BESIDE.values())
    whole = rows[rows["seeds"] == "all"]
    for point in checkpoints_of(whole):
        own = whole[of_checkpoint(whole, *point)]
        values = own.set_index(["statistic", "set"])["value"].to_dict()
        told = (values.get(which) for which in _BESIDE)
        cells = ("" if value is None else f"{value:.3f}" for value in told)
        table.add_row(visible(f"{point[0]}, {place(*point[1:])}"), *cells)
    console.print(table)
    console.tell(
        "attack: accuracy by the forget set; test: by the test set, where nothing was to be "
        "forgotten; relearned: what comes back beyond retraining; all numbers are in the report"
    )
