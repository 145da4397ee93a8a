"""How one model is chosen on the command line: the options that ``select`` and ``audit`` share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pareto_explorer.errors import InputError

__all__ = [
    "FamiliesOption",
    "MaximumOption",
    "MinimumOption",
    "OneStandardErrorOption",
    "PositionOption",
    "Rule",
    "RuleOption",
    "StepOption",
    "TrialOption",
    "WeightsOption",
    "bounds_of",
    "weights_of",
]


class Rule(StrEnum):
    """How one model is chosen."""

    knee = "knee"
    closest = "closest"
    weights = "weights"
    tolerance = "tolerance"


MaximumOption = Annotated[
    list[str] | None,
    typer.Option("--max", help="Largest value allowed: retain_gap=0.01. May be repeated."),
]
MinimumOption = Annotated[
    list[str] | None,
    typer.Option("--min", help="Smallest value allowed: test_accuracy=0.9. May be repeated."),
]
RuleOption = Annotated[
    Rule | None,
    typer.Option(help="How to choose.", show_default="tolerance with --max or --min, or knee"),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(help="Importance of each objective, in the box's order: 0.7,0.3."),
]
FamiliesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--family",
        help="Choose among these families only: a name, what names begin with, or a pattern such "
        "as '*/kl_heldout'. May be repeated.",
    ),
]
OneStandardErrorOption = Annotated[
    bool,
    typer.Option(
        "--one-standard-error",
        help="Take the earliest model that is not distinguishable from the best.",
    ),
]
TrialOption = Annotated[str | None, typer.Option("--trial", help="Name the model: its trial.")]
StepOption = Annotated[int | None, typer.Option(help="Name the model: its step.")]
PositionOption = Annotated[
    float, typer.Option(help="Name the model: its position, where there are several at the step.")
]


def bounds_of(option: str, values: list[str] | None) -> dict[str, float]:
    """The bounds that an option such as ``--max retain_gap=0.01`` gives, by metric.

    Raises:
        InputError: A text is no bound, or a metric is given twice.
    """
    bounds: dict[str, float] = {}
    for text in values or ():
        metric, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            raise InputError(
                f"{option}: {text!r} is not METRIC=VALUE; write for example retain_gap=0.01."
            ) from None
        if metric in bounds:
            raise InputError(f"{option}: {metric} is given twice; drop one.")
        bounds[metric] = value
    return bounds


def weights_of(text: str | None) -> list[float] | None:
    """The numbers of ``--weights 0.7,0.3``.

    Raises:
        InputError: It is no list of numbers.
    """
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"--weights: {text!r} is not a list of numbers; write for example 0.7,0.3."
        ) from None
