"""What hubs of models read: a block of YAML before the text of a model card."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from pareto_explorer.fronts import Selection
from pareto_explorer.results import Run
from pareto_explorer.schema.metrics import label, tokens_in
from pareto_explorer.trust.files import dump_yaml

__all__ = ["front_matter"]

_ON_A_HUB = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
    "svhn": "ufldl-stanford/svhn",
    "tofu": "locuslab/TOFU",
}
"""Data sets of tasks that have a name on a hub, of whom published them."""

_PICTURES = frozenset(
    {"cifar10", "cifar100", "digits", "fashion_mnist", "image_folder", "mnist", "svhn", "textures"}
    | {"tiny_imagenet"}
)

_NO_MARKUP = str.maketrans("<>", "__")

_LICENSE = "license: unknown"
_FILL_IN = f"{_LICENSE}  # fill in before publishing: of the data, the original model and yours"


def front_matter(
    run: Run, selection: Selection, own: pd.Series[Any], metrics: Iterable[str]
) -> str:
    """The block with its fences; the licence is left to whoever publishes the model.

    Names of a run are on one line each and quoted as YAML needs it, so that none of them can end
    the block or become another entry.

    Args:
        run: The run.
        selection: The chosen model.
        own: The row of the replicate whose weights they are.
        metrics: What is told of it, by the columns' names.
    """
    task = str((run.manifest.get("spec", {}).get("task") or {}).get("name") or "own data")
    known = _ON_A_HUB.get(task)
    kind = "text-generation" if tokens_in(run.points.columns) else "other"
    parts = (own["method"], own["aggregator"], own["forget_loss"])
    measured = [
        {"type": _hub_metric(name), "value": float(own[name]), "name": _line(label(name))}
        for name in metrics
        if math.isfinite(own[name])
    ]
    result = {
        "task": {"type": "image-classification" if task in _PICTURES else kind},
        "dataset": {"type": known or _line(task), "name": _line(task)},
        "metrics": measured,
    }
    block: dict[str, Any] = {
        "license": "unknown",
        "library_name": "pareto-explorer",
        "tags": list(dict.fromkeys(["machine-unlearning", *map(_line, filter(_given, parts))])),
        **({"datasets": [known]} if known else {}),
        "metrics": list(dict.fromkeys(metric["type"] for metric in measured)),
        "model-index": [
            {"name": _line(f"{run.name} {selection.trial_id}"), "results": [result]},
        ],
    }
    text = dump_yaml(block).replace(_LICENSE, _FILL_IN, 1)
    return f"---\n{text}---\n"


def _hub_metric(name: str) -> str:
    """A metric's identifier on hubs, where it has one."""
    return "accuracy" if name.endswith("_accuracy") else _line(name)


def _given(part: object) -> bool:
    return isinstance(part, str) and bool(part)


def _line(text: str) -> str:
    """A text on one line and without markup, for readers that show the block as text."""
    return " ".join(text.split()).translate(_NO_MARKUP)
