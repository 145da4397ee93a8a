"""The choice: one model by a rule, what it is, and where one could move from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from pareto_explorer.fronts import Box, Move, Selection, select
from pareto_explorer.fronts.core.validation_twins import spares_test
from pareto_explorer.reports.shared.choose_data import choose_data
from pareto_explorer.reports.shared.commands import (
    SPACE,
    audit_point_command,
    export_command,
    export_knee_command,
    no_commands,
    reproduce_command,
)
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.packing import short_numbers
from pareto_explorer.reports.shared.standing import shown_kinds, spread, standing
from pareto_explorer.reports.shared.verdicts import verdict
from pareto_explorer.results import MEMBER, Run
from pareto_explorer.schema.columns import STD_SUFFIX, plain_position
from pareto_explorer.schema.metrics import caption, inline, label, measure, number, tokens_in
from pareto_explorer.text import count, listing

__all__ = ["choose_card"]

_TITLE = "Choose a model"

_ALSO_SHOWN = ("unlearning_accuracy", "retain_accuracy", "test_accuracy", "membership_inference")
_DIGITS = 7
_KINDS = {"chosen": "Chosen", "retrained": "Retrained", "original": "Original"}

_SENTENCE = "A rule takes one by validation metrics; its test metrics have no part in it."
_SPREADS = {
    "table": "±: one standard deviation over replicates, of the others over training seeds.",
    "moves": (
        "±: one standard error, paired over replicates. What is within it is not distinguishable "
        "from no change."
    ),
}


@guarded("choose", _TITLE)
def choose_card(material: Material) -> Card:
    """The knee, and what the page's script needs to choose by any rule."""
    means = material.validation_means
    if material.nothing_to_forget or means.empty:
        return Card("choose", _TITLE, reason=material.nothing_to_forget or _none_yet(material))
    run = material.run
    selection = select(run.points, run.box, means=means)
    metrics = _metrics(run.box, selection, means)
    table = standing(selection, run.points, run.landmarks).loc[metrics]
    kinds = [kind for kind in _KINDS if kind in shown_kinds(table)]
    data = choose_data(run.points, means, run.box, selection.validation, metrics)
    rows = [_row(str(metric), values, kinds) for metric, values in table.iterrows()]
    counted = "samples" not in run.not_recorded
    context: dict[str, Any] = {
        "family": selection.family,
        "style": material.styles[selection.family],
        "place": f"{selection.trial_id}, {selection.place}",
        "settings": ", ".join(f"{k} = {number(v)}" for k, v in selection.knobs.items()),
        "why": f"{selection.reason}; {selection.picked_from}",
        "kinds": [_KINDS[kind] for kind in kinds],
        "rows": rows,
        "moves": [_move(move, counted=counted) for move in selection.moves],
        "audit": _audits(run).get(_id(*selection.checkpoint), ""),
        "commands": list(_commands(material, selection)),
        "no_commands": no_commands(run),
        "spreads": _SPREADS if len(material.replicates) > 1 else {},
    }
    words = f"Knee: {selection.family} ({context['settings']}), {context['place']}"
    return Card(
        "choose",
        _TITLE,
        _sentence(material, selection),
        context=context
        | {
            "sentences": [f"{words}; {context['why']}.", *map(_said, context["moves"])],
            "summary": _summary(rows, context["kinds"]),
        },
        payload=data
        | {
            "landmarks": [_landmark(table, kind) for kind in kinds if kind != "chosen"],
            "captions": [caption(metric, tokens_in(means.columns)) for metric in metrics],
            "chosen_on": [inline(metric) for metric in selection.validation.metrics],
            "counted": counted,
            "audits": _audits(run),
            "spreads": context["spreads"],
            "commands": _command_parts(material),
        },
    )


def _none_yet(material: Material) -> str:
    running, total = material.unfinished
    why = "No model is usable in every replicate, so there is none to choose"
    if running:
        return f"{why} yet: {running:,} of {count(total, 'trial')} have not ended."
    return f"{why}; “Failures” says what went wrong."


def _sentence(material: Material, selection: Selection) -> str:
    told = [metric for metric in selection.unseparated if not spares_test(metric)]
    sentence = _SENTENCE
    if told:
        names = listing([inline(metric) for metric in told])
        sentence = (
            f"There is no validation twin of {names}: a rule takes one by what is then told of it, "
            "which flatters the choice."
        )
    running, total = material.unfinished
    if running:
        sentence += f" {running:,} of {count(total, 'trial')} have not ended and may change it."
    return sentence


def _metrics(box: Box, selection: Selection, means: pd.DataFrame) -> list[str]:
    """The objectives, what the choice looked at in their place, and a few that are known well."""
    names = dict.fromkeys([*box.metrics, *selection.validation.metrics, *_ALSO_SHOWN])
    return [name for name in names if name in means and not pd.isna(selection.chosen.get(name))]


def _row(metric: str, values: pd.Series[Any], kinds: list[str]) -> dict[str, Any]:
    cells = [spread(values[kind], values[kind + STD_SUFFIX]) for kind in kinds]
    return {"label": label(metric), "cells": [cell.split(" ± ") for cell in cells]}


def _summary(rows: list[dict[str, Any]], kinds: list[str]) -> pd.DataFrame:
    columns = {kind: [" ± ".join(row["cells"][i]) for row in rows] for i, kind in enumerate(kinds)}
    return pd.DataFrame({"Metric": [row["label"] for row in rows], **columns})


def _landmark(table: pd.DataFrame, kind: str) -> dict[str, Any]:
    return {
        "title": _KINDS[kind],
        "mean": short_numbers(table[kind].to_numpy(), _DIGITS),
        "std": short_numbers(table[kind + STD_SUFFIX].to_numpy(), _DIGITS),
    }


def _move(move: Move, *, counted: bool) -> dict[str, Any]:
    parts: dict[str, list[str]] = {"gains": [], "loses": []}
    for metric, change in move.changes.items():
        error = move.errors[metric]
        text = f"{inline(metric)} {_sign(change)}{measure(abs(change))}"
        if not math.isnan(error):
            text += f" ± {measure(error)}"
            text += " (within one standard error)" if abs(change) <= error else ""
        parts["gains" if metric in move.gains else "loses"].append(text)
    return {
        "to": f"{move.family}, {move.trial_id}, {move.place}",
        "parts": {verb: ", ".join(found) for verb, found in parts.items() if found},
        "more": f"{_sign(move.samples)}{abs(move.samples):,.0f} samples"
        if counted and move.samples
        else "",
    }


def _sign(change: float) -> str:
    return "\N{MINUS SIGN}" if change < 0 else "+"


def _said(move: dict[str, Any]) -> str:
    changes = "; ".join(f"{verb} {found}" for verb, found in move["parts"].items())
    return f"Moving to {move['to']}: {changes}."


def _audits(run: Run) -> dict[str, str]:
    """What audits found, by the id of the model."""
    audits = run.audits
    if audits is None:
        return {}
    return {_id(*point): verdict(audits, point) for point in audits.points}


def _id(trial: str, step: int, position: float) -> str:
    """A checkpoint as the page names it."""
    return f"{trial}@{step}" + (f"@{plain_position(position)}" if position else "")


def _commands(material: Material, selection: Selection) -> Iterator[tuple[str, str]]:
    """What to do with the default choice, and the commands that do it."""
    run, (trial, step, position) = material.run, selection.checkpoint
    if not run.repeatable:
        return
    if _chosen_alike(run):
        yield "Export", export_knee_command(run)
    else:
        yield "Export", export_command(run, trial, step, position)
    yield "Reproduce", reproduce_command(run, trial, material.replicates[0], step, position)
    yield "Audit", audit_point_command(run, trial, step, position)


def _command_parts(material: Material) -> dict[str, Any]:
    """What the script puts commands together from."""
    run = material.run
    parts = run.members.values() or [run]
    return {
        "run": run.shown if run.repeatable else None,
        "none": no_commands(run),
        "members": {name: member.shown for name, member in run.members.items()},
        "member_mark": MEMBER,
        "swept": {part.shown: SPACE for part in parts if part.names_code},
        "replicate": material.replicates[0],
        "by_rule": _chosen_alike(run),
    }


def _chosen_alike(run: Run) -> bool:
    """Whether the command line, which takes one run in its own box, chooses as the page does."""
    own = run.manifest.get("box")
    return not run.members and own is not None and Box.from_dict(own) == run.box
