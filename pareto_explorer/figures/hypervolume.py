"""Hypervolume of each family: every replicate, their mean and its interval."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.style import LIGHT, FamilyStyle, Theme, base_layout, fade
from pareto_explorer.fronts import FamilyHypervolume

__all__ = [
    "FamilyVolume",
    "HypervolumeInfo",
    "draw_hypervolumes",
    "hypervolume_info",
    "plot_hypervolumes",
]

_ROW = 30  # pixels


class FamilyVolume(NamedTuple):
    """One family: what was measured in each replicate, and what that says of its mean."""

    name: str
    style: FamilyStyle
    replicates: tuple[float, ...]
    mean: float
    low: float
    high: float
    words: str
    cross_fitted: float | None


class HypervolumeInfo(NamedTuple):
    """What the figure shows: families, the largest mean first."""

    families: tuple[FamilyVolume, ...]


def hypervolume_info(
    volumes: Mapping[str, FamilyHypervolume], styles: Mapping[str, FamilyStyle]
) -> HypervolumeInfo:
    """Computes what ``plot_hypervolumes`` draws.

    Args:
        volumes: What ``fronts.family_hypervolumes`` gives.
        styles: What ``figures.family_styles`` gives for the same table.
    """
    ranked = sorted(volumes, key=lambda name: (-volumes[name].mean, name))
    return HypervolumeInfo(tuple(_family(name, volumes[name], styles[name]) for name in ranked))


def plot_hypervolumes(
    volumes: Mapping[str, FamilyHypervolume],
    styles: Mapping[str, FamilyStyle],
    *,
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draws the hypervolume of each family with its interval over replicates.

    How to read it:

    - Each small mark is a replicate, the large one their mean, and the bar its bootstrap interval,
      or the range of fewer than five replicates.
    - The open diamond is the cross-fitted value: the front is chosen on the other replicates. Its
      distance to the mean is what picking the best of noisy points has added.
    - Intervals that overlap do not say that families are alike, nor that they differ: compare them
      replicate by replicate (``fronts.comparison``).

    Args:
        volumes: What ``fronts.family_hypervolumes`` gives.
        styles: What ``figures.family_styles`` gives for the same table.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to draw, all by default.
    """
    return draw_hypervolumes(hypervolume_info(volumes, styles), theme=theme, shown=shown)


def draw_hypervolumes(
    info: HypervolumeInfo, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Turns the data of ``hypervolume_info`` into a figure."""
    families = [f for f in info.families if shown is None or f.name in shown]
    traces = [trace for family in families for trace in _traces(family, theme)]
    layout = base_layout(theme) | {
        "height": 90 + _ROW * len(families),
        "showlegend": False,
        "hovermode": "closest",
    }
    layout["xaxis"] |= {
        "title": {"text": "Hypervolume, higher is better →", "standoff": 8},
        "rangemode": "tozero",
    }
    layout["yaxis"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [plain(family.name) for family in reversed(families)],
        "showgrid": False,
        "ticks": "",
        "tickfont": {"color": theme.text},
    }
    return go.Figure(data=traces, layout=layout)


def _family(name: str, volume: FamilyHypervolume, style: FamilyStyle) -> FamilyVolume:
    low, high = volume.interval
    return FamilyVolume(
        name=name,
        style=style,
        replicates=tuple(volume.per_replicate.values()),
        mean=volume.mean,
        low=low,
        high=high,
        words=volume.interval.words(),
        cross_fitted=volume.cross_fitted_mean,
    )


def _traces(family: FamilyVolume, theme: Theme) -> list[go.Scatter]:
    colour, name = family.style.colour(theme), plain(family.name)
    hover = (
        f"<b>{name}</b><br>mean {family.mean:.3f}"
        f"<br>{plain(family.words)} {family.low:.3f} to {family.high:.3f}"
    )
    marks: list[tuple[str, Sequence[float], dict[str, Any], str]] = [
        (
            "replicate",
            family.replicates,
            {"symbol": "circle", "size": 5, "color": fade(colour, 0.6)},
            f"<b>{name}</b><br>one replicate %{{x:.3f}}",
        ),
        (
            "mean",
            [family.mean],
            {"symbol": family.style.symbol, "size": 11, "color": colour},
            hover,
        ),
    ]
    if family.cross_fitted is not None:
        marks.append(
            (
                "cross-fitted",
                [family.cross_fitted],
                {"symbol": "diamond-open", "size": 10, "color": colour},
                f"<b>{name}</b><br>cross-fitted %{{x:.3f}}",
            )
        )
    group = {"name": name, "legendgroup": f"family {family.name}"}
    interval = go.Scatter(
        x=[family.low, family.high],
        y=[name, name],
        mode="lines",
        line={"color": fade(colour, 0.35), "width": 7},
        hoverinfo="skip",
        meta={"role": "interval"},
        **group,
    )
    return [
        interval,
        *(
            go.Scatter(
                x=list(values),
                y=[name] * len(values),
                mode="markers",
                marker=marker,
                hovertemplate=f"{text}<extra></extra>",
                meta={"role": role},
                **group,
            )
            for role, values, marker, text in marks
        ),
    ]
