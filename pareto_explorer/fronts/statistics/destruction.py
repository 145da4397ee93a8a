"""Whether forget quality calls a language model forgotten that no longer answers anything."""

from __future__ import annotations

import pandas as pd

from pareto_explorer.schema.columns import place
from pareto_explorer.schema.metrics import inline
from pareto_explorer.text import count

__all__ = ["collapse_sentence", "destruction_sentences"]

_QUALITY, _DISTANCE = "forget_quality", "truth_distance"
_RETAINED = ("retain_accuracy", "retain_probability")
_PASSES = 0.05
"""The p-value above which truth ratios are said not to differ from the retrained model's."""
_LEFT = 0.5
"""The share of the retrained model's value below which what is retained has collapsed."""


def destruction_sentences(means: pd.DataFrame, landmarks: pd.DataFrame) -> list[str]:
    """Says that forget quality alone rewards destruction, and of which points that is true.

    Those are checkpoints of which retain accuracy or probability is below half of the retrained
    model's, while a test does not tell their truth ratios from that model's (a mean p-value above
    0.05). Of several, the one of the largest p-value is named; of none, the point with the smallest
    truth distance of all, if it has collapsed so.

    Args:
        means: What ``replicate_means`` gives.
        landmarks: A landmarks table.

    Returns:
        Nothing where forget quality was not measured.
    """
    if not {_QUALITY, _DISTANCE, *_RETAINED} <= {*means.columns} & {*landmarks.columns}:
        return []
    warning = (
        "Forget quality and truth distance alone reward destruction: a model that no longer "
        "answers anything may have them as good as a retrained one, so read them beside what is "
        "retained."
    )
    means = means.dropna(subset=[_DISTANCE])
    if means.empty:
        return [warning]
    retrained = landmarks[landmarks["landmark"] == "retrained"]
    targets = retrained[[*_RETAINED]].mean()
    collapsed = (means[[*_RETAINED]] < _LEFT * targets).any(axis="columns")
    passing = means[collapsed & (means[_QUALITY] > _PASSES)].sort_values(_QUALITY)
    if len(passing):
        worst = passing.iloc[-1]
        found = f"passes with a forget quality of p = {worst[_QUALITY]:.2g} (truth distance "
        found += f"{worst[_DISTANCE]:.3g})"
    else:
        closest = means[_DISTANCE].to_numpy().argmin()
        if not collapsed.iloc[closest]:
            return [warning]
        worst = means.iloc[closest]
        found = f"has the smallest truth distance of all points ({worst[_DISTANCE]:.3g})"
    kept = " and ".join(
        f"{inline(name)} {worst[name]:.3g} (retrained {targets[name]:.3g})" for name in _RETAINED
    )
    others = len(passing) - 1
    more = f"; so do {count(others, 'other point')}" if others > 1 else ""
    more = "; so does 1 other point" if others == 1 else more
    return [
        warning,
        f"Here, {worst['trial_id']}, {place(int(worst['step']), float(worst['position']))} {found}"
        f" and has {kept}{more}.",
    ]


def collapse_sentence(models: pd.DataFrame) -> str:
    """Says of a language model that it no longer answers what it should, where that is so.

    Args:
        models: Metrics as rows; the columns ``chosen`` and ``retrained`` are models.

    Returns:
        A sentence where retain accuracy or probability is below half of the retrained model's;
        else nothing.
    """
    own = models.loc[models.index.isin(_RETAINED), ["chosen", "retrained"]]
    lost = [
        f"{inline(str(name))} is {row['chosen']:.3g} (retrained {row['retrained']:.3g})"
        for name, row in own[own["chosen"] < _LEFT * own["retrained"]].iterrows()
    ]
    return f"It no longer answers what it should: {' and '.join(lost)}." if lost else ""
