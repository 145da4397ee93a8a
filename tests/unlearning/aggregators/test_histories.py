"""Weightings that remember Gramians, against TorchJD's."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import CRMOGMWeighting, GradVacWeighting, PCDWeighting

from pareto_explorer.unlearning.aggregators.cr_mogm import CRMOGM
from pareto_explorer.unlearning.aggregators.gradvac import GradVac
from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.pcd import PCD
from pareto_explorer.unlearning.aggregators.pcgrad import PCGrad
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from tests.unlearning.aggregators.pairs import angled, anything, gramian, pair, pairs, step, weigh

RULES = [PCD(0.5, 0.9), GradVac(0.3), CRMOGM(UPGrad(0.3), 0.8)]
every = pytest.mark.parametrize("rule", RULES, ids=lambda x: type(x).__name__)
middling = pairs(st.floats(-0.99, 0.99), decades=2)
runs = st.lists(middling, min_size=1, max_size=6)


def products(g):
    return gramian(torch.tensor(np.stack(g)))


def assert_same(found, expected, g, rtol=1e-6):
    d, e = (w.numpy()[0] * g[0] + w.numpy()[1] * g[1] for w in (found, expected))
    assert np.linalg.norm(d - e) <= rtol * max(np.linalg.norm(e), 1e-12)


@given(run=runs, tau=st.floats(0, 1), beta=st.sampled_from([0.0, 0.9, 0.999]))
def test_pcd_is_torchjds(run, tau, beta):
    ours, reference = PCD(tau, beta), PCDWeighting(tau, beta)
    for g in run:
        assert_same(ours(products(g)), reference(products(g)), g, 1e-5)


def test_the_mean_of_pcd_is_without_bias():
    """Seen only next to the constant that is added to it."""
    ours, reference = PCD(0.8), PCDWeighting(0.8)
    for seed in range(3):
        g = pair(-0.3, 1e-3, 2e-4, seed)
        assert_same(ours(products(g)), reference(products(g)), g)


@given(g=angled)
def test_pcd_below_the_cosine_is_the_retain_gradient(g):
    """Identity 9."""
    g_r, g_f = g
    cosine = g_r @ g_f / np.linalg.norm(g_r) / np.linalg.norm(g_f)
    if cosine > 0 and min(np.linalg.norm(g_r), np.linalg.norm(g_f)) > 1e-2:
        np.testing.assert_allclose(step(PCD(cosine * 0.99, 0.0), g_r, g_f), g_r, rtol=1e-9)


@given(run=runs, beta=st.floats(0, 0.9))
def test_gradvac_is_torchjds(run, beta):
    ours, reference = GradVac(beta), GradVacWeighting(beta, eps=0.0)
    for g in run:
        assert_same(ours(products(g)), reference(products(g)), g)


@given(g=angled)
def test_the_first_step_of_gradvac_is_pcgrads(g):
    found = step(GradVac(), *g)
    expected = step(PCGrad(), *g)
    reach = sum(np.linalg.norm(x) for x in g)
    assert np.linalg.norm(found - expected) <= 1e-9 * reach


def test_gradvac_brings_gradients_to_the_usual_angle():
    rule = GradVac(1.0)
    weigh(rule, *pair(0.6))
    w_r, w_f = weigh(rule, *pair(-0.2, 2.0, 3.0))
    g_r, g_f = pair(-0.2, 2.0, 3.0)
    changed = g_r + (w_f - 1) * g_f
    assert changed @ g_f / np.linalg.norm(changed) / 3 == pytest.approx(0.6)
    changed = g_f + (w_r - 1) * g_r
    assert changed @ g_r / np.linalg.norm(changed) / 2 == pytest.approx(0.6)


@given(run=runs, alpha=st.floats(0, 1))
def test_cr_mogm_is_torchjds(run, alpha):
    ours, reference = CRMOGM(MGDA(), alpha), CRMOGMWeighting(MGDA(), alpha)
    for g in run:
        torch.testing.assert_close(
            ours(products(g)), reference(products(g)), rtol=1e-12, atol=1e-15
        )


@every
def test_many_gramians_at_once(rule):
    """A stack of Gramians over three steps, against one history each."""
    draws = np.random.default_rng(0)
    cases = draws.normal(size=(3, 4, 2, 9))
    cases[:, 1, 1] = 0
    stack = torch.tensor(cases @ cases.swapaxes(-1, -2))
    whole, single = copy.deepcopy(rule), [copy.deepcopy(rule) for _ in range(4)]
    for now in stack:
        expected = torch.stack([one(g) for one, g in zip(single, now, strict=True)])
        torch.testing.assert_close(whole(now), expected, rtol=1e-12, atol=1e-12)


@every
@given(run=st.lists(anything, min_size=1, max_size=3))
def test_weights_are_finite(rule, run):
    rule = copy.deepcopy(rule)
    for g in run:
        assert np.isfinite(weigh(rule, *g)).all()


@every
@pytest.mark.parametrize("zero", [(0, 1), (1, 0), (0, 0)])
def test_zero_gradients_leave_a_finite_step(rule, zero):
    assert np.isfinite(step(copy.deepcopy(rule), *pair(0.3, *zero))).all()


@every
def test_a_step_along_gradients_that_are_not_finite_is_not_finite(rule):
    g = torch.tensor([[1.0, float("nan")], [2.0, 3.0]])
    assert not torch.isfinite(copy.deepcopy(rule)(gramian(g)).float() @ g).all()
