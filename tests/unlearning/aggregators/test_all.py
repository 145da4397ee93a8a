import numpy as np
import pytest
import torch
from hypothesis import given

from pareto_explorer.unlearning import AGGREGATORS
from pareto_explorer.unlearning.aggregators import Weighting
from pareto_explorer.unlearning.aggregators.aligned_mtl import AlignedMTL
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
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad, UPGradTorchJD
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean, WeightedSum
from tests.unlearning.aggregators.pairs import angled, anything, gramian, pair, weigh

#: Each with its mirror image, which has the roles of the objectives exchanged.
RULES = [
    (WeightedSum(0.3), WeightedSum(0.7)),
    (Mean(), Mean()),
    (UPGrad(0.3), UPGrad(0.7)),
    (UPGradTorchJD(0.3), UPGradTorchJD(0.7)),
    (PCGrad(), PCGrad()),
    (DualProj(0.3), DualProj(0.7)),
    (MGDA(), MGDA()),
    (CUP(0.3), CUP(0.7)),
    (NGDiff(), NGDiff()),
    (MUNBa(), MUNBa()),
    (IMTLG(), IMTLG()),
    (ConFIG(0.3), ConFIG(0.7)),
    (AlignedMTL(0.3), AlignedMTL(0.7)),
    (AlignedMTL(0.3, "rmse"), AlignedMTL(0.7, "rmse")),
    (CAGrad(0.4), CAGrad(0.4)),
    (CAGrad(1.5), CAGrad(1.5)),
    (FairGrad(0.5), FairGrad(0.5)),
    (FairGrad(2.0), FairGrad(2.0)),
]
#: These favour the retain loss.
ONE_SIDED = [GRU(), GRU(0.1), EUPMU(0.0), EUPMU(0.1), FedOSD()]
every = pytest.mark.parametrize("rule", [rule for rule, _ in RULES] + ONE_SIDED, ids=str)

#: Rule and p, where gradients of s times the length get s^p times the weights.
HOMOGENEOUS = [
    *((rule, 0) for rule in (WeightedSum(0.3), UPGrad(0.3), PCGrad(), DualProj(0.3), MGDA())),
    *((rule, 0) for rule in (CUP(0.3), IMTLG(), ConFIG(0.3), CAGrad(0.4), CAGrad(1.5))),
    *((rule, 0) for rule in (AlignedMTL(0.3), AlignedMTL(0.3, "rmse"), GRU(), FedOSD())),
    *((rule, -1) for rule in (NGDiff(), MUNBa())),
]


def parts_of(rule, g_r, g_f):
    """What is taken of both gradients, as lengths."""
    return weigh(rule, g_r, g_f) * [np.linalg.norm(g_r), np.linalg.norm(g_f)]


def test_no_rule_is_left_out():
    tested = {type(rule).__name__ for rule in [rule for rule, _ in RULES] + ONE_SIDED}
    built = [entry.build() for entry in AGGREGATORS.values()]
    weightings = [found for found in built if isinstance(found, Weighting)]
    assert tested == {type(found).__name__ for found in weightings if not found.keeps_state}
    remembering = {type(found).__name__ for found in weightings if found.keeps_state}
    assert remembering == {"CRMOGM", "GradVac", "NashMTL", "PCD"}


@pytest.mark.parametrize(("rule", "mirrored"), RULES, ids=str)
@given(g=angled)
def test_objectives_are_treated_alike(rule, mirrored, g):
    parts, exchanged = parts_of(rule, *g), parts_of(mirrored, *g[::-1])[::-1]
    np.testing.assert_allclose(exchanged, parts, rtol=0, atol=1e-9 * abs(parts).max())


@every
@given(g=angled)
def test_order_of_the_parameters_does_not_matter(rule, g):
    order = np.random.default_rng(0).permutation(len(g[0]))
    parts, permuted = parts_of(rule, *g), parts_of(rule, g[0][order], g[1][order])
    np.testing.assert_allclose(permuted, parts, rtol=0, atol=1e-9 * abs(parts).max())


@pytest.mark.parametrize(("rule", "power"), HOMOGENEOUS, ids=str)
@given(g=angled)
def test_weights_follow_the_scale_of_the_gradients(rule, power, g):
    # A power of four scales roots without rounding, so the weights are the same to the last bit.
    scaled = weigh(rule, 1024 * g[0], 1024 * g[1])
    np.testing.assert_array_equal(scaled, 1024.0**power * weigh(rule, *g))


@every
@given(g=anything)
def test_weights_are_finite(rule, g):
    assert np.isfinite(weigh(rule, *g)).all()


@every
def test_many_gramians_at_once(rule):
    cases = [pair(c, r) for c in (-1, -0.5, 0, 0.7, 1) for r in (0, 1e-4, 2)]
    stack = torch.stack([gramian(torch.tensor(np.stack(g))) for g in cases]).view(3, 5, 2, 2)
    expected = np.stack([weigh(rule, *g) for g in cases]).reshape(3, 5, 2)
    np.testing.assert_array_equal(rule(stack).numpy(), expected)


@every
def test_a_step_along_gradients_that_are_not_finite_is_not_finite(rule):
    g = torch.tensor([[1.0, float("nan")], [2.0, 3.0]])
    assert not torch.isfinite(rule(gramian(g)).float() @ g).all()


@pytest.mark.parametrize(
    ("rule", "knob"),
    [
        (UPGrad(), "preference"),
        (UPGradTorchJD(), "preference"),
        (DualProj(), "preference"),
        (ConFIG(), "preference"),
        (AlignedMTL(), "preference"),
        (CUP(), "intensity"),
    ],
    ids=str,
)
def test_a_knob_that_is_kept_as_a_tensor_can_be_read_and_set(rule, knob):
    given, moved = type(rule)(0.3), type(rule)(0.7)
    setattr(moved, knob, 0.3)
    for each in (given, moved):
        assert getattr(each, knob) == 0.3
        assert f"{knob}=0.3" in repr(each)
    g = pair(-0.5, 2.0)
    np.testing.assert_array_equal(weigh(moved, *g), weigh(given, *g))


@pytest.mark.parametrize(
    "rule", [WeightedSum(0.3), GRU(0.3), EUPMU(0.3), CAGrad(0.3), FairGrad(0.3)], ids=str
)
def test_the_one_knob_is_shown(rule):
    (knob,) = (name for name in vars(rule) if not name.startswith("_") and name != "training")
    assert repr(rule) == f"{type(rule).__name__}({knob}=0.3)"


@every
def test_float32_products_give_the_same_step_up_to_rounding(rule):
    for cosine in (-0.5, 0.3):
        products = gramian(torch.tensor(np.stack(pair(cosine, 0.1, 2.0))))
        single = rule(products.float())
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), rule(products), rtol=1e-4, atol=1e-5)


@every
def test_input_is_left_as_it_was(rule):
    products = gramian(torch.randn(2, 5))
    before = products.clone()
    rule(products)
    torch.testing.assert_close(products, before, rtol=0, atol=0)
