"""Would an attacker who knows the procedure notice that a model was unlearned?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pareto_explorer.audits.worst import worst_samples
from pareto_explorer.figures import audit_info, draw_audit
from pareto_explorer.reports.shared.commands import audit_command
from pareto_explorer.reports.shared.material import Card, Material, guarded
from pareto_explorer.reports.shared.verdicts import PAPERS, Value, findings, verdict
from pareto_explorer.results import Run
from pareto_explorer.results.audited import Audits
from pareto_explorer.schema.audited import NOT_ON_TOKENS
from pareto_explorer.schema.columns import CHECKPOINT, Checkpoint, of_checkpoint, shown_columns
from pareto_explorer.schema.metrics import inline

__all__ = ["audit_card"]

_TITLE = "Would a strong attacker notice?"

_READABLE = {"neurips_f": 64, "klom": 32, "klom_p95": 32}
"""Models a side from which on a statistic that needs many says much."""
_PUBLISHED = {"neurips_f": "N = 512", "klom": "N = 100", "klom_p95": "N = 100"}
"""The models a side of published values."""
_PNG = re.compile(r"[A-Za-z0-9+/]{1,20000}={0,2}")

_HOW_TO_READ = (
    "The attacker has models of the other training seeds, unlearned and retrained, and is asked "
    "of one more model which it is: half of the answers are right by guessing, and that is what "
    "exact retraining gets. The control asks the same with test samples: where it is far from "
    "half, the whole model is another one than a retrained one, not only on what was to be "
    "forgotten. Doing nothing is the original model; its leakage is the same attack before "
    "unlearning. An effect size is the distance of unlearned to retrained models on one forgotten "
    "sample, in standard deviations. In relearning, every model is trained on a few of the "
    "forgotten samples and asked for the others. Bounds are 95 % intervals over training seeds, by "
    "jackknife and exchanged seeds. “Retraining gets” is what retrained models get against one "
    "another, with the range of 95 % of their splits into halves; that needs eight seeds."
)
_OF_TOKENS = (
    "Samples are sequences: a margin is the log-odds of an answer's probability, the geometric "
    "mean over its tokens; an answer counts as known in relearning where every token is the most "
    "probable one, and as right in the table of samples from a probability of one half. "
    f"{NOT_ON_TOKENS[:1].upper()}{NOT_ON_TOKENS[1:]}."
)
_PROTOCOL = (
    "Many originals: each model has an original of its own. F and KLoM move with the number of "
    "models N a side, even between two groups of retrained models, whose value with the same N "
    "stands beside. They are not comparable with values of another N, and are never objectives."
)


@guarded("audit", _TITLE)
def audit_card(material: Material) -> Card:
    """What the audits of the run have found, or how to make one."""
    run = material.run
    audits = run.audits
    if audits is None or not audits.points:
        return Card("audit", _TITLE, reason=_reason(run))
    point, *others = audits.points
    info = audit_info(audits.table, audits.samples, point, _front(material, audits))
    found = list(findings(audits, point))
    papers = list(findings(audits, point, PAPERS))
    return Card(
        "audit",
        _TITLE,
        verdict(audits, point, gap=_gap(material, point)),
        how_to_read=_HOW_TO_READ,
        data=shown_columns(audits.table),
        tables={
            "attacks": _summary(found),
            "samples": _samples_of(audits.samples, point),
            "papers": _summary(papers),
        },
        draw=lambda theme: draw_audit(info, theme=theme),
        context={
            "sentences": [verdict(audits, other, gap=_gap(material, other)) for other in others],
            "rows": [_cells(value) for value in found],
            "papers": [_cells(value) | _comparability(value) for value in papers],
            "few": any(value.n_models < _READABLE[value.name] for value in papers),
            "protocol": _PROTOCOL,
            "worst": _worst(audits.samples, point),
            "label": "Tokens" if material.info.tokens else "Label",
            "of_tokens": _OF_TOKENS if material.info.tokens else "",
            "summary": _summary([*found, *papers]),
        },
    )


def _reason(run: Run) -> str:
    why = "Gap metrics are means over samples and miss what an attacker sees who looks at each."
    if "imported" in run.manifest:
        return f"No audit: the models of this run were made elsewhere. {why}"
    return f"No audit yet ({audit_command(run)} makes one). {why}"


def _gap(material: Material, point: Checkpoint) -> str:
    """The first objective of the point in words, which sees less than the attacker."""
    means = material.means
    metric = material.run.box.metrics[0]
    rows = means[of_checkpoint(means, *point)]
    if rows.empty or pd.isna(rows[metric].iloc[0]):
        return ""
    return f"; its {inline(metric)} is {rows[metric].iloc[0]:.3f}"


def _front(material: Material, audits: Audits) -> pd.DataFrame:
    """Where points of the front and audited ones lie, by the first two objectives."""
    columns = [*CHECKPOINT, *material.run.box.metrics[:2]]
    means = material.means[columns]
    audited = pd.MultiIndex.from_tuples(audits.points)
    of_audits = means[pd.MultiIndex.from_frame(means[[*CHECKPOINT]]).isin(audited)]
    return pd.concat([material.front[columns], of_audits]).drop_duplicates([*CHECKPOINT])


def _samples_of(samples: pd.DataFrame, point: Checkpoint) -> pd.DataFrame:
    """Those of the point alone, since a page has to hold them all."""
    return shown_columns(samples[of_checkpoint(samples, *point)]).drop(columns="picture")


def _worst(samples: pd.DataFrame, point: Checkpoint) -> list[dict[str, str]]:
    """The forgotten samples by which the attacker tells most, those of the largest effect first."""
    return [
        {
            "sample": f"{row['sample']}",
            "label": f"{row['label']}",
            "effect": f"{row['effect_size']:+.1f}",
            "auc": _decimals(0.5 + abs(row["theta"])),
            "memorisation": _decimals(row["memorisation"]),
            "tercile": row["tercile"],
            "picture": _picture(row["picture"]),
        }
        for row in worst_samples(samples, point).to_dict("records")
    ]


def _picture(found: Any) -> str:
    """Base 64 or nothing, whatever a table that came from elsewhere has in its place."""
    return found if isinstance(found, str) and _PNG.fullmatch(found) else ""


def _cells(value: Value) -> dict[str, str]:
    return {
        "words": value.words,
        "value": _decimals(value.value),
        "interval": _range(value.low, value.high),
        "nothing": _decimals(value.nothing),
        "floor": _decimals(value.floor),
        "floor_interval": _range(value.floor_low, value.floor_high),
        "n_models": f"{value.n_models}",
    }


def _comparability(value: Value) -> dict[str, str]:
    return {"protocol": "many originals", "published": _PUBLISHED[value.name]}


def _summary(values: Sequence[Value]) -> pd.DataFrame:
    columns = {
        "statistic": [value.words for value in values],
        "value": [value.value for value in values],
        "low": [value.low for value in values],
        "high": [value.high for value in values],
        "doing nothing": [value.nothing for value in values],
        "retraining gets": [value.floor for value in values],
        "models a side": [value.n_models for value in values],
    }
    return pd.DataFrame(columns)


def _range(low: float, high: float) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"{low:.3f} to {high:.3f}"


def _decimals(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
