"""Would an attacker notice: attacks, the audited points of the front, effects, relearning."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.panels import Panel, axis_names, panel_layout
from pareto_explorer.figures.shared.style import LIGHT, PALETTE, Theme, fade
from pareto_explorer.schema.audited import NOTHING, is_nothing, nothing_beside
from pareto_explorer.schema.columns import (
    CHECKPOINT,
    Checkpoint,
    checkpoint_of,
    checkpoints_of,
    of_checkpoint,
    place,
    positioned,
)
from pareto_explorer.schema.metrics import inline

__all__ = ["AuditInfo", "audit_info", "draw_audit", "plot_audit"]

_NOTHING, _RETRAINED = "doing nothing", "retrained against retrained"
_ATTACKS = {
    ("attack_accuracy", "forget"): ("told from retraining by the forget set", "circle"),
    ("attack_accuracy", "test"): ("by the test set, as a control", "circle-open"),
    ("leak_accuracy", "forget"): ("forgotten told from never seen", "diamond"),
}
_MOST = 12  # audited points that the figure names
_BINS = 24
_NOTICED = ("#1f93a3", "#6f9a5e", "#c9951f", "#d46f33", "#dd4a45")
"""The colours of attack accuracies from half to always, each for a tenth, on light and on dark."""
_NAMED_AT = {
    "original": (0, "bottom right"),
    "retrained": (1, "top center"),
    "unlearned": (-1, "top left"),
}
"""At which of its marks a curve has its name, and where: those that run together have it apart."""
_HUES = {"unlearned": 0, "original": 1, "retrained": 4}

_Axes = tuple[Panel, dict[str, Any], dict[str, Any]]
"""A panel and what its x and y axis have that others have not."""
_EFFECT_PANEL: _Axes = (
    Panel("Forgotten samples", "doing nothing in the background"),
    {"title": "effect size, in standard deviations"},
    {},
)
_CURVE_PANEL: _Axes = (
    Panel("Relearning", "accuracy on what is held back"),
    {"title": "steps", "rangemode": "tozero"},
    {"rangemode": "tozero"},
)


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
        front: ``trial_id, step, accuracy`` and two objectives: where points lie, and the accuracy
            of the attack, NaN where none was made.
    """

    point: Checkpoint
    attacks: pd.DataFrame
    effects: pd.DataFrame
    curves: pd.DataFrame
    front: pd.DataFrame


_Draw = Callable[[AuditInfo, Theme, dict[str, str]], Sequence[Any]]


def audit_info(
    table: pd.DataFrame,
    samples: pd.DataFrame,
    point: Checkpoint | None = None,
    front: pd.DataFrame | None = None,
) -> AuditInfo:
    """Computes what ``plot_audit`` draws.

    Args:
        table: ``audit.parquet``.
        samples: ``audit/samples.parquet``.
        point: The trial and the step that it is about; by default the first one audited.
        front: ``trial_id, step`` and two objectives of points, audited or not.
    """
    table = table[table["seeds"] == "all"]
    points = _points(table)
    point = point or (points[0] if points else NOTHING)
    return AuditInfo(
        point,
        _attacks(table, points),
        _effects(samples, point),
        _curves(table, point),
        _front(table, pd.DataFrame() if front is None else front),
    )


def plot_audit(
    table: pd.DataFrame,
    samples: pd.DataFrame,
    point: Checkpoint | None = None,
    front: pd.DataFrame | None = None,
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Draws whether an attacker who knows the procedure would notice that a model was unlearned.

    How to read it:

    - A dot is the share of single looks that an attacker gets right; half is guessing, and what
      exact retraining gets. The open circle is the control: on samples of which nothing was to be
      forgotten. If it is far from half too, the whole model is another one than a retrained one.
      The line of retrained models against one another is what 95 % of their splits into halves
      give.
    - On the front, a full mark has the accuracy of the attack; points that were not audited are
      hollow.
    - The histogram says how far unlearned and retrained models are apart on each forgotten sample,
      in standard deviations, with doing nothing behind it.
    - The last panel trains each model on a few of the forgotten samples: a curve above that of
      the retrained model says that the others were hidden, not gone.

    Args:
        table: ``audit.parquet``.
        samples: ``audit/samples.parquet``.
        point: See ``audit_info``.
        front: Likewise.
        theme: ``style.LIGHT`` or ``style.DARK``.
    """
    return draw_audit(audit_info(table, samples, point, front), theme=theme)


def draw_audit(info: AuditInfo, *, theme: Theme = LIGHT) -> go.Figure:
    """Turns the data of ``audit_info`` into a figure; a panel without data is left out."""
    there: list[tuple[_Axes, _Draw]] = []
    if len(info.attacks):
        there.append((_attack_panel(info.attacks), _draw_attacks))
    if info.front["accuracy"].notna().any():
        there.append((_front_panel(info.front), _draw_front))
    if len(info.effects):
        there.append((_EFFECT_PANEL, _draw_effects))
    if len(info.curves):
        there.append((_CURVE_PANEL, _draw_curves))
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
            "categoryarray": [plain(who) for who in reversed(order)],
            "range": [-0.5, len(order) - 0.3],
            "showticklabels": False,
        }
    return go.Figure(data=traces, layout=layout)


def _points(table: pd.DataFrame) -> list[Checkpoint]:
    """The audited points but doing nothing, in the order of the table."""
    return [point for point in checkpoints_of(table) if not is_nothing(point)]


def _named(point: Checkpoint) -> str:
    if is_nothing(point):
        return point[0].removesuffix(NOTHING[0]) + _NOTHING
    return f"{point[0]}, {place(*point[1:])}"


def _at(table: pd.DataFrame, point: Checkpoint) -> pd.DataFrame:
    return table[of_checkpoint(table, *point)]


def _attacks(table: pd.DataFrame, points: Sequence[Checkpoint]) -> pd.DataFrame:
    measures = ["value", "low", "high", "n_models"]
    rows: list[dict[str, Any]] = []
    floors: dict[str, dict[str, Any]] = {}
    shown = points[:_MOST]
    for point in dict.fromkeys([*map(nothing_beside, shown), *shown]):
        found = _at(table, point)
        for (statistic, of), (attack, _) in _ATTACKS.items():
            one = found[(found["statistic"] == statistic) & (found["set"] == of)]
            for row in one.head(1).to_dict("records"):
                value = {name: row[name] for name in measures}
                rows.append({"who": _named(point), "attack": attack} | value)
                if not math.isnan(row["floor"]):
                    exact = {"value": row["floor"], "low": math.nan, "high": math.nan}
                    floors[attack] = exact | {"n_models": row["floor_n"]}
            split = found[(found["statistic"] == f"{statistic}_retrained") & (found["set"] == of)]
            for row in split.head(1).to_dict("records"):
                floors[attack] = {name: row[name] for name in measures}
    rows += [{"who": _RETRAINED, "attack": attack} | floor for attack, floor in floors.items()]
    return pd.DataFrame(rows, columns=["who", "attack", *measures])


def _effects(samples: pd.DataFrame, point: Checkpoint) -> pd.DataFrame:
    forget = samples[samples["set"] == "forget"]
    found = {
        _named(who): values[np.isfinite(values)]
        for who in dict.fromkeys((nothing_beside(point), point))
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


def _curves(table: pd.DataFrame, point: Checkpoint) -> pd.DataFrame:
    found = _at(table, point)
    found = found[(found["statistic"] == "relearn_accuracy") & found["role"].isin(list(_HUES))]
    return found.sort_values(["role", "at"])[["role", "at", "value", "low", "high"]].reset_index(
        drop=True
    )


def _front(table: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    if len(_objectives(points)) < 2:  # one objective has no front
        return pd.DataFrame({"accuracy": []})
    rows = table[(table["statistic"] == "attack_accuracy") & (table["set"] == "forget")]
    values = positioned(rows).set_index([*CHECKPOINT])["value"]
    keys = pd.MultiIndex.from_frame(positioned(points)[[*CHECKPOINT]])
    return points.assign(accuracy=values.reindex(keys).to_numpy(dtype=np.float64))


def _attack_panel(attacks: pd.DataFrame) -> _Axes:
    split = attacks[attacks["who"] == _RETRAINED]["low"].notna().any()
    said = "● forget ○ test (control) ◆ leakage"
    few = "● forget ○ test ◆ leakage; retrained: from 8 seeds"
    panel = Panel("Who is told apart", said if split else few)
    ends = [_lowest(attacks), 1.03]
    return panel, {"title": "accuracy of the attack", "range": ends, "dtick": 0.1}, {}


def _front_panel(front: pd.DataFrame) -> _Axes:
    x, y = (inline(str(metric)) for metric in _objectives(front))
    panel = Panel("The front", f"up: {y}; attack accuracy in %; ○ not audited")
    return panel, {"title": plain(x), "nticks": 6}, {}


def _objectives(front: pd.DataFrame) -> list[Any]:
    return [name for name in front if name not in (*CHECKPOINT, "accuracy")][:2]


def _colour(role: str, theme: Theme) -> str:
    return PALETTE[_HUES[role]][theme.name == "dark"]


def _role_of(who: str) -> str:
    if who.endswith(_NOTHING):
        return "original"
    return "retrained" if who == _RETRAINED else "unlearned"


def _draw_attacks(info: AuditInfo, theme: Theme, axes: dict[str, str]) -> list[go.Scatter]:
    everyone = [plain(who) for who in dict.fromkeys(info.attacks["who"])]
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
    names = go.Scatter(  # in the panel, since names are long and pages narrow
        x=[_lowest(info.attacks)] * len(everyone),
        y=everyone,
        mode="text",
        text=[f"{who}<br> " for who in everyone],  # above the marks, by an empty line
        textposition="top right",
        textfont={"size": 12, "color": theme.text},
        cliponaxis=False,
        hoverinfo="skip",
        meta={"role": "names"},
        **axes,
    )
    return [guessing, *dots, names]


def _lowest(attacks: pd.DataFrame) -> float:
    """Where the panel begins: at or below all bounds and guessing."""
    return float(min(attacks[["value", "low"]].min().min(), 0.45) - 0.02)


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
        y=[plain(who) for who in rows["who"]],
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


def _draw_front(info: AuditInfo, theme: Theme, axes: dict[str, str]) -> list[go.Scatter]:
    """Hollow marks, then the audited ones: a trace has one colour, which is that of a tenth."""
    x, y = _objectives(info.front)
    tenths = (10 * info.front["accuracy"]).floordiv(1).clip(5, 9)
    hollow = {"size": 8, "symbol": "circle-open", "color": theme.muted}
    parts = [(info.front[tenths.isna()], "not audited", hollow)]
    parts += [
        (info.front[tenths == 5 + tenth], "audited", {"size": 10, "color": colour})
        for tenth, colour in enumerate(_NOTICED)
    ]
    return [
        go.Scatter(
            x=rows[x].to_numpy(float),
            y=rows[y].to_numpy(float),
            mode="markers" if name == "not audited" else "markers+text",
            text=[f"{100 * value:.0f}" for value in rows["accuracy"]],
            textposition="middle right",
            textfont={"size": 12, "color": theme.text},
            cliponaxis=False,
            marker=marker,
            hovertext=[plain(_named(checkpoint_of(row))) for row in rows.to_dict("records")],
            hovertemplate=(
                "<b>%{hovertext}</b><br>not audited<extra></extra>"
                if name == "not audited"
                else "<b>%{hovertext}</b><br>attack accuracy %{text} %<extra></extra>"
            ),
            name=name,
            meta={"role": "front", "of": name},
            **axes,
        )
        for rows, name, marker in parts
        if len(rows)
    ]


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
        where, beside = _NAMED_AT[str(role)]
        names = ["" for _ in at]
        names[min(where, len(at) - 1)] = str(role)
        traces.append(
            go.Scatter(
                x=at,
                y=rows["value"].to_numpy(float),
                mode="lines+markers+text",
                text=names,
                textposition=beside,
                textfont={"color": colour, "size": 12},
                line={"color": colour, "width": 2},
                marker={"size": 6, "color": colour},
                name=str(role),
                hovertemplate=f"<b>{role}</b><br>%{{x}} steps: %{{y:.3f}}<extra></extra>",
                meta={"role": "curve", "of": str(role)},
                **axes,
            )
        )
    return traces
