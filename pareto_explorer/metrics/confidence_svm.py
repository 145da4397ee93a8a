"""The support-vector classifier of the membership attack: one feature in [0, 1], RBF kernel.

The kernel exp(-(x - x')²) is exp(-t²) exp(-t'²) exp(2tt') with t = x - 1/2, and on [0, 1] the first
13 terms of the last factor's series leave an error below 1e-13. So the classifier is a linear one
in 13 features, and however many samples it is fitted to, the systems to solve are of that size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BOUNDARY", "decision_values"]

_Values = NDArray[np.float64]

BOUNDARY = 1e-8
"""Decision values are exact to this much; what is nearer to 0 lies on the boundary."""

_RANK = 13
_PRECISION = 1e-15
_ITERATIONS = 100  # a fit takes 7 to 40
_TOWARDS = np.array([[1.0], [-1.0]])


def decision_values(members: _Values, others: _Values, queries: _Values, cost: float) -> _Values:
    """Fits a support-vector classifier with the kernel exp(-(x - x')²) and applies it.

    The problem is that of scikit-learn's ``SVC(C=cost, kernel="rbf", gamma=1)``. Its libsvm keeps
    the kernel in single precision, which moves decision values by 1e-6 to 1e-4. Where no support
    vector is free, the offset may lie in an interval, and is its middle, as libsvm has it.

    Time and memory grow linearly with the number of samples. Sources: Fine and Scheinberg,
    "Efficient SVM training using low-rank kernel representations" (JMLR 2, 2001); the steps are
    those of Mehrotra, "On the implementation of a primal-dual interior point method" (SIAM Journal
    on Optimization 2, 1992), whose correction is damped by the length of its predictor, since it
    can cycle (Colombo and Gondzio, "Further development of multiple centrality correctors for
    interior point methods", Computational Optimization and Applications 41, 2008).

    Args:
        members: The samples of the one class, (n,) with n > 0, in [0, 1].
        others: As many samples of the other class, (n,), in [0, 1].
        queries: What to classify, (q,), in [0, 1].
        cost: The bound C of each sample's dual variable.

    Returns:
        Shape (q,); positive where a query is taken for a member.

    Raises:
        ArithmeticError: The fit does not converge, which has not been seen.
    """
    # Equal samples of a class are one with a larger bound: many confidences are exactly 1.
    own, n_own = np.unique(members, return_counts=True)
    foreign, n_foreign = np.unique(others, return_counts=True)
    signs = np.repeat([1.0, -1.0], [len(own), len(foreign)])
    features = _features(np.concatenate([own, foreign]))
    counts = np.concatenate([n_own, n_foreign])
    slope = _slope(features, signs, cost * counts)
    # Each sample has margin 1 at one offset. Since the classes are of one size, the hinge loss is
    # least between the two middle ones of those offsets.
    offset = np.median(np.repeat(signs - slope @ features, counts))
    return np.asarray(slope @ _features(queries) + offset)


def _features(x: _Values) -> _Values:
    """Columns whose inner products are the kernel, (13, n)."""
    t = x - 0.5
    rows = np.empty((_RANK, len(x)))
    rows[0] = np.exp(-(t**2))
    for k in range(1, _RANK):
        np.multiply(rows[k - 1], t * np.sqrt(2 / k), out=rows[k])
    return rows


def _slope(features: _Values, signs: _Values, bounds: _Values) -> _Values:
    """Minimises |w|²/2 + Σ C max(0, 1 - y(w·φ + b)) over w and b; returns w.

    In the dual, w = Σ y α φ and Σ y α = 0 with α in [0, C]. Both bounds of each α have a slack, the
    difference of the two is y(w·φ + b) - 1, and at the optimum the product of every slack with the
    distance to its bound is 0. Iterates have them positive and fulfil everything else.

    Args:
        features: φ, (13, n).
        signs: y, (n,).
        bounds: C, (n,); those of both classes have the same sum.
    """
    distances = np.array([bounds / 2, bounds / 2])  # α and C - α
    slope, offset = features @ (signs * distances[0]), 0.0
    slacks = np.maximum(_TOWARDS * (signs * (slope @ features) - 1), 0) + 1
    for _ in range(_ITERATIONS):
        products = distances * slacks
        if products.sum() < _PRECISION * bounds.sum():
            return slope
        gap = products.mean()
        margins = signs * (slope @ features + offset) - 1
        newton = _Newton.at(distances, slacks, features, signs, margins)
        _, d_distances, d_slacks = newton.step(0.0)
        length = _longest(distances, d_distances, slacks, d_slacks)
        ahead = ((distances + length * d_distances) * (slacks + length * d_slacks)).mean()
        targets = ahead * (ahead / gap) ** 2 - length * d_distances * d_slacks
        d_offset, d_distances, d_slacks = newton.step(targets)
        length = 0.995 * _longest(distances, d_distances, slacks, d_slacks)
        offset += length * d_offset
        distances = distances + length * d_distances
        slacks = slacks + length * d_slacks
        slope = features @ (signs * distances[0])
    raise ArithmeticError("The fit of the membership attack has not converged.")


@dataclass(frozen=True, eq=False)
class _Newton:
    """Newton's method at one iterate, reduced to the features.

    Centring them by the weights takes the offset out of the system, whose matrix is then the unit
    matrix and something positive semi-definite, however small or large the weights are.
    """

    distances: _Values
    slacks: _Values
    signs: _Values
    margins: _Values
    weights: _Values
    centre: _Values
    centred: _Values
    matrix: _Values

    @classmethod
    def at(
        cls,
        distances: _Values,
        slacks: _Values,
        features: _Values,
        signs: _Values,
        margins: _Values,
    ) -> _Newton:
        weights = 1 / (slacks / distances).sum(0)
        centre = features @ weights / weights.sum()
        centred = features - centre[:, np.newaxis]
        matrix = np.eye(_RANK) + (centred * weights) @ centred.T
        return cls(distances, slacks, signs, margins, weights, centre, centred, matrix)

    def step(self, targets: _Values | float) -> tuple[float, _Values, _Values]:
        """The changes of offset, distances and slacks that take the products to targets."""
        aims = targets / self.distances
        pull = self.signs * (aims[0] - aims[1] - self.margins)
        d_slope = np.linalg.solve(self.matrix, self.centred @ (self.weights * pull))
        shift = self.weights @ pull / self.weights.sum()
        d_alpha = self.signs * self.weights * (pull - d_slope @ self.centred - shift)
        # What rounding has added to Σ y α, with weights of up to 1e16, is taken away again.
        drift = self.signs @ (self.distances[0] + d_alpha) / self.weights.sum()
        shift += drift
        d_alpha -= self.signs * self.weights * drift
        d_distances = _TOWARDS * d_alpha
        d_slacks = aims - self.slacks - self.slacks / self.distances * d_distances
        return float(shift - self.centre @ d_slope), d_distances, d_slacks


def _longest(distances: _Values, d_distances: _Values, slacks: _Values, d_slacks: _Values) -> float:
    """The largest part of a step, up to all of it, that leaves nothing negative."""
    shrinkage = max(float((-d_distances / distances).max()), float((-d_slacks / slacks).max()))
    return 1 / max(shrinkage, 1.0)
