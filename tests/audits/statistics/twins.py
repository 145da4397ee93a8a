"""Published scores computed literally: every attack of every sample, one after the other."""

from __future__ import annotations

from math import ceil, log

import numpy as np
from scipy.stats import entropy


def klom(first, second):
    """Of one sample."""
    first, second = np.clip(first, -100, 100), np.clip(second, -100, 100)
    ends = min(first.min(), second.min()), max(first.max(), second.max())
    edges = np.linspace(*ends, 21)
    p, q = (np.histogram(x, bins=edges)[0] / len(x) for x in (first, second))
    q = np.where((p > 0) & (q < 1e-5), 1e-5, q)
    return entropy(p, q)


def _epsilon(fpr, fnr, delta=1e-5):
    if fpr == 0 and fnr == 0:
        return np.inf
    if fpr == 0 or fnr == 0:
        return np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.log(1 - delta - fpr) - np.log(fnr), np.log(1 - delta - fnr) - np.log(fpr)
    return np.nanmax([0.0, *ratios])


def privacy_loss(u, r):
    """Of one sample: thresholds and windows in loops, as the challenge's code has them."""
    spans = sorted([np.ptp(u), np.ptp(r)])
    if spans[0] / spans[1] < 0.01:
        return 50.0
    positive, negative = (u, r) if np.median(u) > np.median(r) else (r, u)
    low, high = min(u.min(), r.min()), max(u.max(), r.max())
    found = [
        _epsilon((negative >= threshold).mean(), (positive < threshold).mean())
        for threshold in np.linspace(low, high, ceil(100 * (high - low)))
    ]
    positive, negative = (u, r) if np.ptp(u) < np.ptp(r) else (r, u)
    width = np.ptp(positive)
    for right in np.linspace(positive.max() - 2, positive.max() + 2, 400):
        lefts = np.linspace(right - width - 2, right - width + 2, 400)[:, np.newaxis]
        inside = ((x >= lefts) & (x <= right) for x in (negative, positive))
        false, right_ones = (rows.mean(1) for rows in inside)
        pairs = set(zip(false.tolist(), (1 - right_ones).tolist(), strict=True))
        found.extend(_epsilon(fpr, fnr) for fpr, fnr in pairs)
    return float(np.clip(np.nanmax(found), 0, 50))


def quality(losses, models):
    """F in its binned form: an ε in bin k, of width .5, gets 2^-k points."""
    points = []
    last = ceil(log(models - 1))
    for loss in losses:
        bins = [k for k in range(2 * last) if 0.5 * k <= loss < 0.5 * (k + 1)]
        points.append(2.0 ** -bins[0] if bins else 0.0)
    return np.mean(points)
