"""Hover text: everything that is known of one point, safe to give to Plotly.

Plotly renders a subset of HTML in hover text and in names, so text that a user wrote is escaped.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from pareto_explorer.schema.columns import CONFIG_PREFIX, POSITION, config_columns, place
from pareto_explorer.schema.metrics import label, measure, number
from pareto_explorer.text import count

__all__ = ["landmark_hover", "plain", "point_hover", "seeds_line", "told_knobs"]

_WIDTH = 52  # characters in a line, so that the label fits a phone


def plain(text: object) -> str:
    """Any text in a form that Plotly shows letter by letter."""
    return escape(" ".join(str(text).split()), quote=False)


def seeds_line(replicates: pd.DataFrame) -> str:
    """The seeds of all replicates: ``2 replicates, training/unlearning seeds 0/7, 1/8``.

    Args:
        replicates: Table with ``replicate, training_seed, unlearning_seed``.
    """
    unique = replicates[["replicate", "training_seed", "unlearning_seed"]].drop_duplicates()
    seeds = unique.sort_values("replicate")[["training_seed", "unlearning_seed"]]
    pairs = ", ".join(f"{training}/{unlearning}" for training, unlearning in seeds.to_numpy())
    return f"{count(len(seeds), 'replicate')}, training/unlearning seeds {pairs}"


def told_knobs(table: pd.DataFrame) -> list[str]:
    """The knobs to tell of a configuration: those in which any two differ, or all if none do.

    Args:
        table: Of all configurations, with ``config.<knob>`` columns.
    """
    knobs = config_columns(table)
    return [knob for knob in knobs if table[knob].nunique() > 1] or knobs


def point_hover(
    row: Mapping[Any, Any],
    metrics: Sequence[str],
    seeds: str,
    knobs: Collection[str] | None = None,
) -> str:
    """Family, trial, step, position, seeds, the configuration and every metric with its spread.

    Args:
        row: A row of ``fronts.replicate_means``: metric means, and their standard deviation over
            replicates under ``<metric>.std``.
        metrics: Metric columns in the order to list them.
        seeds: The text of ``seeds_line``.
        knobs: The ``config.<knob>`` columns to tell, as ``told_knobs`` gives them; by default all.
    """
    own = [name for name in row if str(name).startswith(CONFIG_PREFIX) and not pd.isna(row[name])]
    told = {
        str(name).removeprefix(CONFIG_PREFIX): row[name]
        for name in own
        if knobs is None or name in knobs
    }
    where = place(row["step"], row.get(POSITION, 0.0))
    lines = [f"<b>{_wrap(row['family'])}</b>"]
    lines += [_wrap(f"trial {row['trial_id']}, {where}"), _wrap(seeds), ""]
    lines += [_wrap(f"{knob} = {number(value)}") for knob, value in told.items()]
    lines += ["" if own else "no knobs", "<i>mean ± standard deviation over replicates</i>"]
    lines += [_wrap(_line(row, metric)) for metric in metrics if not pd.isna(row[metric])]
    return "<br>".join(line for i, line in enumerate(lines) if line or lines[i - 1])


def landmark_hover(title: str, details: str, values: Iterable[tuple[str, float]]) -> str:
    """Name, seeds and metrics of a landmark."""
    measures = [_wrap(f"{label(metric)} {measure(value)}") for metric, value in values]
    return "<br>".join([f"<b>{plain(title)}</b>", _wrap(details), "", *measures])


def _line(row: Mapping[Any, Any], metric: str) -> str:
    spread = row.get(f"{metric}.std", float("nan"))
    text = f"{label(metric)} {measure(row[metric])}"
    return text if pd.isna(spread) else f"{text} ± {measure(spread)}"


def _wrap(text: object) -> str:
    words = " ".join(str(text).split())
    if len(words) <= _WIDTH:
        return escape(words, quote=False)
    lines = textwrap.wrap(words, _WIDTH, subsequent_indent="\u2003")
    return "<br>".join(escape(line, quote=False) for line in lines)
