"""The hypervolumes of a run's families, shown as a table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pandas as pd

from pareto_explorer.errors import bare
from pareto_explorer.fronts import FamilyHypervolume, Interval

__all__ = ["Hypervolumes", "letter_by_letter"]


class Hypervolumes(dict[str, FamilyHypervolume]):
    """What ``fronts.family_hypervolumes`` gives, by family; a table where it is shown."""

    def to_dataframe(self) -> pd.DataFrame:
        """The numbers as a table, the largest mean first.

        Returns:
            Index: the families. Columns: ``mean``, its bounds ``low`` and ``high`` with what they
            are as ``interval``, ``replicates``, ``of_means``, ``points`` and ``beyond_box``; see
            ``fronts.FamilyHypervolume``.
        """
        rows = {
            family: {
                "mean": volume.mean,
                "low": volume.interval.low,
                "high": volume.interval.high,
                "interval": _kind(volume.interval),
                "replicates": len(volume.per_replicate),
                "of_means": volume.of_means.value,
                "points": volume.n_points,
                "beyond_box": volume.n_beyond,
            }
            for family, volume in sorted(self.items(), key=lambda item: (-item[1].mean, item[0]))
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def to_html(self, colours: Mapping[str, str] | None = None) -> str:
        """The table as HTML.

        Args:
            colours: The families' colours in a picture that stands beside it.
        """
        shown = self.to_dataframe().drop(columns="interval", errors="ignore")
        head = "".join(f"<th>{str(column).replace('_', ' ')}</th>" for column in shown)
        rows = "".join(
            f'<tr><td style="text-align: left">{_dot(colours, family)}{escape(family)}</td>{cells}'
            "</tr>"
            for family, cells in zip(shown.index, _cells(shown), strict=True)
        )
        kinds = sorted({_kind(volume.interval) for volume in self.values()})
        over = f"over replicates; low and high: {' or '.join(kinds)}" if kinds else "of no family"
        return (
            f'<table><tr><th style="text-align: left">family</th>{head}</tr>{rows}</table>'
            f"<p>Hypervolume {over}.</p>"
        )

    def __repr__(self) -> str:
        return self.to_dataframe().rename(index=bare).to_string(float_format="{:.4f}".format)

    def _repr_html_(self) -> str:
        return letter_by_letter(self.to_html())


def letter_by_letter(html: str) -> str:
    """Keeps a notebook from reading dollar signs in names as formulas."""
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'


def _kind(interval: Interval) -> str:
    if interval.kind == "bootstrap":
        return f"{interval.level:.0%} bootstrap interval of the mean"
    return {"range": "smallest and largest", "single": "the only value"}[interval.kind]


def _dot(colours: Mapping[str, str] | None, family: str) -> str:
    return f'<span style="color: {colours[family]}">&#9679;</span> ' if colours else ""


def _cells(table: pd.DataFrame) -> list[str]:
    return [
        "".join(
            f"<td>{value:.4f}</td>" if isinstance(value, float) else f"<td>{value}</td>"
            for value in row
        )
        for row in table.itertuples(index=False)
    ]
