"""The forgetting quality F of the NeurIPS 2023 unlearning challenge.

Per sample, many attacks that are one threshold or one interval of the margin try to tell unlearned
from retrained models; the best gives an ε as in differential privacy, and ε is turned into points.
"""

from __future__ import annotations

from math import ceil, log

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.audits.statistics.arrays import Values, by_seed

__all__ = ["forgetting_quality", "privacy_losses", "quality_points"]

_DELTA = 1e-5
_LARGEST = 50.0  # of an ε
_THRESHOLDS = 100  # per unit of the margin
_ENDS = 400  # of intervals, on either side
_REACH = 2.0  # of the grid of ends around those of the narrower side
_SAMPLES = 500
_BIN = 0.5  # the width in ε of which each halves the points


def forgetting_quality(unlearned: ArrayLike, retrained: ArrayLike) -> float:
    """Returns F, the mean points of at most 500 samples.

    It is far from 1 for identical distributions (.17 to .25 for 5 to 512 models a side), since the
    best of many attacks on few models always finds something: see `beside_floor`, and compare
    numbers of one number of models only. The challenge multiplies F with the ratios of retain and
    test accuracy to those of the retrained models, and takes all unlearned models from one
    original.

    Source: Triantafillou et al., "Are we making progress in unlearning? Findings from the first
    NeurIPS unlearning competition" (arXiv 2406.09073), and its published code.

    Args:
        unlearned: Margins, (N, F) with N at least 3; of more than 500 samples, evenly spaced ones.
        retrained: Margins of as many models of other seeds, (N, F).

    Returns:
        A number in [0, 1].

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=3)
    if u.shape[1] > _SAMPLES:
        chosen = np.linspace(0, u.shape[1] - 1, _SAMPLES).astype(np.intp)
        u, r = u[:, chosen], r[:, chosen]
    return float(quality_points(privacy_losses(u, r), len(u)).mean())


def quality_points(losses: Values, models: int) -> Values:
    """Returns 2 to the power of -⌊ε/.5⌋; 0 from ⌈log(N - 1)⌉ on, which N models can just show.

    Args:
        losses: ε, of any shape.
        models: N.
    """
    points = 2.0 ** -np.floor(losses / _BIN)
    return np.where(losses < ceil(log(models - 1)), points, 0.0)


def privacy_losses(unlearned: ArrayLike, retrained: ArrayLike) -> Values:
    """Returns the ε of each sample, in [0, 50].

    Args:
        unlearned: Margins, (N, F).
        retrained: Margins of as many models of other seeds, (N, F).

    Returns:
        Shape (F,).

    Raises:
        InputError: The shapes do not fit, or a margin is not finite.
    """
    u, r = by_seed(unlearned, retrained, least=1)
    of_errors = _losses_of_errors(len(u))
    pairs = zip(np.sort(u, axis=0).T, np.sort(r, axis=0).T, strict=True)
    return np.array([_loss(own, other, of_errors) for own, other in pairs])


def _loss(u: Values, r: Values, of_errors: Values) -> float:
    ranges = sorted([u[-1] - u[0], r[-1] - r[0]])
    if ranges[1] == 0:
        return 0.0 if u[0] == r[0] else _LARGEST
    if ranges[0] / ranges[1] < 0.01:
        return _LARGEST
    lower, higher = sorted((r, u), key=np.median)
    narrower, wider = sorted((r, u), key=np.ptp)
    thresholds = _of_thresholds(lower, higher, of_errors)
    return min(max(thresholds, _of_intervals(narrower, wider, of_errors)), _LARGEST)


def _of_thresholds(negative: Values, positive: Values, of_errors: Values) -> float:
    """The largest ε of calling positive what is at or above one of many thresholds."""
    low, high = min(negative[0], positive[0]), max(negative[-1], positive[-1])
    at = np.linspace(low, high, ceil(_THRESHOLDS * (high - low)))
    false_positives = len(negative) - np.searchsorted(negative, at)
    return float(of_errors[false_positives, np.searchsorted(positive, at)].max(initial=0.0))


def _of_intervals(positive: Values, negative: Values, of_errors: Values) -> float:
    """The largest ε of calling positive what is in one of 160,000 closed intervals.

    Right ends surround the largest positive, and the left ends of each surround that end less the
    range of the positives. As both grids have one step, there are only 799 left ends. The one of
    them that is the smallest positive is rounded differently for each right end; it is taken as it
    is for that one.
    """
    n = len(positive)
    width = positive[-1] - positive[0]
    right = np.linspace(positive[-1] - _REACH, positive[-1] + _REACH, _ENDS)
    left = np.linspace(right[0] - width - _REACH, right[-1] - width + _REACH, 2 * _ENDS - 1)
    # of each right end in turn: the last, the last but one, ... of its left ends
    edge = np.linspace(right - width - _REACH, right - width + _REACH, _ENDS)[::-1].diagonal()

    def below(ends: Values, side: str) -> NDArray[np.intp]:
        """How many positives and negatives are below the ends, in one number."""
        counts = [np.searchsorted(x, ends, side) for x in (positive, negative)]  # type: ignore[call-overload]
        return np.asarray(counts[0] * (n + 1) + counts[1])

    up_to = below(right, "right")
    inside = up_to[:, np.newaxis] - sliding_window_view(below(left, "left"), _ENDS)
    np.fliplr(inside)[np.diag_indices(_ENDS)] = up_to - below(edge, "left")
    of_counts = np.ascontiguousarray(of_errors[:, ::-1].T).ravel()
    # with the left end to the right of the other, nothing is inside
    return float(of_counts[np.maximum(inside, 0)].max())


def _losses_of_errors(n: int) -> Values:
    """ε by the numbers of false positives and false negatives among n each, (n + 1, n + 1)."""
    rates = np.arange(n + 1) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.log(1 - _DELTA - rates[:, np.newaxis]) - np.log(rates)
    losses = np.fmax(np.fmax(one, one.T), 0.0)
    losses[0], losses[:, 0] = 0.0, 0.0  # an attack that makes errors of one kind only is discarded
    losses[0, 0] = np.inf
    return losses
