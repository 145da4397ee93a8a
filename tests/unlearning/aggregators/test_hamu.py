import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.aggregators.cup import CUP
from pareto_explorer.unlearning.aggregators.hamu import HAMUQ, HAMUU, Demand, solve
from tests.unlearning.aggregators.pairs import angled, anything, conflicting, gramian, pair, step
from tests.unlearning.aggregators.steps import begun, direction, step_of

shares = st.floats(0.01, 0.99)
# At a share of 1 the square root of what is left of the radius loses half of the digits.
any_share = st.floats(0, 1.5).filter(lambda share: abs(share - 1) > 1e-4)


def published(g_r, g_a, quota, radius):
    """The paper's routine on vectors: the change of the weights for ascent on g_a."""
    unit = lambda x: x / np.linalg.norm(x)  # noqa: E731
    squared = g_a @ g_a
    rest = radius**2 - quota**2 / squared
    if rest < 0:
        return quota / squared * g_a
    if g_r @ g_a <= -quota * np.linalg.norm(g_r) / radius:
        return -radius * unit(g_r)
    orthogonal = g_r - (g_r @ g_a) / squared * g_a
    return quota / squared * g_a - np.sqrt(rest) * unit(orthogonal)


def solved(g_r, g_f, quota, radius, infeasible="cap"):
    demand = Demand(*torch.tensor((quota, radius), dtype=torch.float64))
    weights, branch = solve(gramian(torch.tensor(np.stack((g_r, g_f)))), demand, infeasible)
    w_r, w_f = weights.numpy()
    return w_r * g_r + w_f * g_f, int(branch)


@given(g=angled, share=any_share, radius=st.floats(0.01, 100))
def test_step_is_the_papers(g, share, radius):
    g_r, g_f = g
    quota = share * radius * np.linalg.norm(g_f)
    d, _ = solved(g_r, g_f, quota, radius, "published")
    expected = -published(g_r, -g_f, quota, radius)
    np.testing.assert_allclose(d, expected, rtol=0, atol=1e-7 * np.linalg.norm(expected))


@given(g=angled, share=shares, radius=st.floats(0.01, 100))
def test_quota_is_met_within_the_radius_and_tightly_when_rectified(g, share, radius):
    g_r, g_f = g
    quota = share * radius * np.linalg.norm(g_f)
    d, branch = solved(g_r, g_f, quota, radius)
    assert g_f @ d >= quota * (1 - 1e-9)
    assert np.linalg.norm(d) == pytest.approx(radius, rel=1e-7)
    if branch == 1:
        assert g_f @ d == pytest.approx(quota, rel=1e-7)


@pytest.mark.parametrize("cosine", [-0.95, -0.5, 0.0, 0.5, 0.95])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_no_feasible_step_is_better_for_the_retain_loss(cosine, share):
    g_r, g_f = pair(cosine, 0.7, 2.0)
    d, _ = solved(g_r, g_f, share * 3 * 2.0, 3.0)
    angles = np.linspace(0, 2 * np.pi, 20001)
    e, e2 = g_f / 2.0, g_r - (g_r @ g_f) / 4 * g_f
    e2 /= np.linalg.norm(e2)
    circle = 3 * (np.cos(angles)[:, None] * e + np.sin(angles)[:, None] * e2)
    feasible = circle[circle @ g_f >= share * 3 * 2.0]
    assert g_r @ d >= (feasible @ g_r).max() - 1e-9
    assert g_r @ d <= (feasible @ g_r).max() + 1e-3


@given(g=angled, share=shares)
def test_rectified_step_is_cup_at_the_length_of_the_radius(g, share):
    """Identity 6: Q = R ‖g_f‖ sin(γω) while γω ≤ π/2."""
    g_r, g_f = g
    cosine = g_r @ g_f / np.linalg.norm(g_r) / np.linalg.norm(g_f)
    opening = np.pi - np.arccos(cosine)
    intensity = share * min(1, np.pi / 2 / opening)
    quota = 3 * np.linalg.norm(g_f) * np.sin(intensity * opening)
    d, branch = solved(g_r, g_f, quota, 3.0)
    cup = step(CUP(intensity), g_r, g_f)
    if branch == 1:
        assert np.linalg.norm(d / 3 - cup / np.linalg.norm(cup)) < 1e-6


@given(g=conflicting)
def test_without_a_quota_it_is_cup_zero_in_conflict(g):
    """Identity 5."""
    d, _ = solved(*g, 0.0, 1.0)
    cup = step(CUP(0.0), *g)
    assert np.linalg.norm(d - cup / np.linalg.norm(cup)) < 1e-7


def test_without_a_quota_or_a_conflict_it_is_the_retain_gradient():
    g_r, g_f = pair(0.3, 2.0, 5.0)
    d, branch = solved(g_r, g_f, 0.0, 1.0)
    assert branch == 0
    np.testing.assert_allclose(d, g_r / 2)


def lone(rule, g, **losses):
    return begun(rule), step_of(*g, **losses)


@given(g=conflicting, share=shares)
def test_stopping_rule_fires_exactly_when_the_retain_loss_would_rise(g, share):
    """Identity 7: κ > κ₂ ⇔ g_r·d < 0."""
    g_r, g_f = g
    rule, now = lone(
        HAMUQ(share, "relative", clip_norm=None, stop_when_infeasible=True), (g_r, g_f)
    )
    d = direction(rule, now)
    rise = g_r @ d / np.linalg.norm(g_r) / np.linalg.norm(d)
    hardness, norms = -g_r @ g_f, np.linalg.norm(g_r) * np.linalg.norm(g_f)
    beyond = hardness - norms * np.sqrt(1 - share**2)  # κ₂ with Q = share·R‖g_f‖
    if abs(rise) > 1e-7:
        assert (rise < 0) == (rule.descent.ledger.stopped == "quota infeasible")
        assert (rise < 0) == (beyond > 0)


def test_nothing_stops_without_the_knob_or_where_the_gradients_agree():
    for knobs, cosine in (({}, -0.9), ({"stop_when_infeasible": True}, 0.9)):
        rule, now = lone(HAMUQ(0.9, "relative", **knobs), pair(cosine))
        rule(now)
        assert not rule.descent.ledger.stopped


@pytest.mark.parametrize(
    ("infeasible", "length", "gain"), [("cap", 0.5, 1.0), ("skip", 0, 0), ("published", 0.75, 1.5)]
)
def test_what_happens_where_no_step_meets_the_quota(infeasible, length, gain):
    g_r, g_f = pair(-0.3, 0.5, 2.0)  # within ‖g_r‖ = 0.5 the forget loss can fall by 1
    rule, now = lone(HAMUQ(1.5, clip_norm=None, infeasible=infeasible), (g_r, g_f))
    d = direction(rule, now)
    assert np.linalg.norm(d) == pytest.approx(length)
    assert g_f @ d == pytest.approx(gain)
    assert rule.descent.ledger.drain() == {
        "share_direct": 0,
        "share_rectified": 0,
        "share_infeasible": 1,
    }


@pytest.mark.parametrize(("factor", "stops"), [(0.99, False), (1.01, True)])
@pytest.mark.parametrize("rule", [HAMUQ, HAMUU])
def test_the_first_tensor_that_cannot_meet_its_share_may_end_the_run(rule, factor, stops):
    g_r, g_f, sizes = layered()
    whole = rule(1.0, quota_share="equal", radius=1.0, clip_norm=None)
    now = step_of(g_r, g_f, sizes=sizes)
    radius = begun(whole).demand(now.gramian if rule is HAMUQ else now.gramian.flip(-1, -2)).radius
    bound = now.gramian[:, 1, 1] if rule is HAMUQ else now.gramian[:, 0, 0]
    least = 3 * (radius * bound.sqrt()).min().item()  # a third of the quota has to be in reach
    knobs = {"quota_share": "equal", "radius": 1.0, "clip_norm": None, "infeasible": "stop"}
    stopping = begun(rule(factor * least, **knobs))
    stopping(now)
    assert (stopping.descent.ledger.stopped == "quota infeasible") == stops


def test_gradients_are_shortened_before_anything_else():
    g_r, g_f = pair(-0.3, 3.0, 20.0)
    rule, now = lone(HAMUQ(0.5), (g_r, g_f))
    d = direction(rule, now)
    assert g_f / 20 @ d == pytest.approx(0.5)
    assert np.linalg.norm(d) == pytest.approx(1)
    short, now = lone(HAMUQ(0.5), pair(-0.3, 0.8, 0.9))
    loose, same = lone(HAMUQ(0.5, clip_norm=None), pair(-0.3, 0.8, 0.9))
    torch.testing.assert_close(short(now), loose(same))


def layered(seed=0):
    draws = np.random.default_rng(seed)
    sizes = (5, 7, 11)
    g_r, g_f = draws.normal(size=(2, 23)) * np.repeat([0.3, 2, 0.05], sizes)
    return g_r, g_f, sizes


@pytest.mark.parametrize("share", ["norms", "hardness", "equal"])
@pytest.mark.parametrize(
    ("radius", "radius_share"), [(None, "norms"), (None, "each"), (4.0, "norms"), (4.0, "each")]
)
def test_tensors_share_quota_and_radius(share, radius, radius_share):
    g_r, g_f, sizes = layered()
    knobs = {"quota_share": share, "radius": radius, "radius_share": radius_share}
    rule = begun(HAMUQ(0.2, clip_norm=None, **knobs))
    now = step_of(g_r, g_f, sizes=sizes)
    d = direction(rule, now)

    ends = np.cumsum(sizes)[:-1]
    parts = list(zip(*(np.split(x, ends) for x in (g_r, g_f, d)), strict=True))
    norms = np.array([np.linalg.norm(r) * np.linalg.norm(f) for r, f, _ in parts])
    products = np.array([r @ f for r, f, _ in parts])
    weights = {"norms": norms, "hardness": np.exp(products), "equal": np.ones(3)}[share]
    for (r, f, own), part in zip(parts, 0.2 * weights / weights.sum(), strict=True):
        reach = np.linalg.norm(r) * (1 if radius is None else radius / np.linalg.norm(g_r))
        if radius is not None and radius_share == "each":
            reach = radius
        expected = -published(r, -f, part, reach)
        if part > reach * np.linalg.norm(f):
            expected = reach * f / np.linalg.norm(f)
        np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-12)
    if radius is not None:
        whole = {"norms": 4.0, "each": 4.0 * np.sqrt(3)}[radius_share]
        assert np.linalg.norm(d) == pytest.approx(whole)
        squares = rule.demand(now.gramian).radius.square().sum()
        assert squares.sqrt().item() == pytest.approx(whole)


def test_relative_quota_of_tensors_is_always_feasible():
    g_r, g_f, sizes = layered()
    rule = begun(HAMUQ(0.7, "relative"))
    rule(step_of(g_r, g_f, sizes=sizes))
    assert rule.descent.ledger.drain()["share_infeasible"] == 0


@given(g=angled, share=st.floats(0, 1.5))
def test_hamu_u_is_hamu_q_with_the_gradients_exchanged(g, share):
    quota = begun(HAMUQ(share, "relative"))(step_of(*g))
    gain = begun(HAMUU(share, "relative"))(step_of(*g[::-1]))
    torch.testing.assert_close(gain, quota.flip(0), rtol=0, atol=0)


def test_hamu_u_brings_its_gain():
    g_r, g_f = pair(-0.6, 0.9, 0.8)
    d = direction(begun(HAMUU(0.4)), step_of(g_r, g_f))
    assert g_r @ d == pytest.approx(0.4)
    assert np.linalg.norm(d) == pytest.approx(0.8)


@given(g=anything, share=st.floats(0, 2))
def test_weights_are_finite(g, share):
    for quota_rule, rule in itertools.product(("absolute", "relative"), (HAMUQ, HAMUU)):
        assert torch.isfinite(begun(rule(share, quota_rule))(step_of(*g))).all()


@pytest.mark.parametrize("rule", [HAMUQ, HAMUU])
@pytest.mark.parametrize("zero", [(0, 1), (1, 0), (0, 0)])
@pytest.mark.parametrize("radius", [None, 1.0])
@pytest.mark.parametrize("radius_share", ["norms", "each"])
def test_zero_gradients_make_no_step_of_their_own(rule, zero, radius, radius_share):
    g = pair(0.3, *zero)
    d = direction(begun(rule(0.5, radius=radius, radius_share=radius_share)), step_of(*g))
    assert np.isfinite(d).all()
    assert np.linalg.norm(d) <= 1 + 1e-12


def test_not_finite_gradients_give_not_finite_steps():
    g_r, g_f = pair(0.3)
    d = direction(begun(HAMUQ()), step_of(g_r, g_f * np.nan))
    assert not np.isfinite(d).all()


def test_bad_words_are_refused():
    with pytest.raises(InputError, match=r"quota_rule: 'absolut' .*'absolute'"):
        HAMUQ(quota_rule="absolut")
    with pytest.raises(InputError, match=r"radius_share: 'eaach' .*'each'"):
        HAMUQ(radius_share="eaach")
    with pytest.raises(InputError, match=r"infeasible: 'caps' .*'cap'"):
        HAMUU(infeasible="caps")
