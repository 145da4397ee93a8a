"""Attainment surfaces: what a family reaches in every, in half and in the best replicate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from pareto_explorer.figures.frame import draw_in_frame, frame_info, require_two
from pareto_explorer.figures.front_info import FrontInfo, staircase
from pareto_explorer.figures.shared.hover import plain
from pareto_explorer.figures.shared.legend import with_legend
from pareto_explorer.figures.shared.style import LIGHT, FamilyStyle, Theme, fade, family_styles
from pareto_explorer.fronts import Box, family_attainment
from pareto_explorer.schema.metrics import label, measure

__all__ = ["AttainmentInfo", "FamilyBand", "attainment_info", "draw_attainment", "plot_attainment"]

Values = npt.NDArray[np.float64]


class FamilyBand(NamedTuple):
    """One family in metric units.

    Attributes:
        surfaces: For each k, the points of the surface that at least k replicates attain.
        stairs: For each k, the corners of that surface inside the box; without rows where fewer
            replicates attain anything there.
    """

    name: str
    style: FamilyStyle
    surfaces: Mapping[int, Values]
    stairs: Mapping[int, Values]


class AttainmentInfo(NamedTuple):
    """What the figure shows.

    Attributes:
        frame: Axes, box and landmarks.
        n: The number of replicates.
        median: The k of the median surface.
    """

    frame: FrontInfo
    n: int
    median: int
    families: tuple[FamilyBand, ...]

    def table(self) -> pd.DataFrame:
        """All surfaces: ``family, replicates`` (that attain it, at least), and the objectives."""
        metrics = list(self.frame.box.metrics)
        parts = [
            pd.DataFrame(surface, columns=metrics).assign(family=family.name, replicates=k)
            for family in self.families
            for k, surface in family.surfaces.items()
        ]
        columns = ["family", "replicates", *metrics]
        return (
            pd.concat(parts, ignore_index=True)[columns]
            if parts
            else pd.DataFrame([], columns=columns)
        )

    def near(self, shown: Collection[str] | None = None) -> tuple[Values, ...]:
        """The corners of the surfaces of some families, without the arms to the box's edges."""
        return tuple(
            stairs[1:-1]
            for family in self.families
            if shown is None or family.name in shown
            for stairs in family.stairs.values()
        )


def attainment_info(points: pd.DataFrame, landmarks: pd.DataFrame, box: Box) -> AttainmentInfo:
    """Computes what ``plot_attainment`` draws.

    Args:
        points: Points table.
        landmarks: Landmarks table.
        box: Two objectives with their bounds.

    Raises:
        InputError: The box has three objectives.
    """
    require_two(box, "attainment")
    found = family_attainment(points, box)
    families = tuple(
        FamilyBand(
            name,
            style,
            found[name].surfaces,
            {k: staircase(surface, box) for k, surface in found[name].surfaces.items()},
        )
        for name, style in family_styles(points).items()
    )
    surfaces = [surface for family in families for surface in family.surfaces.values()]
    first = next(iter(found.values()), None)
    return AttainmentInfo(
        frame=frame_info(points, landmarks, box, surfaces),
        n=first.n if first else 0,
        median=first.median_k if first else 0,
        families=families,
    )


def plot_attainment(
    points: pd.DataFrame,
    landmarks: pd.DataFrame,
    box: Box,
    *,
    theme: Theme = LIGHT,
    shown: Collection[str] | None = None,
) -> go.Figure:
    """Draws, for each family, how far its front moves from replicate to replicate.

    How to read it:

    - What lies behind the band (towards the reference point) a family reaches in every replicate;
      what lies before it, in none.
    - The line is the median: at least half of the replicates reach it.
    - Where bands overlap, some replicates of each family are ahead of some of the other.

    Args:
        points: Points table of one run.
        landmarks: Landmarks table of the same run.
        box: Two objectives with their bounds.
        theme: ``style.LIGHT`` or ``style.DARK``.
        shown: Families to show at first, all by default.
    """
    figure = draw_attainment(attainment_info(points, landmarks, box), theme=theme, shown=shown)
    return with_legend(figure)


def draw_attainment(
    info: AttainmentInfo, *, theme: Theme = LIGHT, shown: Collection[str] | None = None
) -> go.Figure:
    """Turns the data of ``attainment_info`` into a figure."""
    traces = []
    for family in info.families:
        visible = shown is None or family.name in shown
        traces += [trace.update(visible=visible) for trace in _family(family, info, theme)]
    return draw_in_frame(info.frame, traces, theme, near=info.near(shown))


def _family(family: FamilyBand, info: AttainmentInfo, theme: Theme) -> list[go.Scatter]:
    colour = family.style.colour(theme)
    group: dict[str, Any] = {"name": plain(family.name), "legendgroup": f"family {family.name}"}
    traces = []
    band = band_outline(family.stairs[1], family.stairs[info.n], info.frame.reference)
    if info.n > 1 and len(band):
        traces.append(
            go.Scatter(
                x=band[:, 0],
                y=band[:, 1],
                mode="lines",
                line={"width": 0.75, "color": fade(colour, 0.55)},
                fill="toself",
                fillcolor=fade(colour, 0.16),
                hoverinfo="skip",
                meta={"role": "band"},
                **group,
            )
        )
    median = family.stairs[info.median]
    if len(median):
        x, y = (plain(label(metric)) for metric in info.frame.box.metrics)
        half = f"reached by at least {info.median} of {info.n} replicates"
        traces.append(
            go.Scatter(
                x=median[:, 0],
                y=median[:, 1],
                mode="lines",
                line={"color": colour, "dash": family.style.dash, "width": 2},
                hovertext=[
                    f"<b>{plain(family.name)}</b><br>{half}<br>{x} {measure(a)}<br>{y} {measure(b)}"
                    for a, b in median
                ],
                hoverinfo="text",
                meta={"role": "median"},
                **group,
            )
        )
    return traces


def band_outline(best: Values, worst: Values, reference: tuple[float, ...]) -> Values:
    """The outline of what lies between two staircases; the worst may be empty.

    Args:
        best: (k, 2) corners, or none.
        worst: (l, 2) corners inside what ``best`` bounds, or none: then nothing inside the box is
            reached by all, and the band goes up to the reference point.
        reference: The box's reference point in metric units.
    """
    if not len(best):
        return best
    back = worst[::-1] if len(worst) else np.atleast_2d(reference)
    return np.vstack([best, back, best[:1]])
