"""Identities between rules, each of which is computed in its own way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.unlearning.aggregators.cagrad import CAGrad
from pareto_explorer.unlearning.aggregators.config import ConFIG
from pareto_explorer.unlearning.aggregators.cup import CUP
from pareto_explorer.unlearning.aggregators.dualproj import DualProj
from pareto_explorer.unlearning.aggregators.eupmu import EUPMU
from pareto_explorer.unlearning.aggregators.fairgrad import FairGrad
from pareto_explorer.unlearning.aggregators.fedosd import FedOSD
from pareto_explorer.unlearning.aggregators.gru import GRU
from pareto_explorer.unlearning.aggregators.imtl_g import IMTLG
from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.munba import MUNBa
from pareto_explorer.unlearning.aggregators.ngdiff import NGDiff
from pareto_explorer.unlearning.aggregators.pcgrad import PCGrad
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean
from tests.unlearning.aggregators.pairs import (
    aligned,
    angled,
    anything,
    assert_not_conflicting,
    assert_same_step,
    conflicting,
    fractions,
    pairs,
    step,
    weigh,
)


def unit(x):
    return x / np.linalg.norm(x)


def measures(g_r, g_f):
    """Both lengths, the angle in between and the length of the mean."""
    norm_r, norm_f = np.linalg.norm(g_r), np.linalg.norm(g_f)
    angle = np.arccos(np.clip(unit(g_r) @ unit(g_f), -1, 1))
    return norm_r, norm_f, angle, np.linalg.norm(g_r + g_f) / 2


@given(angled)
def test_five_rules_take_the_bisector_at_lengths_of_their_own(g):
    norm_r, norm_f, angle, mean = measures(*g)
    factors = {
        MUNBa(): 1 / np.sqrt(1 + np.cos(angle)),
        FairGrad(1.0): 1 / np.sqrt(1 + np.cos(angle)),
        IMTLG(): norm_r * norm_f / (norm_r + norm_f),
        ConFIG(): (norm_r + norm_f) / 2,
        CUP(0.5): mean / (2 * np.cos(angle / 2)),
    }
    reference = weigh(NGDiff(), *g)
    for rule, factor in factors.items():
        np.testing.assert_allclose(weigh(rule, *g), factor * reference, rtol=1e-9)


@given(anything)
def test_pcgrad_is_twice_upgrad(g):
    np.testing.assert_allclose(weigh(PCGrad(), *g), 2 * weigh(UPGrad(0.5), *g), rtol=1e-14)


@given(anything)
def test_forgetting_without_harm_has_four_names(g):
    expected = weigh(GRU(), *g)
    for rule in (UPGrad(1.0), DualProj(1.0), EUPMU(0.0)):
        np.testing.assert_allclose(weigh(rule, *g), expected, rtol=1e-14)


@given(anything)
def test_upgrad_is_the_mean_of_gru_and_its_mirror(g):
    mirrored = weigh(GRU(), g[1], g[0])[::-1]
    expected = (weigh(GRU(), *g) + mirrored) / 2
    np.testing.assert_allclose(weigh(UPGrad(0.5), *g), expected, rtol=1e-14)


@given(pairs(st.floats(-0.999, 0.999), decades=2), st.floats(0, 10))
def test_eupmu_is_a_dynamic_barrier_at_minus_its_tolerance(g, epsilon):
    """Minimise ½‖d − g_f‖² subject to g_r·d ≥ ψ, with ψ = −ε."""
    a, b = g[0] @ g[0], g[0] @ g[1]
    expected = max(0.0, (-epsilon - b) / a)
    np.testing.assert_allclose(weigh(EUPMU(epsilon), *g), (expected, 1), rtol=1e-9, atol=1e-12)


@given(angled)
def test_cup_at_its_end_is_parallel_to_fedosd(g):
    _, norm_f, _, mean = measures(*g)
    d = step(FedOSD(), *g) * mean / norm_f
    assert_same_step(weigh(CUP(1.0), *g), d, *g)


@given(conflicting, fractions)
def test_upgrad_in_conflict_takes_the_rays_of_cup(g, preference):
    norm_r, norm_f, angle, _ = measures(*g)
    retain_only, forget_only = unit(step(CUP(0.0), *g)), unit(step(CUP(1.0), *g))
    expected = (1 - preference) * norm_r * retain_only + preference * norm_f * forget_only
    assert_same_step(weigh(UPGrad(preference), *g), np.sin(angle) * expected, *g)


@given(aligned, fractions)
def test_upgrad_without_conflict_stays_between_the_gradients_and_cup_need_not(g, preference):
    np.testing.assert_array_equal(weigh(UPGrad(preference), *g), (1 - preference, preference))
    assert weigh(CUP(0.0), *g)[1] < 0
    assert weigh(CUP(1.0), *g)[0] < 0


@given(angled)
def test_mgda_inside_lowers_both_losses_at_the_rate_of_its_square(g):
    weights, d = weigh(MGDA(), *g), step(MGDA(), *g)
    scale = np.linalg.norm(d) * (np.linalg.norm(g[0]) + np.linalg.norm(g[1]))
    if weights.min() > 0:
        np.testing.assert_allclose([g[0] @ d, g[1] @ d], d @ d, rtol=0, atol=1e-11 * scale)


@given(angled)
def test_fairgrad_at_one_is_munba(g):
    np.testing.assert_allclose(weigh(FairGrad(1.0), *g), weigh(MUNBa(), *g), rtol=1e-12)


@given(angled, st.floats(0.01, 0.99))
def test_config_takes_the_ray_of_cup_with_the_same_projections(g, intensity):
    opening = np.pi - measures(*g)[2]
    retain, forget = np.sin((1 - intensity) * opening), np.sin(intensity * opening)
    d = step(ConFIG(forget / (retain + forget)), *g)
    np.testing.assert_allclose(unit(d), unit(step(CUP(intensity), *g)), rtol=0, atol=1e-9)


@given(anything, fractions)
def test_ten_rules_raise_no_loss(g, knob):
    rules = (
        *(UPGrad(knob), DualProj(knob), CUP(knob), ConFIG(knob)),
        *(PCGrad(), MGDA(), NGDiff(), MUNBa(), IMTLG(), GRU()),
    )
    for rule in rules:
        assert_not_conflicting(rule, *g)


@given(pairs(st.floats(-0.99, 0.99), decades=1))
def test_cagrad_goes_from_the_mean_to_mgda(g):
    np.testing.assert_array_equal(weigh(CAGrad(0.0), *g), weigh(Mean(), *g))
    np.testing.assert_allclose(
        unit(step(CAGrad(1e6), *g)), unit(step(MGDA(), *g)), rtol=0, atol=1e-4
    )
