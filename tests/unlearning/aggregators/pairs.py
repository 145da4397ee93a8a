"""Gradient pairs in float64 and what the weightings do with them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

Pair = tuple[np.ndarray, np.ndarray]


def gramian(rows: torch.Tensor) -> torch.Tensor:
    return rows.double() @ rows.double().mT


def pair(cosine: float, norm_r: float = 1.0, norm_f: float = 1.0, seed: int = 0) -> Pair:
    """Two random vectors of given norms and angle, in 30 dimensions."""
    plane = np.linalg.qr(np.random.default_rng(seed).normal(size=(30, 2)))[0]
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    return norm_r * plane[:, 0], norm_f * (cosine * plane[:, 0] + sine * plane[:, 1])


def pairs(cosines: st.SearchStrategy[float], decades: float = 6) -> st.SearchStrategy[Pair]:
    norms = st.floats(-decades, decades).map(lambda x: 10.0**x)
    return st.builds(pair, cosines, norms, norms, st.integers(0, 2**31))


angled = pairs(st.floats(-0.999, 0.999))
conflicting = pairs(st.floats(-0.999, -0.001))
aligned = pairs(st.floats(0.001, 0.999))
#: From clearly apart to beyond what float64 products resolve.
colinear = pairs(
    st.builds(lambda sign, gap: sign * (1 - 10.0**-gap), st.sampled_from([-1, 1]), st.floats(3, 15))
)
anything = angled | colinear
fractions = st.floats(0, 1)


def weigh(weighting: torch.nn.Module, g_r: np.ndarray, g_f: np.ndarray) -> np.ndarray:
    """The weights that a weighting gives for two gradients."""
    return weighting(gramian(torch.tensor(np.stack((g_r, g_f))))).numpy()


def step(weighting: torch.nn.Module, g_r: np.ndarray, g_f: np.ndarray) -> np.ndarray:
    w_r, w_f = weigh(weighting, g_r, g_f)
    return w_r * g_r + w_f * g_f


def assert_same_step(
    weights: np.ndarray, expected: np.ndarray, g_r: np.ndarray, g_f: np.ndarray, rtol: float = 1e-9
) -> None:
    """Compares the steps, relative to the lengths of the parts that they are added up from."""
    parts = weights[0] * g_r, weights[1] * g_f
    scale = max(*(np.linalg.norm(part) for part in parts), np.linalg.norm(expected))
    assert np.linalg.norm(sum(parts) - expected) <= rtol * scale


def assert_not_conflicting(weighting: torch.nn.Module, g_r: np.ndarray, g_f: np.ndarray) -> None:
    """No loss rises to first order, up to the rounding of the sums."""
    w_r, w_f = weigh(weighting, g_r, g_f)
    d = w_r * g_r + w_f * g_f
    terms = abs(w_r) * np.linalg.norm(g_r) + abs(w_f) * np.linalg.norm(g_f)
    for g in (g_r, g_f):
        assert g @ d >= -1e-12 * np.linalg.norm(g) * terms
