"""Scalarisers against TorchJD's, differentiated by autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchjd import scalarization

from pareto_explorer.unlearning.aggregators.imtl_l import IMTLL
from pareto_explorer.unlearning.aggregators.scalarised import (
    COSMOS,
    DWA,
    FAMO,
    PBI,
    STCH,
    UW,
    GeometricMean,
)
from tests.unlearning.aggregators.steps import begun, losses_step

positive = st.floats(-4, 2).map(lambda x: 10.0**x)
values = st.tuples(positive, positive).map(lambda x: torch.tensor(x, dtype=torch.float64))
shares = st.floats(0.05, 0.95)
seeds = st.integers(0, 2**32)


def pair_of(share):
    return torch.tensor((1 - share, share), dtype=torch.float64)


def slope(scalar, losses):
    """The gradient of TorchJD's scalar."""
    losses = losses.clone().requires_grad_()
    scalar(losses).backward()
    return losses.grad


def close(found, expected, rtol=1e-9):
    scale = expected.abs().max().item()
    torch.testing.assert_close(found, expected, rtol=0, atol=rtol * scale)


@given(losses=values, share=shares, mu=st.floats(0.01, 2))
def test_stch(losses, share, mu):
    rule = begun(STCH(mu, share))
    close(rule(losses_step(losses)), slope(scalarization.STCH(mu, weights=pair_of(share)), losses))


@given(losses=values, share=shares, theta=st.floats(0, 10))
def test_pbi(losses, share, theta):
    rule = begun(PBI(theta, share))
    expected = slope(scalarization.PBI(theta, weights=pair_of(share)), losses)
    close(rule(losses_step(losses)), expected, 1e-6)


@given(losses=values, share=shares, penalty=st.floats(0, 8))
def test_cosmos(losses, share, penalty):
    rule = begun(COSMOS(penalty, share))
    expected = slope(scalarization.COSMOS(penalty, weights=pair_of(share)), losses)
    close(rule(losses_step(losses)), expected, 1e-6)


@given(losses=values)
def test_geometric_mean(losses):
    rule = begun(GeometricMean())
    close(rule(losses_step(losses)), slope(scalarization.GeometricMean(), losses))


def walk(seed, n):
    """Losses of n steps, and what they are right after each."""
    draws = torch.Generator().manual_seed(seed)
    before = torch.rand(n, 2, generator=draws, dtype=torch.float64) * 3 + 0.05
    return before, before * (0.5 + torch.rand(n, 2, generator=draws, dtype=torch.float64))


@settings(max_examples=30)  # runs of several steps
@given(seed=seeds, lr=st.floats(1e-3, 1), decay=st.floats(0, 0.5))
def test_famo_learns_as_torchjds_does(seed, lr, decay):
    before, after = walk(seed, 8)
    now = iter(after)
    rule = begun(FAMO(lr, decay), losses_again=lambda: next(now))
    reference = scalarization.FAMO(2, lr=lr, weight_decay=decay).double()
    found = []
    for losses, then in zip(before, after, strict=True):
        expected = slope(reference, losses)
        found.append(rule(losses_step(losses)))
        close(found[-1], expected, 1e-7)
        rule.after()
        reference.update(then)
    assert torch.stack(found).std(0).min() > 0


def test_famo_gives_weight_to_the_loss_that_falls_less():
    rule = begun(FAMO(0.1, 0.0), losses_again=lambda: torch.tensor([1.0, 0.5]))
    for _ in range(20):
        weights = rule(losses_step(torch.ones(2)))
        rule.after()
    assert weights[0] > 0.8


@pytest.mark.parametrize(("ours", "torchjds"), [(UW, "UW"), (IMTLL, "IMTLL")])
@settings(max_examples=30)  # runs of several steps
@given(seed=seeds, lr=st.floats(1e-3, 0.3))
def test_learned_scales_descend_as_torchjds_do(ours, torchjds, seed, lr):
    before, _ = walk(seed, 8)
    rule, reference = begun(ours(lr)), getattr(scalarization, torchjds)(2).double()
    optimizer = torch.optim.SGD(reference.parameters(), lr=lr)
    for losses in before:
        optimizer.zero_grad()
        expected = slope(reference, losses)
        close(rule(losses_step(losses)), expected)
        optimizer.step()


def test_imtl_l_is_uncertainty_weighting_at_twice_its_weights():
    ours, other = begun(IMTLL(0.1)), begun(UW(0.2))
    for losses in walk(4, 30)[0]:
        close(ours(losses_step(losses)), 2 * other(losses_step(losses)))


def test_imtl_l_brings_scaled_losses_to_one():
    rule, losses = begun(IMTLL(0.1)), torch.tensor([0.05, 7.0])
    for _ in range(2000):
        weights = rule(losses_step(losses))
    np.testing.assert_allclose(weights * losses, 1.0, rtol=1e-6)


@settings(max_examples=30)  # runs of several steps
@given(seed=seeds, temperature=st.floats(0.1, 10), window=st.integers(1, 5))
def test_dwa_weighs_as_torchjds_does(seed, temperature, window):
    before, _ = walk(seed, 4 * window + 1)
    rule, reference = begun(DWA(temperature, window)), scalarization.DWA(temperature)
    found = []
    for number, losses in enumerate(before):
        if number and number % window == 0:
            reference.step()
        found.append(rule(losses_step(losses)))
        close(found[-1], slope(reference, losses))
    weights = torch.stack(found)
    assert (weights[: 2 * window] == 1).all()
    assert (weights[2 * window :] != 1).all()


@pytest.mark.parametrize("rule", [FAMO(), UW(), IMTLL(), DWA(window=1)], ids=str)
def test_a_new_run_starts_anew(rule):
    def weights():
        begun(rule, losses_again=lambda: torch.tensor([0.1, 2.0]))
        found = []
        for losses in walk(3, 6)[0]:
            found.append(rule(losses_step(losses)))
            rule.after()
        return torch.stack(found)

    torch.testing.assert_close(weights(), weights(), rtol=0, atol=0)


@pytest.mark.parametrize("rule", [STCH(), PBI(), COSMOS()], ids=str)
def test_negative_losses_are_welcome_where_the_scalar_is_defined(rule):
    assert not rule.needs_positive_losses
    assert np.isfinite(begun(rule)(losses_step(torch.tensor([0.1, -3.0]))).numpy()).all()


@pytest.mark.parametrize("rule", [FAMO(), GeometricMean(), IMTLL()], ids=str)
def test_others_say_that_they_need_positive_losses(rule):
    assert rule.needs_positive_losses
