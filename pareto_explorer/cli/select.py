"""``pareto-explorer select``: parse, choose, print, export."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

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
from pareto_explorer.cli.options import CacheOption, RunArgument, SweptOption, TrustOption
from pareto_explorer.cli.tables import plain_table
from pareto_explorer.errors import unknown
from pareto_explorer.terminal import Terminal, say, visible

if TYPE_CHECKING:
    from pareto_explorer.fronts import Selection
    from pareto_explorer.results import Run
    from pareto_explorer.results.exporting import Exported

__all__ = ["select"]


def select(
    run: RunArgument,
    maximum: MaximumOption = None,
    minimum: MinimumOption = None,
    rule: RuleOption = None,
    weights: WeightsOption = None,
    families: FamiliesOption = None,
    one_standard_error: OneStandardErrorOption = False,
    trial_id: TrialOption = None,
    step: StepOption = None,
    position: PositionOption = 0.0,
    replicate: Annotated[
        int | None,
        typer.Option(help="Whose weights to export.", show_default="the first"),
    ] = None,
    destination: Annotated[
        Path | None,
        typer.Option(
            "--export", help="Write the weights to this .safetensors file, and a model card (.md)."
        ),
    ] = None,
    cache_dir: CacheOption = None,
    spec: SweptOption = None,
    trust: TrustOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every metric.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose one model on validation metrics, show what it is, and export it.

    Exit code: 0 chosen, 1 the weights could not be reproduced, 2 bad input.
    """
    from pareto_explorer.results import load_run
    from pareto_explorer.results.exporting import check_destination

    loaded = load_run(run)
    bounds = bounds_of("--max", maximum), bounds_of("--min", minimum)
    selection = loaded.select(
        rule=rule.value if rule else None,
        maximum=bounds[0],
        minimum=bounds[1],
        weights=weights_of(weights),
        families=families or (),
        one_standard_error=one_standard_error,
        trial_id=trial_id,
        step=step,
        position=position,
    )
    if destination:
        check_destination(destination)
    replicates = sorted(int(number) for number in loaded.points["replicate"].unique())
    if replicate is not None and replicate not in replicates:
        raise unknown("--replicate", replicate, map(str, replicates))
    whose = replicates[0] if replicate is None else replicate
    if not as_json:
        _print(loaded, selection, whose, everything=everything)
    written = {}
    if destination:
        point = (run, selection.trial_id, whose, selection.step)
        done = _export(point, selection.position, destination, cache_dir, spec, trust=trust)
        written = _add_card(loaded, selection, whose, done)
    if as_json:
        typer.echo(json.dumps(_data(loaded, selection, whose) | written, indent=2, allow_nan=False))
    elif not written and "imported" not in loaded.manifest:
        say("export: the same command with --export model.safetensors")
    elif written:
        say(f"weights: {written['weights']}")
        say(f"model card: {written['model_card']}")
        if "adapter_config" in written:
            say(f"adapters of peft: {written['adapter_config']}")


def _export(
    point: tuple[str, str, int, int],
    position: float,
    destination: Path,
    cache_dir: Path | None,
    spec: str | None,
    *,
    trust: bool,
) -> Exported:
    from pareto_explorer.results.exporting import export_kept

    kept = export_kept(*point, destination, position=position)
    if kept is not None:
        return kept
    from pareto_explorer.sweeps import SweepSpec
    from pareto_explorer.sweeps.again.export import NotReproduced, export_model

    swept = SweepSpec.load(spec) if spec else None
    try:
        return export_model(
            *point, destination, position=position, cache_dir=cache_dir, trust=trust, spec=swept
        )
    except NotReproduced as error:
        say(f"error: {error}", stderr=True)
        raise typer.Exit(1) from None


def _add_card(run: Run, selection: Selection, replicate: int, done: Exported) -> dict[str, str]:
    from pareto_explorer.reports.model_card import ModelFile, render_model_card
    from pareto_explorer.results.adapters import write_adapter_config
    from pareto_explorer.runs import write_text

    file = ModelFile(done.path.name, done.sha256, replicate, done.difference)
    card = done.path.with_suffix(".md")
    write_text(card, render_model_card(run, selection, file))
    written = {"weights": str(done.path), "sha256": done.sha256, "model_card": str(card)}
    adapters = write_adapter_config(done.path, run.manifest)
    return written | ({"adapter_config": str(adapters)} if adapters else {})


def _matter(selection: Selection, measured: Sequence[str]) -> list[str]:
    """The metrics that a choice is about, of those that were measured.

    Objectives and what the choice looked at in their place, bounds, distances to the retrained
    model, and what these are distances of.
    """
    from pareto_explorer.schema.metrics import as_measured, tokens_in

    tokens = tokens_in(measured)
    entries = {metric: as_measured(metric, tokens) for metric in measured}
    twins = {entry.twin for entry in entries.values() if entry is not None}
    gaps = [
        entry
        for metric, entry in entries.items()
        if entry is not None and entry.over and metric not in twins
    ]
    wanted = [
        *selection.box.metrics,
        *selection.validation.metrics,
        *(constraint.metric for constraint in selection.constraints),
        *(entry.name for entry in gaps),
        *(metric for entry in gaps for metric in entry.over),
    ]
    return [metric for metric in measured if metric in wanted]


def _print(run: Run, selection: Selection, replicate: int, *, everything: bool) -> None:
    from pareto_explorer.fronts import collapse_sentence, nothing_to_forget
    from pareto_explorer.reports.model_card import shown_kinds, spread, standing
    from pareto_explorer.schema.columns import STD_SUFFIX
    from pareto_explorer.schema.metrics import SAID_EXACTLY, measure, number, tokens_in
    from pareto_explorer.text import count

    console = Terminal()
    chosen = f"{selection.trial_id}, {selection.place} ({selection.family})"
    console.print(Text(visible(chosen), style="bold"))
    by = "" if selection.rule == "named" else f"chosen by the rule {selection.rule}: "
    console.tell(f"{by}{selection.reason}; {selection.picked_from}")
    nothing = nothing_to_forget(run.landmarks, run.box.metrics)
    if nothing:
        console.tell(nothing)
    if selection.one_standard_error:
        console.tell(f"one standard error: {selection.one_standard_error}")
    knobs = ", ".join(f"{name} = {number(value)}" for name, value in selection.knobs.items())
    counted = "samples" not in run.not_recorded
    samples = f"; {selection.chosen['samples']:,.0f} samples processed" if counted else ""
    console.tell(f"knobs: {knobs or 'none'}{samples}")
    n = run.points["replicate"].nunique()
    seeds = run.landmarks["training_seed"].nunique()
    found = standing(selection, run.points, run.landmarks)
    kinds = shown_kinds(found)
    over = f", of landmarks over {count(seeds, 'training seed')}" if seeds != n else ""
    title = f"Mean ± standard deviation over {count(n, 'replicate')}{over}"
    table = plain_table(title, "metric", *kinds)
    shown = list(found.index) if everything else _matter(selection, list(found.index))
    for metric, row in found.loc[shown].iterrows():
        cells = [spread(row[who], row[who + STD_SUFFIX]) for who in kinds]
        table.add_row(visible(str(metric)), *cells)
    console.print(table)
    if left := len(found) - len(shown):
        say(f"--all shows {count(left, 'more metric')}")
    if tokens_in(run.points.columns):
        console.tell(SAID_EXACTLY)
        if lost := collapse_sentence(found):
            console.tell(lost)
    if not selection.moves:
        console.tell("no model of the validation front is better in any objective")
    for move in selection.moves:
        parts: dict[str, list[str]] = {"gains": [], "loses": []}
        for metric, change in move.changes.items():
            error = move.errors[metric]
            text = f"{metric} {change:+.4f}" + ("" if math.isnan(error) else f" ± {measure(error)}")
            parts["gains" if metric in move.gains else "loses"].append(text)
        words = "; ".join(f"{verb} {', '.join(found)}" for verb, found in parts.items() if found)
        outside = "" if move.keeps_constraints else "; breaks a constraint"
        samples = f"; {move.samples:+,.0f} samples" if counted else ""
        console.tell(f"moving to {move.trial_id}, {move.place}: {words}{samples}{outside}")
    if selection.moves and n > 1:
        console.tell("± of a move: one standard error, paired over replicates")
    audit = _audit(run, selection)
    if audit:
        console.tell(f"audit: {audit}")
    again = _reproduce(run, selection, replicate)
    if again:
        say(f"reproduce: {again}")


def _data(run: Run, selection: Selection, replicate: int) -> dict[str, Any]:
    from pareto_explorer.fronts import nothing_to_forget
    from pareto_explorer.reports.model_card import standing

    metrics = standing(selection, run.points, run.landmarks)
    found = selection.to_dict() | {
        "replicate": replicate,
        "nothing_to_forget": nothing_to_forget(run.landmarks, run.box.metrics),
        "audit": _audit(run, selection),
        "metrics": {
            str(metric): {column: _plain(value) for column, value in row.items()}
            for metric, row in metrics.to_dict("index").items()
        },
    }
    again = _reproduce(run, selection, replicate)
    return found | ({"reproduce": again} if again else {})


def _audit(run: Run, selection: Selection) -> str:
    """What an audit has found of the choice; empty where it was not audited."""
    from pareto_explorer.reports.shared.verdicts import verdict

    point = selection.checkpoint
    audits = run.audits
    return verdict(audits, point) if audits is not None and point in audits.points else ""


def _reproduce(run: Run, selection: Selection, replicate: int) -> str:
    """How to run the chosen point again; empty where nothing can."""
    from pareto_explorer.reports.shared.commands import reproduce_call, reproduce_command

    point = (selection.trial_id, replicate, selection.step, selection.position)
    if run.task_given:
        return reproduce_call(run, *point)
    return reproduce_command(run, *point) if run.repeatable else ""


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
