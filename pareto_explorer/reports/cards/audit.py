"""Would an attacker who knows the procedure notice that a model was unlearned?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from pareto_explorer.audits.statistics import minimum_detectable
from pareto_explorer.figures import audit_info, draw_audit
from pareto_explorer.reports.shared.commands import audit_command
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.results import Run
from pareto_explorer.results.audited import Audits
from pareto_explorer.schema.audited import NOTHING
from pareto_explorer.schema.metrics import inline
from pareto_explorer.text import count

__all__ = ["audit_card", "findings", "verdict"]

_TITLE = "Would a strong attacker notice?"

_WORST = 10
_READABLE = {"neurips_f": 64, "klom": 32}
"""Models a side from which on a statistic that needs many says much."""

_WORDS: Mapping[tuple[str, str], str] = {
    ("attack_accuracy", "forget"): "U-LiRA: told from retraining by the forget set",
    ("attack_accuracy", "retain"): "the same by the retain set",
    ("attack_accuracy", "test"): "the same by the test set (control)",
    ("attack_auc", "forget"): "its AUC on the forget set",
    ("attack_tpr_1pct", "forget"): "its true-positive rate at 1 % false positives",
    ("equivalent_auc", "forget"): "as if every forget sample had this AUC (D²)",
    ("equivalent_auc", "retain"): "as if every retain sample had it",
    ("equivalent_auc", "test"): "as if every test sample had it (control)",
    ("leak_accuracy", "forget"): "leakage: forgotten told from never seen",
    ("leak_auc", "forget"): "its AUC",
    ("swap_advantage", "forget"): "advantage in the SWAP test",
    ("relearn_gain", "forget_heldback"): "relearning: what comes back beyond retraining",
    ("probe_gain", "forget"): "few-shot probe, fewest samples: what features still know",
    ("rmia_auc", "forget"): "RMIA, a weaker attack: AUC",
    ("threshold_auc", "forget"): "one threshold for all samples: AUC",
    ("churn", "test"): "test predictions that differ from retraining",
    ("ece_gap", "test"): "calibration error beyond retraining, test set",
    ("js", "forget"): "JS divergence to retraining, forget set",
    ("zrf", "forget"): "ZRF, forget set",
}
_PAPERS: Mapping[tuple[str, str], str] = {
    ("neurips_f", "forget"): "F, NeurIPS 2023 challenge",
    ("klom", "forget"): "KLoM, forget set",
    ("klom", "retain"): "KLoM, retain set",
    ("klom", "test"): "KLoM, test set",
}

_HOW_TO_READ = (
    "The attacker has models of the other training seeds, unlearned and retrained, and is asked of "
    "one more model which it is: half of the answers are right by guessing, and that is what exact "
    "retraining gets. The control asks the same with test samples: where it is far from half, the "
    "method has changed the whole model, not only what was to be forgotten. Doing nothing is the "
    "original model. An effect size is the distance of unlearned to retrained models on one "
    "forgotten sample, in standard deviations. In relearning, every model is trained on a few of "
    "the forgotten samples and asked for the others. Bounds are 95 % intervals from a jackknife "
    "over training seeds. “Retraining gets” is what retrained models get against one another."
)
_PROTOCOL = (
    "Each model has an original of its own (many originals). F and KLoM move with the number of "
    "models, even between two groups of retrained models, whose value stands beside: they are not "
    "comparable with the 512 models of the challenge or the 100 of KLoM, and are never objectives."
)


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
    n_models: int
    floor_n: int


@guarded("audit", _TITLE)
def audit_card(material: Material) -> Card:
    """What the audits of the run have found, or how to make one."""
    run = material.run
    audits = run.audits
    if audits is None or not audits.points:
        return Card("audit", _TITLE, reason=_reason(run))
    point = audits.points[0]
    info = audit_info(audits.table, audits.samples, point)
    found = list(findings(audits, point))
    papers = list(findings(audits, point, _PAPERS))
    figure = draw_audit(info)
    return Card(
        "audit",
        _TITLE,
        verdict(audits, point, gap=_gap(material, point)),
        how_to_read=_HOW_TO_READ,
        data=audits.table,
        draw=lambda theme: draw_audit(info, theme=theme),
        context={
            "height": figure.layout.height,
            "others": len(audits.points) - 1,
            "rows": [_cells(value) for value in found],
            "papers": [_cells(value) for value in papers],
            "few": any(value.n_models < _READABLE[value.name] for value in papers),
            "protocol": _PROTOCOL,
            "worst": _worst(audits.samples, point),
            "summary": pd.DataFrame([_summary(value) for value in [*found, *papers]]),
        },
    )


def _reason(run: Run) -> str:
    why = "Gap metrics are means over samples and miss what an attacker sees who looks at each."
    if "imported" in run.manifest:
        return f"No audit: the models of this run were made elsewhere. {why}"
    return f"No audit yet: run `{audit_command(run)}`. {why}"


def findings(
    audits: Audits, point: tuple[str, int], words: Mapping[tuple[str, str], str] = _WORDS
) -> Iterator[Value]:
    """The statistics of a point that there are, of all seeds together, in the order of ``words``.

    Args:
        audits: The audits of a run.
        point: Trial and step.
        words: What to take, by statistic and set, and what it says.
    """
    own, nothing = (_of(audits, which) for which in (point, NOTHING))
    for (name, of), said in words.items():
        row = _row(own, name, of)
        if row is None:
            continue
        beside = _row(nothing, name, of)
        yield Value(
            name,
            of,
            said,
            row["value"],
            row["low"],
            row["high"],
            math.nan if beside is None else beside["value"],
            row["floor"],
            int(row["n_models"]),
            int(row["floor_n"]),
        )


def verdict(audits: Audits, point: tuple[str, int], gap: str = "") -> str:
    """Says in a few sentences whether the attacker noticed, and what the audit could have seen.

    Args:
        audits: The audits of a run.
        point: Trial and step.
        gap: The forget gap in words, to set beside the finding; may be empty.
    """
    name = f"{point[0]}, step {point[1]}"
    row = _row(_of(audits, point), "attack_accuracy", "forget")
    if row is None:
        return (
            f"{name}: four seeds are the least with which an attacker can be simulated who has "
            "models of other seeds; with fewer, only weaker tests were made."
        )
    seeds = count(int(row["n_models"]), "seed")
    accuracy = _percent(row["value"])
    if math.isnan(row["low"]) or math.isnan(row["high"]):
        return (
            f"An attacker who knows the procedure tells {name} from a retrained model in "
            f"{accuracy} of single looks at the forget set ({seeds}, too few to say how sure that "
            "is); half is guessing."
        )
    if row["low"] <= 0.5:
        seen = minimum_detectable(row["se"])
        return (
            f"{name} could not be told from retraining: attack accuracy {accuracy} "
            f"({seeds}, {_interval(row)}); this audit would have seen an accuracy of "
            f"{_percent(seen)} or more. It passed these attacks, others were not tried."
        )
    parts = [
        f"An attacker who knows the procedure tells {name} from a retrained model in {accuracy} "
        f"of single looks at the forget set ({seeds}, {_interval(row)}){gap}."
    ]
    parts += _beside_nothing(audits, row["value"])
    parts += _control(_row(_of(audits, point), "attack_accuracy", "test"))
    fresh = _row(_of(audits, point, "fresh"), "attack_accuracy", "forget")
    if fresh is not None:
        parts.append(
            f"On the {count(int(fresh['n_models']), 'fresh seed')} alone, which did not choose the "
            f"model, it is {_percent(fresh['value'])}."
        )
    return " ".join(parts)


def _beside_nothing(audits: Audits, value: float) -> list[str]:
    nothing = _row(_of(audits, NOTHING), "attack_accuracy", "forget")
    if nothing is None:
        return []
    worse = ", so unlearning shows more than what it hides" if nothing["value"] < value else ""
    return [f"Doing nothing: {_percent(nothing['value'])}{worse}."]


def _control(row: Mapping[str, Any] | None) -> list[str]:
    if row is None or math.isnan(row["low"]) or row["low"] <= 0.5:
        return []
    return [
        f"By test samples, of which nothing was to be forgotten, it is {_percent(row['value'])}: "
        "the method has changed the whole model."
    ]


def _gap(material: Material, point: tuple[str, int]) -> str:
    """The first objective of the point in words, which sees less than the attacker."""
    means = material.means
    metric = material.run.box.metrics[0]
    rows = means[(means["trial_id"] == point[0]) & (means["step"] == point[1])]
    if rows.empty or pd.isna(rows[metric].iloc[0]):
        return ""
    return f"; its {inline(metric)} is {rows[metric].iloc[0]:.3f}"


def _of(audits: Audits, point: tuple[str, int], seeds: str = "all") -> pd.DataFrame:
    table = audits.table
    at = (table["trial_id"] == point[0]) & (table["step"] == point[1])
    return table[at & (table["seeds"] == seeds)]


def _row(table: pd.DataFrame, name: str, of: str) -> dict[str, Any] | None:
    rows = table[(table["statistic"] == name) & (table["set"] == of)]
    found = rows.head(1).to_dict("records")
    return {str(key): value for key, value in found[0].items()} if found else None


def _worst(samples: pd.DataFrame, point: tuple[str, int]) -> list[dict[str, str]]:
    """The forgotten samples by which the attacker tells most, those of the largest effect first."""
    forget = samples[(samples["trial_id"] == point[0]) & (samples["step"] == point[1])]
    forget = forget[(forget["set"] == "forget") & forget["effect_size"].notna()]
    order = forget["effect_size"].abs().sort_values(ascending=False, kind="stable").index
    return [
        {
            "sample": f"{row['sample']}",
            "label": f"{row['label']}",
            "effect": f"{row['effect_size']:+.1f}",
            "auc": _decimals(0.5 + abs(row["theta"])),
            "memorisation": _decimals(row["memorisation"]),
        }
        for row in forget.loc[order[:_WORST]].to_dict("records")
    ]


def _cells(value: Value) -> dict[str, str]:
    return {
        "words": value.words,
        "value": _decimals(value.value),
        "interval": "" if math.isnan(value.low) else _range(value),
        "nothing": _decimals(value.nothing),
        "floor": _decimals(value.floor),
        "n_models": f"{value.n_models}",
        "floor_n": f"{value.floor_n}" if value.floor_n else "",
    }


def _summary(value: Value) -> dict[str, Any]:
    return {
        "statistic": value.words,
        "value": value.value,
        "doing nothing": value.nothing,
        "retraining gets": value.floor,
        "models a side": value.n_models,
    }


def _range(value: Value) -> str:
    return f"{_decimals(value.low)} to {_decimals(value.high)}"


def _decimals(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _interval(row: Mapping[str, Any]) -> str:
    low, high = (min(max(row[name], 0.0), 1.0) for name in ("low", "high"))
    return f"{100 * low:.0f} to {_percent(high)}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
