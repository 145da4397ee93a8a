"""Colours, symbols and layout that all figures share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pareto_explorer.schema.columns import MEMBER

__all__ = [
    "DARK",
    "LIGHT",
    "FamilyStyle",
    "Theme",
    "base_layout",
    "fade",
    "family_styles",
    "symbol_3d",
]

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
)

# Pairs (on white, on near-black) of one hue. Any two stay apart under protanopia, deuteranopia
# and normal sight, and each has a contrast of at least 3 against its background.
PALETTE = (
    ("#00798c", "#35b8cc"),  # teal
    ("#b97a00", "#f0c23b"),  # ochre
    ("#332288", "#8c7be8"),  # indigo
    ("#c1272d", "#ff6b5e"),  # red
    ("#2b8fc7", "#7ccbf5"),  # sky
    ("#5a3010", "#9a6a3c"),  # brown
    ("#882255", "#c2568c"),  # wine
    ("#3a9e95", "#7fe0d3"),  # mint
)
# From little to much, in steps of lightness that every eye sees, without the end that would vanish
# on the paper (the stops of Plasma, by van der Walt and Smith, 2015).
SEQUENTIAL = {
    "light": ("#ed7953", "#d8576b", "#bd3786", "#9c179e", "#7201a8", "#46039f", "#0d0887"),
    "dark": ("#9c179e", "#bd3786", "#d8576b", "#ed7953", "#fb9f3a", "#fdca26", "#f0f921"),
}
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "cross",
    "pentagon",
    "hexagon",
    "triangle-left",
    "triangle-right",
    "bowtie",
    "hourglass",
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS_3D = {"square", "diamond", "cross"}  # all others that Plotly has in 3-D look alike
_SHADES = (0.0, 0.3, 0.5)  # share of black (light theme) or white (dark theme) mixed in


@dataclass(frozen=True)
class Theme:
    """Neutral colours of one appearance; family colours come from ``FamilyStyle``."""

    name: str
    paper: str
    text: str
    muted: str
    grid: str
    hover: str


LIGHT = Theme("light", "#ffffff", "#1c2128", "#5c6670", "#e7eaed", "#ffffff")
DARK = Theme("dark", "#14171c", "#e4e7eb", "#98a2ad", "#2a3038", "#1d2229")


@dataclass(frozen=True)
class FamilyStyle:
    """How one family looks in every figure: hue, marker symbol and line dash."""

    light: str
    dark: str
    symbol: str
    dash: str

    def colour(self, theme: Theme) -> str:
        """The hex colour under ``theme``."""
        return self.dark if theme.name == "dark" else self.light


def family_styles(points: pd.DataFrame) -> dict[str, FamilyStyle]:
    """Gives every family of a points table its look.

    Where several runs are together, a family has one hue in all of them, and symbol and dash say
    the run. Otherwise symbol and dash say the forget loss. Up to eight families each have a hue of
    their own; with more, the hue says method and aggregator, and beyond eight of those the hues
    return in darker shades; families that agree in all of that have other symbols and dashes, as
    long as there are any. Names are sorted first, so the look depends on the set of families alone.

    Args:
        points: Table with the columns ``family, method, aggregator, forget_loss``, and ``run``
            where several runs are together.

    Returns:
        Style by family name, in sorted order.
    """
    if "run" in points:
        return _styles_of_runs(points)
    columns = ["method", "aggregator", "forget_loss"]
    table = points.groupby("family", sort=True)[columns].first().fillna("").astype(str)
    losses = {name: i for i, name in enumerate(sorted(set(table["forget_loss"])))}
    few = len(table) <= len(PALETTE)
    groups: dict[object, int] = {}
    alike: Counter[tuple[int, str]] = Counter()
    styles: dict[str, FamilyStyle] = {}
    for name, (*origin, loss) in zip(table.index, table.to_numpy(), strict=True):
        group = groups.setdefault(name if few else tuple(origin), len(groups))
        lap, hue = divmod(group, len(PALETTE))
        place = losses[loss] + len(losses) * alike[group, loss]
        alike[group, loss] += 1
        styles[str(name)] = _style(hue, lap, symbol=place, dash=place + lap)
    return styles


def _styles_of_runs(points: pd.DataFrame) -> dict[str, FamilyStyle]:
    runs = points.groupby("family", sort=True)["run"].first()
    own = {str(name): str(name).removeprefix(f"{run}{MEMBER}") for name, run in runs.items()}
    hues = {name: i for i, name in enumerate(sorted(set(own.values())))}
    marks = {run: i for i, run in enumerate(runs.unique())}
    styles: dict[str, FamilyStyle] = {}
    for name, run in runs.items():
        lap, hue = divmod(hues[own[str(name)]], len(PALETTE))
        styles[str(name)] = _style(hue, lap, symbol=marks[run], dash=marks[run])
    return styles


def _style(hue: int, lap: int, *, symbol: int, dash: int) -> FamilyStyle:
    share = _SHADES[lap % len(_SHADES)]
    light, dark = PALETTE[hue]
    return FamilyStyle(
        light=_mix(light, "#000000", share),
        dark=_mix(dark, "#ffffff", share),
        symbol=SYMBOLS[symbol % len(SYMBOLS)],
        dash=DASHES[dash % len(DASHES)],
    )


def symbol_3d(symbol: str) -> str:
    """The marker that stands for ``symbol`` in a three-dimensional figure."""
    closed = symbol.removesuffix("-open")
    return symbol if closed in _SYMBOLS_3D else "circle"


def fade(colour: str, alpha: float) -> str:
    """``#rrggbb`` as a CSS colour with the opacity ``alpha``."""
    red, green, blue = _rgb(colour)
    return f"rgba({red},{green},{blue},{alpha:.3g})"


def base_layout(theme: Theme) -> dict[str, Any]:
    """Layout that all figures start from: no frame, thin grid, system fonts."""
    axis: Mapping[str, Any] = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "tickcolor": theme.muted,
        "tickfont": {"color": theme.muted},
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
    }
    return {
        "font": {"family": FONT, "size": 13, "color": theme.text},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "hoverlabel": {
            "bgcolor": theme.hover,
            "bordercolor": theme.muted,
            "font": {"family": FONT, "size": 12, "color": theme.text},
            "align": "left",
            "namelength": -1,
        },
        "legend": {"font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)"},
        "margin": {"l": 64, "r": 16, "t": 32, "b": 56},
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": theme.muted,
            "activecolor": theme.text,
        },
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(colour: str, other: str, share: float) -> str:
    pairs = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)
