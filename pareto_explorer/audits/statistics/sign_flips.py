"""How sure the accuracy of an attack is, near chance too."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from pareto_explorer.audits.statistics.arrays import Values
from pareto_explorer.audits.statistics.jackknife import Estimate, jackknife
from pareto_explorer.audits.statistics.u_lira import u_lira, u_lira_accuracy

__all__ = ["attack_estimate", "sign_flips"]

MOST = 40
"""Patterns of exchanged seeds; their spread is known to a tenth."""


def attack_estimate(unlearned: Values, retrained: Values) -> Estimate:
    """The accuracy of `u_lira` with a standard error that holds at chance as well.

    Leaving a seed out turns many answers where the attacker knows nothing, so the jackknife is more
    than twice too wide there. The spread under `sign_flips` is right where there is nothing to find
    and much too wide where there is much; the jackknife is right then. The smaller of the two is
    taken, but no less than the standard error of the accuracies of the seeds, which forgets that
    they share what is fitted. Intervals of it cover 95 % or more in the simulations of the tests.

    Args:
        unlearned: Margins, (N, F) with N at least 5.
        retrained: Margins of the same seeds, (N, F).
    """
    per_seed = u_lira(unlearned, retrained).per_seed
    n = len(per_seed)
    flipped = sign_flips(unlearned, retrained) - 0.5
    by_chance = max(float(np.sqrt((flipped**2).mean())), float(per_seed.std(ddof=1) / np.sqrt(n)))
    by_jackknife = jackknife(u_lira_accuracy, unlearned, retrained).se
    return Estimate(float(per_seed.mean()), min(by_jackknife, by_chance), n)


def sign_flips(unlearned: Values, retrained: Values) -> Values:
    """Accuracies of `u_lira` when unlearned and retrained model of some seeds change places.

    Were both of one distribution, all patterns would be equally likely; patterns that exchange the
    other seeds give the same.

    Returns:
        One for each pattern, all or 40 that are drawn, always the same.
    """
    patterns = _patterns(len(unlearned))[:, :, None]
    return np.array(
        [
            u_lira_accuracy(
                np.where(pattern, retrained, unlearned), np.where(pattern, unlearned, retrained)
            )
            for pattern in patterns
        ]
    )


def _patterns(n: int) -> NDArray[np.bool_]:
    """Which seeds are exchanged, (patterns, n); the last one never is."""
    if 2 ** (n - 1) <= MOST:
        return np.array([[*some, False] for some in product((False, True), repeat=n - 1)])
    drawn = np.random.default_rng(0).random((MOST, n)) < 0.5
    drawn[:, -1] = False
    return drawn
