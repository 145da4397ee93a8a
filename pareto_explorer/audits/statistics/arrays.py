"""What all statistics of audits are computed from: arrays of a value per model and sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.errors import InputError

__all__ = ["Values", "by_seed", "model_values", "same_seeds"]

Values = NDArray[np.float64]


def model_values(name: str, values: ArrayLike, *, least: int = 1) -> Values:
    """Checks that values are finite, with a row for each model and a column for each sample.

    Args:
        name: What they are, for the message.
        values: (N, F).
        least: The models that the statistic needs.

    Returns:
        The values as float64, (N, F).

    Raises:
        InputError: They are not, or there are fewer models or no samples.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2 or not found.shape[1]:
        raise InputError(
            f"{name}: shape {found.shape} found, (models, samples) needed; give one row per model."
        )
    if len(found) < least:
        raise InputError(f"{name}: {len(found)} models found; give at least {least}.")
    if not np.isfinite(found).all():
        model, sample = np.argwhere(~np.isfinite(found))[0].tolist()
        raise InputError(
            f"{name}: {found[model, sample]} of model {model}, sample {sample} is not finite; "
            "leave out the models that diverged."
        )
    return found


def by_seed(unlearned: ArrayLike, retrained: ArrayLike, *, least: int) -> tuple[Values, Values]:
    """Checks margins of unlearned and retrained models whose rows are the same seeds.

    Args:
        unlearned: (N, F).
        retrained: (N, F).
        least: The seeds that the statistic needs.

    Returns:
        Both as float64.

    Raises:
        InputError: As `model_values`, or the shapes differ.
    """
    return same_seeds(
        model_values("unlearned", unlearned, least=least),
        model_values("retrained", retrained, least=least),
    )


def same_seeds(unlearned: Values, retrained: Values) -> tuple[Values, Values]:
    """Checks that two arrays have one shape.

    Raises:
        InputError: They have not.
    """
    if unlearned.shape != retrained.shape:
        raise InputError(
            f"retrained: shape {retrained.shape} found where unlearned has {unlearned.shape}; "
            "give the same seeds and samples of both."
        )
    return unlearned, retrained
