"""Would an attacker notice: accuracy of attacks, effect by sample, and what relearning brings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.panels import Panel, axis_names, panel_layout
from pareto_explorer.figures.shared.style import LIGHT, PALETTE, Theme, fade
from pareto_explorer.schema.audited import NOTHING

__all__ = ["AuditInfo", "audit_info", "draw_audit", "plot_audit"]

_NOTHING, _RETRAINED = "doing nothing", "retrained against retrained"
_ATTACKS = {
    ("attack_accuracy", "forget"): ("told from retraining by the forget set", "circle"),
    ("attack_accuracy", "test"): ("by the test set, as a control", "circle-open"),
    ("leak_accuracy", "forget"): ("forgotten told from never seen", "diamond"),
}
_MOST = 12  # audited points that the figure names
_BINS = 24
_HUES = {"unlearned": 0, "original": 1, "retrained": 4}


class AuditInfo(NamedTuple):
    """What the figure shows.

    Attributes:
        point: The trial and the step that it is about.
        attacks: ``who, attack, value, low, high, n_models``, in the order of the rows from above;
            bounds are NaN where there are too few seeds for them.
        effects: ``who, low, high, samples``: how many forgotten samples have an effect size in
            each interval.
        curves: ``role, at, value, low, high``: accuracy on held-back forgotten samples after so
            many steps of relearning.
    """

    point: tuple[str, int]
    attacks: pd.DataFrame
    effects: pd.DataFrame
    curves: pd.DataFrame


def audit_info(
    table: pd.DataFrame, samples: pd.DataFrame, point: tuple[str, int] | None = None
) -> AuditInfo:
    """Computes what ``plot_audit`` draws.

    Args:
        table: ``audit.parquet``.
        samples: ``audit/samples.parquet``.
        point: The trial and the step that it is about; by default the first one audited.
    """
    table = table[table["seeds"] == "all"]
    points = _points(table)
    point = point or (points[0] if points else NOTHING)
    return AuditInfo(
        point, _attacks(table, points), _effects(samples, point), _curves(table, point)
    )


def plot_audit(
    table: pd.DataFrame,
    samples: pd.DataFrame,
    point: tuple[str, int] | None = None,
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Draws whether an attacker who knows the procedure would notice that a model was unlearned.

    How to read it:

    - A dot is the share of single looks that an attacker gets right; half is guessing, and what
      exact retraining gets. The open circle is the control: on samples of which nothing was to be
      forgotten. If it is far from half too, the method has changed the whole model.
    - The histogram says how far unlearned and retrained models are apart on each forgotten sample,
      in standard deviations, with doing nothing behind it.
    - The last panel trains each model on a few of the forgotten samples: a curve above that of
      the retrained model says that the others were hidden, not gone.

    Args:
        table: ``audit.parquet``.
        samples: ``audit/samples.parquet``.
        point: See ``audit_info``.
        theme: ``style.LIGHT`` or ``style.DARK``.
    """
    return draw_audit(audit_info(table, samples, point), theme=theme)


def draw_audit(info: AuditInfo, *, theme: Theme = LIGHT) -> go.Figure:
    """Turns the data of ``audit_info`` into a figure; a panel without data is left out."""
    parts = [
        (_attack_panel, _draw_attacks, info.attacks),
        (_effect_panel, _draw_effects, info.effects),
        (_curve_panel, _draw_curves, info.curves),
    ]
    there = [(panel(), draw) for panel, draw, data in parts if len(data)]
    rows = 110 + 24 * max(info.attacks["who"].nunique(), 6)
    panels = [panel for (panel, _, _), _ in there]
    layout = panel_layout(panels, theme, columns=2, x_title="", row=rows)
    layout["barmode"] = "overlay"
    traces: list[Any] = []
    for index, ((_, x, y), draw) in enumerate(there):
        names = axis_names(index)
        layout[f"xaxis{names['xaxis'][1:]}"] |= x | {
            "title": {"text": x["title"], "standoff": 8, "font": {"size": 12}}
        }
        layout[f"yaxis{names['yaxis'][1:]}"] |= y
        layout["meta"]["narrow"].pop(f"xaxis{names['xaxis'][1:]}.title.text")
        traces += draw(info, theme, names)
    if there and len(info.attacks):
        order = list(dict.fromkeys(info.attacks["who"]))
        layout["yaxis"] |= {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [_label(who) for who in reversed(order)],
        }
        layout["margin"]["l"] = 12
        layout["yaxis"]["automargin"] = True
    return go.Figure(data=traces, layout=layout)


def _points(table: pd.DataFrame) -> list[tuple[str, int]]:
    """The audited points but doing nothing, in the order of the table."""
    keys = dict.fromkeys(zip(table["trial_id"], table["step"].astype(int), strict=True))
    return [key for key in keys if key != NOTHING]


def _named(point: tuple[str, int]) -> str:
    return _NOTHING if point == NOTHING else f"{point[0]}, step {point[1]}"


def _label(who: str) -> str:
    """A name for an axis, in two lines where it is long."""
    return plain(who).replace(", step ", "<br>step ").replace(" against ", "<br>against ")


def _at(table: pd.DataFrame, point: tuple[str, int]) -> pd.DataFrame:
    return table[(table["trial_id"] == point[0]) & (table["step"] == point[1])]


def _attacks(table: pd.DataFrame, points: Sequence[tuple[str, int]]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    floors: dict[str, dict[str, Any]] = {}
    for point in [NOTHING, *points[:_MOST]]:
        found = _at(table, point)
        for (statistic, of), (attack, _) in _ATTACKS.items():
            one = found[(found["statistic"] == statistic) & (found["set"] == of)]
            for row in one.head(1).to_dict("records"):
                measures = {name: row[name] for name in ("value", "low", "high", "n_models")}
                rows.append({"who": _named(point), "attack": attack} | measures)
                if not math.isnan(row["floor"]):
                    floors[attack] = {
                        "who": _RETRAINED, "attack": attack, "value": row["floor"],
                        "low": math.nan, "high": math.nan, "n_models": row["floor_n"],
                    }  # fmt: skip
    columns = ["who", "attack", "value", "low", "high", "n_models"]
    return pd.DataFrame([*rows, *floors.values()], columns=columns)


def _effects(samples: pd.DataFrame, point: tuple[str, int]) -> pd.DataFrame:
    forget = samples[samples["set"] == "forget"]
    found = {
        _named(who): values[np.isfinite(values)]
        for who in dict.fromkeys((NOTHING, point))
        for values in [_at(forget, who)["effect_size"].to_numpy(dtype=np.float64)]
    }
    columns = ["who", "low", "high", "samples"]
    values = np.concatenate([*found.values(), np.empty(0)])
    if not len(values):
        return pd.DataFrame([], columns=columns)
    edges = np.histogram_bin_edges(values, bins=_BINS)
    rows = [
        (who, low, high, int(count))
        for who, own in found.items()
        if len(own)
        for low, high, count in zip(edges, edges[1:], np.histogram(own, edges)[0], strict=False)
    ]
    return pd.DataFrame(rows, columns=columns)


def _curves(table: pd.DataFrame, point: tuple[str, int]) -> pd.DataFrame:
    found = _at(table, point)
    found = found[(found["statistic"] == "relearn_accuracy") & found["role"].isin(list(_HUES))]
    return found.sort_values(["role", "at"])[["role", "at", "value", "low", "high"]].reset_index(
        drop=True
    )


def _attack_panel() -> tuple[Panel, dict[str, Any], dict[str, Any]]:
    panel = Panel("Who is told apart", "● forget  ○ test (control)  ◆ leakage")
    x = {"title": "accuracy of the attack", "nticks": 6}
    return panel, x, {"showgrid": True}


def _effect_panel() -> tuple[Panel, dict[str, Any], dict[str, Any]]:
    panel = Panel("Forgotten samples", "doing nothing in the background")
    return panel, {"title": "effect size, in standard deviations"}, {}


def _curve_panel() -> tuple[Panel, dict[str, Any], dict[str, Any]]:
    panel = Panel("Relearning", "accuracy on what is held back")
    return panel, {"title": "steps", "rangemode": "tozero"}, {"rangemode": "tozero"}


def _colour(role: str, theme: Theme) -> str:
    return PALETTE[_HUES[role]][theme.name == "dark"]


def _role_of(who: str) -> str:
    return {_NOTHING: "original", _RETRAINED: "retrained"}.get(who, "unlearned")


def _draw_attacks(info: AuditInfo, theme: Theme, axes: dict[str, str]) -> list[go.Scatter]:
    everyone = [_label(who) for who in dict.fromkeys(info.attacks["who"])]
    guessing = go.Scatter(
        x=[0.5, 0.5],
        y=[everyone[0], everyone[-1]],
        mode="lines",
        line={"color": theme.muted, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        meta={"role": "guessing"},
        **axes,
    )
    attacks, roles = info.attacks["attack"], info.attacks["who"].map(_role_of)
    dots = [
        _dots(rows, attack, role, symbol, theme, axes)
        for attack, symbol in _ATTACKS.values()
        for role in _HUES
        if len(rows := info.attacks[(attacks == attack) & (roles == role)])
    ]
    return [guessing, *dots]


def _dots(
    rows: pd.DataFrame,
    attack: str,
    role: str,
    symbol: str,
    theme: Theme,
    axes: dict[str, str],
) -> go.Scatter:
    """One attack on models of one role: a trace has one colour, which its theme may change."""
    bounded = rows["low"].notna() & rows["high"].notna()
    return go.Scatter(
        x=rows["value"].to_numpy(float),
        y=[_label(who) for who in rows["who"]],
        mode="markers",
        marker={"symbol": symbol, "size": 9, "color": _colour(role, theme)},
        error_x={
            "type": "data",
            "array": np.where(bounded, rows["high"] - rows["value"], 0),
            "arrayminus": np.where(bounded, rows["value"] - rows["low"], 0),
            "color": theme.muted,
            "thickness": 1,
            "width": 0,
        },
        customdata=rows["n_models"].tolist(),
        hovertemplate=(
            f"<b>%{{y}}</b><br>{plain(attack)}: %{{x:.3f}}<br>models a side: "
            "%{customdata}<extra></extra>"
        ),
        name=plain(attack),
        meta={"role": "attack", "attack": attack, "of": role},
        **axes,
    )


def _draw_effects(info: AuditInfo, theme: Theme, axes: dict[str, str]) -> list[go.Bar]:
    traces = []
    for who, rows in info.effects.groupby("who", sort=False):
        role = _role_of(str(who))
        traces.append(
            go.Bar(
                x=((rows["low"] + rows["high"]) / 2).to_numpy(float),
                y=rows["samples"].tolist(),
                width=(rows["high"] - rows["low"]).to_numpy(float),
                marker={
                    "color": fade(_colour(role, theme), 0.35 if role == "original" else 0.75),
                    "line": {"width": 0},
                },
                name=plain(who),
                hovertemplate=f"<b>{plain(who)}</b><br>%{{x:.2f}}: %{{y}} samples<extra></extra>",
                meta={"role": "effects", "who": str(who)},
                **axes,
            )
        )
    return traces


def _draw_curves(info: AuditInfo, theme: Theme, axes: dict[str, str]) -> list[go.Scatter]:
    traces = []
    for role, rows in info.curves.groupby("role", sort=True):
        colour = _colour(str(role), theme)
        at = rows["at"].tolist()
        if rows["low"].notna().all() and rows["high"].notna().all():
            traces.append(
                go.Scatter(
                    x=[*at, *reversed(at)],
                    y=[*rows["high"], *reversed(rows["low"].tolist())],
                    fill="toself",
                    fillcolor=fade(colour, 0.15),
                    line={"width": 0},
                    mode="lines",
                    hoverinfo="skip",
                    meta={"role": "ribbon", "of": str(role)},
                    **axes,
                )
            )
        ends = ["" for _ in at[:-1]] + [str(role)]
        traces.append(
            go.Scatter(
                x=at,
                y=rows["value"].to_numpy(float),
                mode="lines+markers+text",
                text=ends,
                textposition="top left",
                textfont={"color": colour, "size": 11},
                line={"color": colour, "width": 2},
                marker={"size": 6, "color": colour},
                name=str(role),
                hovertemplate=f"<b>{role}</b><br>%{{x}} steps: %{{y:.3f}}<extra></extra>",
                meta={"role": "curve", "of": str(role)},
                **axes,
            )
        )
    return traces
