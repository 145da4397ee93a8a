"""What audits have found, in words and beside what it is to be read against."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from pareto_explorer.audits.statistics import minimum_detectable
from pareto_explorer.results.audited import Audits
from pareto_explorer.schema.audited import nothing_beside
from pareto_explorer.schema.columns import Checkpoint, of_checkpoint
from pareto_explorer.text import count

__all__ = ["ATTACKS", "PAPERS", "Value", "findings", "verdict"]

ATTACKS: Mapping[tuple[str, str], str] = {
    ("attack_accuracy", "forget"): "U-LiRA: told from retraining by the forget set",
    ("attack_accuracy_by_memorisation", "forget"): "the same by the third {role}",
    ("attack_accuracy", "retain"): "the same by the retain set",
    ("attack_accuracy", "test"): "the same by the test set (control)",
    ("attack_auc", "forget"): "its AUC on the forget set",
    ("attack_tpr_1pct", "forget"): "its true-positive rate at 1 % false positives",
    ("remaining_accuracy", "forget"): "a forgotten class: by what is said of the other classes",
    ("selection_optimism", "forget"): "its accuracy on fresh seeds beyond that on the sweep's own",
    ("equivalent_auc", "forget"): "as if every forget sample had this AUC (D²)",
    ("equivalent_auc", "retain"): "as if every retain sample had it",
    ("equivalent_auc", "test"): "as if every test sample had it (control)",
    ("leak_accuracy", "forget"): "leakage: forgotten told from never seen",
    ("leak_auc", "forget"): "its AUC",
    ("leak_threshold_auc", "forget"): "the same with one threshold for all samples: AUC",
    ("swap_advantage", "forget"): "advantage in the SWAP test",
    ("relearn_gain", "forget_heldback"): "relearning: what comes back beyond retraining",
    ("probe_gain", "forget"): "probe with {at} forgotten samples: what features still know",
    ("rmia_auc", "forget"): "RMIA, a weaker attack: AUC",
    ("threshold_auc", "forget"): "one threshold for all samples: AUC",
    ("churn", "test"): "test predictions that differ from retraining",
    ("ece_gap", "test"): "calibration error beyond retraining, test set",
    ("js", "forget"): "JS divergence to retraining, forget set",
    ("zrf", "forget"): "ZRF, forget set",
}
"""What the statistics of attacks say, by name and set."""

PAPERS: Mapping[tuple[str, str], str] = {
    ("neurips_f", "forget"): "F, NeurIPS 2023 challenge",
    ("klom", "forget"): "KLoM, forget set",
    ("klom", "retain"): "KLoM, retain set",
    ("klom", "test"): "KLoM, test set",
    ("klom_p95", "forget"): "KLoM, forget set, 95th percentile",
}
"""Those that serve to compare with papers."""

_NULLS: Mapping[tuple[str, str], float] = {
    ("attack_accuracy", "forget"): 0.5,
    ("remaining_accuracy", "forget"): 0.5,
    ("leak_accuracy", "forget"): 0.5,
    ("relearn_gain", "forget_heldback"): 0.0,
    ("probe_gain", "forget"): 0.0,
}
"""What exact retraining gets in the attacks that a model can pass."""

_THIRDS = {"low": "memorised least", "mid": "in between", "high": "memorised most"}
_NAN = math.nan


class Value(NamedTuple):
    """One statistic of a point.

    Attributes:
        name: Its name in the table.
        of: The set.
        words: What it says.
        value: The value.
        low: The lower bound; NaN where there are too few seeds for one.
        high: The upper bound.
        nothing: The value of doing nothing.
        floor: What retrained models get against one another.
        floor_low: From where 95 % of the splits of retrained models get it; NaN if not known.
        floor_high: Up to where.
        n_models: Models a side.
        floor_n: Models a side of the floor.
    """

    name: str
    of: str
    words: str
    value: float
    low: float
    high: float
    nothing: float
    floor: float
    floor_low: float
    floor_high: float
    n_models: int
    floor_n: int


def findings(
    audits: Audits, point: Checkpoint, words: Mapping[tuple[str, str], str] = ATTACKS
) -> Iterator[Value]:
    """The statistics of a point that there are, of all seeds together, in the order of ``words``.

    Args:
        audits: The audits of a run.
        point: Trial and step.
        words: What to take, by statistic and set, and what it says.
    """
    own, nothing = (_of(audits, which) for which in (point, nothing_beside(point)))
    for (name, of), said in words.items():
        retrained = _row(own, f"{name}_retrained", of) or {}
        for row in _rows(own, name, of):
            role = _THIRDS.get(row["role"], "")
            beside = [
                other["value"]
                for other in _rows(nothing, name, of)
                if (other["role"], other["at"]) == (row["role"], row["at"])
            ]
            yield Value(
                name,
                of,
                said.format(at=row["at"], role=role),
                row["value"],
                row["low"],
                row["high"],
                beside[0] if beside else _NAN,
                row["floor"],
                retrained.get("low", _NAN),
                retrained.get("high", _NAN),
                int(row["n_models"]),
                int(row["floor_n"]),
            )


def verdict(audits: Audits, point: Checkpoint, gap: str = "") -> str:
    """Says in a few sentences whether the attacker noticed, and what the audit could have seen.

    Args:
        audits: The audits of a run.
        point: Trial and step.
        gap: The forget gap in words, to set beside the finding; may be empty.
    """
    name, own = f"{point[0]}, step {point[1]}", _of(audits, point)
    row = _row(own, "attack_accuracy", "forget")
    if row is None:
        there = f" ({count(int(own['n_models'].max()), 'seed')} here)" if len(own) else ""
        return (
            f"{name}: four seeds are the least with which an attacker can be simulated who has "
            f"models of other seeds{there}; with fewer, only weaker tests were made."
        )
    nothing = _of(audits, nothing_beside(point))
    accuracy, seeds = _percent(row["value"]), _seeds(audits, point, int(row["n_models"]))
    if not _bounded(row):
        parts = [
            f"An attacker who knows the procedure tells {name} from a retrained model in "
            f"{accuracy} of single looks at the forget set ({seeds}, too few to say how sure that "
            f"is){gap}; half is guessing."
        ]
    elif row["low"] <= 0.5:
        seen = _percent(min(minimum_detectable(row["se"]), 1.0))
        parts = [
            f"{name} could not be told from retraining by the forget set: attack accuracy "
            f"{accuracy} ({seeds}, {_interval(row)}){gap}; this audit would have seen an accuracy "
            f"of {seen} or more."
        ]
    else:
        parts = [
            f"An attacker who knows the procedure tells {name} from a retrained model in "
            f"{accuracy} of single looks at the forget set ({seeds}, {_interval(row)}){gap}.",
            *_beside_nothing(_row(nothing, "attack_accuracy", "forget"), row["value"]),
        ]
    parts += _remaining(_row(own, "remaining_accuracy", "forget"))
    parts += _control(row, *(_row(who, "attack_accuracy", "test") for who in (own, nothing)))
    parts += _leakage(own, nothing)
    parts += _recovery(own)
    parts += _optimism(_row(own, "selection_optimism", "forget"))
    if _bounded(row) and not any(_noticed(own)):
        parts.append("It passed these attacks, others were not tried.")
    return " ".join(parts)


def _noticed(own: pd.DataFrame) -> Iterator[bool]:
    """Of each attack that says how sure it is, whether it has found more than retraining gets."""
    for (name, of), null in _NULLS.items():
        for row in _rows(own, name, of):
            yield _bounded(row) and row["low"] > null


def _seeds(audits: Audits, point: Checkpoint, n: int) -> str:
    fresh = _of(audits, point, "fresh")["n_models"].max()
    own = len(_of(audits, point, "own"))
    some = f", {int(fresh)} of them fresh" if own and not pd.isna(fresh) else ""
    return f"{count(n, 'seed')}{some}"


def _beside_nothing(nothing: Mapping[str, Any] | None, value: float) -> list[str]:
    if nothing is None:
        return []
    worse = ", so unlearning shows more than what it hides" if nothing["value"] < value else ""
    return [f"Doing nothing: {_percent(nothing['value'])}{worse}."]


def _remaining(row: Mapping[str, Any] | None) -> list[str]:
    """A class that was forgotten as a whole gives itself away, since nothing is said of it."""
    if row is None:
        return []
    within = f" ({_interval(row)})" if _bounded(row) else ""
    return [f"By what is said of the other classes alone, it is {_percent(row['value'])}{within}."]


def _control(
    forget: Mapping[str, Any], test: Mapping[str, Any] | None, before: Mapping[str, Any] | None
) -> list[str]:
    """Whether the whole model is another one, by samples of which nothing was to be forgotten.

    As much as by the forget set: where the intervals meet, or nine tenths of that. The method has
    done it where the original model is told less often.
    """
    if test is None or not _bounded(test) or test["low"] <= 0.5:
        return []
    nearly = test["value"] - 0.5 >= 0.9 * (forget["value"] - 0.5)
    as_much = nearly or test["high"] >= forget["low"]
    compared = "as much as" if as_much else "less than"
    why = "the method has changed the whole model"
    if before is not None and before["value"] >= test["value"]:
        why = (
            "the whole model differs from a retrained one, as before unlearning "
            f"({_percent(before['value'])})"
        )
    shows = ", and that is what shows" if as_much else ""
    return [
        f"By test samples, of which nothing was to be forgotten, it is {_percent(test['value'])}, "
        f"{compared} by the forget set: {why}{shows}."
    ]


def _leakage(own: pd.DataFrame, nothing: pd.DataFrame) -> list[str]:
    row = _row(own, "leak_accuracy", "forget")
    if row is None:
        return []
    within = f", {_interval(row)}" if _bounded(row) else ", too few to say how sure that is"
    seeds = count(int(row["n_models"]), "seed")
    before = _row(nothing, "leak_accuracy", "forget")
    than = "" if before is None else f"; before unlearning, {_percent(before['value'])}"
    return [
        f"Inside the unlearned model, a forgotten sample is told from one never seen in "
        f"{_percent(row['value'])} of looks ({seeds}{within}){than}."
    ]


def _recovery(own: pd.DataFrame) -> list[str]:
    """What comes back of what was forgotten, or was never gone."""
    said = []
    relearned = _row(own, "relearn_gain", "forget_heldback")
    if relearned is not None and _bounded(relearned) and relearned["low"] > 0:
        said.append(
            "Training on a tenth of the forgotten samples brings others back, beyond what it does "
            f"to a retrained model: {_gain(relearned)}."
        )
    for row in _rows(own, "probe_gain", "forget"):
        if _bounded(row) and row["low"] > 0:
            said.append(
                f"Its features still know the class, to a probe that is shown {row['at']} samples "
                f"of it: {_gain(row)}."
            )
            break
    return said


def _gain(row: Mapping[str, Any]) -> str:
    seeds = count(int(row["n_models"]), "seed")
    return f"{_percent(row['value'])} of what the original knew ({seeds}, {_interval(row)})"


def _optimism(row: Mapping[str, Any] | None) -> list[str]:
    """What is to be said where own and fresh seeds disagree."""
    if row is None or not _bounded(row) or row["low"] <= 0 <= row["high"]:
        return []
    more = "more" if row["value"] > 0 else "less"
    why = ": the sweep's own seeds have chosen the model and flatter it" if more == "more" else ""
    return [
        f"Models of fresh seeds are told {abs(100 * row['value']):.0f} percentage points {more} "
        f"often than those of the sweep's own{why}."
    ]


def _of(audits: Audits, point: Checkpoint, seeds: str = "all") -> pd.DataFrame:
    table = audits.table
    return table[of_checkpoint(table, *point) & (table["seeds"] == seeds)]


def _rows(table: pd.DataFrame, name: str, of: str) -> list[dict[str, Any]]:
    rows = table[(table["statistic"] == name) & (table["set"] == of)]
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _row(table: pd.DataFrame, name: str, of: str) -> dict[str, Any] | None:
    return next(iter(_rows(table, name, of)), None)


def _bounded(row: Mapping[str, Any]) -> bool:
    return not (math.isnan(row["low"]) or math.isnan(row["high"]))


def _interval(row: Mapping[str, Any]) -> str:
    low, high = (min(max(row[name], 0.0), 1.0) for name in ("low", "high"))
    return f"{100 * low:.0f} to {_percent(high)}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
