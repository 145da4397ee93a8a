"""What the linked explorer works on: every replicate mean, column by column, packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.figures import DARK, LIGHT, FamilyStyle
from pareto_explorer.figures.front_info import thin
from pareto_explorer.figures.shared.hover import seeds_line
from pareto_explorer.figures.shared.style import PALETTE, SEQUENTIAL, base_layout, symbol_3d
from pareto_explorer.fronts import objective_values
from pareto_explorer.fronts.core.sets import metric_units
from pareto_explorer.fronts.core.values import LARGEST
from pareto_explorer.fronts.statistics.floor import between_retrained
from pareto_explorer.fronts.statistics.knobs import off_scale
from pareto_explorer.reports.shared.commands import SPACE, no_commands
from pareto_explorer.reports.shared.legend import LANDMARK_SHAPES, marker_path, shown_families
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.reports.shared.packing import (
    pack_levels,
    pack_numbers,
    pack_text,
    short_numbers,
)
from pareto_explorer.results import MEMBER
from pareto_explorer.runs import config_columns, metric_columns
from pareto_explorer.schema.columns import (
    AXES,
    CHECKPOINT,
    CONFIG_PREFIX,
    POSITION,
    STD_SUFFIX,
    diagnostic_columns,
    uses_positions,
)
from pareto_explorer.schema.metrics import METRICS, caption, label, tokens_in

__all__ = ["DIGITS", "explorer_data"]

DIGITS = 5  # significant digits of means
_SPREAD_DIGITS = 3
_ROWS = 20_000
_EXACT_DIGITS = 17  # of what names a point
_SPENT = ("step", "samples", "seconds")
_ALSO_SHOWN = ("unlearning_accuracy", "retain_accuracy", "test_accuracy", "membership_inference")
_KNOBS = 4  # axes of parallel coordinates at first, for knobs that
_COVERED = 0.15  # this share of the points has
_WIDE = 50  # a knob or a diagnostic that spans this factor gets a logarithmic axis


def explorer_data(material: Material, means: pd.DataFrame, limit: int = _ROWS) -> dict[str, Any]:
    """The explorer's payload, as plain data for JSON.

    Args:
        material: The run.
        means: Its ``fronts.replicate_means`` with marks, at least one row.
        limit: How many dominated means are kept; see ``figures.front_thinning``.

    Returns:
        ``rows`` (replicate means here), the coded ``family`` and ``trial`` of each row, its
        ``level`` (2 on the front of all families, 1 on that of its family, 0 dominated), the
        ``families`` with their looks and with how many means of the run are at each level or
        above, the ``columns``, the ``box``, the ``landmarks``, what to show at first, and what the
        commands of a point are made of.
    """
    families = _families(material, means)
    means = means[_kept(material, means, limit)].reset_index(drop=True)
    columns = _columns(material, means)
    keys = [column["key"] for column in columns]
    objectives = list(material.run.box.metrics)
    own_runs = material.run.members.values() or [material.run]
    shown = [*objectives, *(m for m in _ALSO_SHOWN if m in keys and m not in objectives)]
    return {
        "rows": len(means),
        "families": families,
        "runs": list(material.run.members),
        "family": pd.Categorical(means["family"], list(material.styles)).codes.tolist(),
        "trial": pack_text(means["trial_id"]),
        "level": (means["on_front"].astype(int) + means["on_family_front"]).tolist(),
        "columns": columns,
        "axes": objectives,
        "view": {
            metric: [float(end) for end in ends]
            for metric, ends in zip(objectives, material.info.view, strict=True)
        },
        "dimensions": [*_varying_knobs(means)[:_KNOBS], *_places(means), *shown],
        "table": shown,
        "box": _box(material),
        "landmarks": _landmarks(material),
        "scales": SEQUENTIAL,
        "palette": [{"light": light, "dark": dark} for light, dark in PALETTE],
        "seeds": seeds_line(material.run.points),
        "run": material.run.shown if material.run.repeatable else None,
        "no_commands": no_commands(material.run),
        "members": {name: run.shown for name, run in material.run.members.items()},
        "swept": {run.shown: SPACE for run in own_runs if run.names_code},
        "member_mark": MEMBER,
        "replicates": material.replicates,
        "layouts": {theme.name: base_layout(theme) for theme in (LIGHT, DARK)},
    }


def _kept(material: Material, means: pd.DataFrame, limit: int) -> np.ndarray[Any, np.dtype[Any]]:
    box = material.run.box
    ends = np.array(material.info.view)
    units = (objective_values(means, box) - ends[:, 0]) / (ends[:, 1] - ends[:, 0])
    families = means["family"].factorize()[0]
    return thin(units, means["on_family_front"].to_numpy(bool), families, limit)


def _columns(material: Material, means: pd.DataFrame) -> list[dict[str, Any]]:
    objectives = material.run.box.metrics
    directions = {o.metric: o.direction for o in material.run.box.objectives}
    metrics = [m for m in metric_columns(means) if m not in (*objectives, *_SPENT)]
    spent = [name for name in _SPENT[1:] if name not in material.run.not_recorded]
    status = material.trials.set_index("trial_id")["trial_status"]
    means = means.assign(trial_status=means["trial_id"].map(status))
    groups: dict[str, Sequence[str]] = {
        "Parts": [*AXES, "trial_status"],
        "Objectives": objectives,
        "Metrics": metrics,
        "Knobs": config_columns(means),
        "Cost": [*_places(means), *spent],
        "Diagnostics": diagnostic_columns(means),
    }
    columns = []
    for group, names in groups.items():
        for name in names:
            values = means[name]
            if values.isna().all():
                continue
            levels = group == "Knobs" and _off_scale(values)
            column: dict[str, Any] = {
                "key": name,
                "group": group,
                "label": name.removeprefix(CONFIG_PREFIX) if group == "Knobs" else label(name),
                "note": caption(name, tokens_in(means.columns)),
                "direction": directions.get(name),
                "best": "min" if group == "Cost" else directions.get(name) or _better(name),
                "same": group in ("Knobs", "Parts") and values.nunique() == 1,
                "log": not levels and group in ("Knobs", "Diagnostics") and _spans(values),
            }
            if levels:
                column |= pack_levels(_floats(values), DIGITS)
            elif _is_number(values):
                digits = _EXACT_DIGITS if name in CHECKPOINT else DIGITS
                column |= pack_numbers(_floats(values), digits)
                spread = name + STD_SUFFIX
                if spread in means and means[spread].notna().any():
                    column["spread"] = pack_numbers(_floats(means[spread]), _SPREAD_DIGITS)
            else:
                column |= pack_text(values)
            columns.append(column)
    return columns


def _families(material: Material, means: pd.DataFrame) -> list[dict[str, Any]]:
    """What the legend says of each family, in the order of the codes."""
    shown = set(shown_families(material))
    marks = means.assign(all=True)[["family", "all", "on_family_front", "on_front"]]
    levels = marks.groupby("family").sum().astype(int)
    counts = dict(zip(levels.index, levels.to_numpy().tolist(), strict=True))
    runs = list(material.run.members)
    return [
        {
            "name": name,
            "run": runs.index(run) if (run := name.partition(MEMBER)[0]) in runs else None,
            "light": style.light,
            "dark": style.dark,
            "dash": style.dash,
            "symbol3d": symbol_3d(style.symbol),
            "path": _path(style, flat=len(material.run.box.metrics) == 2),
            "volume": material.hypervolumes[name].mean,
            "shown": name in shown,
            "counts": counts.get(name, [0, 0, 0]),
        }
        for name, style in material.styles.items()
    ]


def _path(style: FamilyStyle, *, flat: bool) -> str:
    """The outline of a family's marker; space has fewer of them."""
    return marker_path(style.symbol if flat else symbol_3d(style.symbol))


def _better(metric: str) -> str | None:
    known = METRICS.get(metric)
    return known.direction if known and known.direction != "none" else None


def _box(material: Material) -> dict[str, list[float]]:
    """The ideal and the reference of each objective, in its own units."""
    box = material.run.box
    ends = metric_units(np.array([[0.0] * len(box.reference), list(box.reference)]), box)
    return dict(zip(box.metrics, ends.T.tolist(), strict=True))


def _places(means: pd.DataFrame) -> list[str]:
    """What says where in its trial a model is."""
    return ["step", *[POSITION] * uses_positions(means)]


def _varying_knobs(means: pd.DataFrame) -> list[str]:
    """Knobs with more than one value that many points have, those of the most points first."""
    knobs = [
        name
        for name in config_columns(means)
        if means[name].nunique() > 1 and means[name].notna().mean() >= _COVERED
    ]
    return sorted(knobs, key=lambda name: (int(means[name].isna().to_numpy().sum()), name))


def _spans(values: pd.Series[Any]) -> bool:
    if not _is_number(values):
        return False
    numbers = _floats(values)
    numbers = numbers[np.abs(numbers) <= LARGEST]
    return bool(numbers.size and numbers.min() > 0 and numbers.max() >= _WIDE * numbers.min())


def _off_scale(values: pd.Series[Any]) -> bool:
    return _is_number(values) and bool(off_scale(_floats(values)).any())


def _is_number(values: pd.Series[Any]) -> bool:
    kind = values.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _floats(values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _landmarks(material: Material) -> list[dict[str, Any]]:
    """Original and retrained models, one value for each training seed, with the replicates' mean.

    The last cloud is the retrained models each against another, where the objectives have that.
    """
    landmarks = material.run.landmarks
    metrics = metric_columns(landmarks)
    found = []
    for kind, title in (("original", "Original model"), ("retrained", "Retrained model")):
        rows = landmarks[landmarks["landmark"] == kind]
        if rows.empty:
            continue
        once = rows.drop_duplicates("training_seed")
        seeds = once["training_seed"].astype(str)  # JavaScript has 53 bits
        found.append(
            {
                "kind": kind,
                "title": title,
                "shape": LANDMARK_SHAPES[kind],
                "seeds": [f"training seed {seed}" for seed in seeds],
                "values": {m: short_numbers(_floats(once[m]), DIGITS) for m in metrics},
                "mean": {m: short_numbers([rows[m].mean()], DIGITS)[0] for m in metrics},
            }
        )
    objectives = material.run.box.metrics
    values, pairs = between_retrained(landmarks, objectives)
    if pairs:
        columns = zip(objectives, values.T, strict=True)
        found.append(
            {
                "kind": "between",
                "title": "Retrained models, each against another",
                "shape": LANDMARK_SHAPES["between"],
                "seeds": [f"training seeds {a} and {b}" for a, b in pairs],
                "values": {metric: short_numbers(column, DIGITS) for metric, column in columns},
                "mean": {},
            }
        )
    return found
