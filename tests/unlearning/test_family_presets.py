from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.unlearning import (
    PRESETS,
    Budget,
    Demanding,
    UnlearningData,
    knobs_of,
    make_method,
)
from pareto_explorer.unlearning.methods._optimiser import optimiser
from tests.tasks.sequences import SmallCausal
from tests.unlearning.sequence_data import sequence_data
from tests.unlearning.toys import draws, flat, make_data, network

SPACES = Path(__file__).resolve().parents[2] / "search_spaces"
OPTIMISER = set(optimiser([0.01, 1.0]))
WHOLE = 100  # a batch of this size is the whole set


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
def test_no_preset_inherits_a_knob_of_the_optimiser(preset):
    assert preset.family.keys() >= OPTIMISER


@pytest.mark.parametrize("space", ["cifar10_hamu", "textures_hamu"])
def test_no_baseline_of_hamu_inherits_a_knob_of_the_optimiser(space):
    families = yaml.safe_load((SPACES / f"{space}.yaml").read_text())["families"]
    baselines = [f for f in families if "preset" not in f and f["method"] != "none"]
    assert len(baselines) == 3
    plain = {key: PRESETS["hamu_q"].family[key] for key in OPTIMISER}
    assert [{key: f[key] for key in OPTIMISER} for f in baselines] == [plain] * 3


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda p: p.name)
def test_presets_set_known_knobs_to_good_values(preset):
    parts = [preset.family.get(part) for part in ("method", "aggregator", "forget_loss")]
    known = knobs_of(*parts)
    for name in preset.family.keys() - {"method", "aggregator", "forget_loss"}:
        known[name].validate(preset.family[name], name)


def clipped_gradients(model: nn.Module, data: UnlearningData) -> list[list[Tensor]]:
    """Of the retain loss and of the forget loss, by tensor, each shortened to norm 1."""
    parameters = list(model.parameters())
    retain, forget = (
        functional.cross_entropy(model(samples.inputs), samples.labels)
        for samples in (data.retain, data.forget)
    )
    rows = [torch.autograd.grad(loss, parameters) for loss in (retain, -forget)]
    norms = [torch.cat([part.flatten() for part in row]).norm().item() for row in rows]
    return [[p / max(1, norm) for p in row] for row, norm in zip(rows, norms, strict=True)]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("name", "moved"), [("hamu_q", 1), ("hamu_u", 0)])
def test_a_real_step_of_hamus_presets_meets_the_quota_of_every_tensor(name, moved, seed):
    data, quota = make_data(dtype=torch.float64), 0.02
    model = network(seed).double().eval()
    before = [p.detach().clone() for p in model.parameters()]
    gradients = clipped_gradients(model, data)
    sizes = torch.tensor([r.norm() * f.norm() for r, f in zip(*gradients, strict=True)])

    preset, budget = PRESETS[name].family, Budget(1, WHOLE, 1)
    list(make_method({**preset, "quota": quota}).run(model, data, budget, draws()))
    assert budget.ledger.drain()["share_rectified"] == 1
    realised = [
        ((then - now.detach()) / preset["lr"] * g).sum()
        for then, now, g in zip(before, model.parameters(), gradients[moved], strict=True)
    ]
    torch.testing.assert_close(
        torch.stack(realised), quota * sizes / sizes.sum(), rtol=1e-7, atol=0, check_dtype=False
    )


#: Coefficients of the forget and the retain loss, as published.
COEFFICIENTS = {
    "graddiff": (1, 1),
    "graddiff_kl": (1, 1),
    "npo": (1, 1),
    "simnpo": (0.125, 1),
    "dpo": (1, 1),
    "undial": (1, 0),
    "wga": (1, 1),
    "satimp": (0.1, 1),
}
#: Presets of language models.
OF_TEXT = [*COEFFICIENTS, "rmu", "hamu_text", "ngdiff_text"]


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_a_weighted_sum_has_the_ratio_of_the_published_coefficients(name):
    forget, retain = COEFFICIENTS[name]
    weight = PRESETS[name].family["weight"]
    assert (weight * retain, weight <= 1) == (pytest.approx((1 - weight) * forget), True)


@pytest.mark.parametrize("name", OF_TEXT)
def test_presets_of_language_models_unlearn_sequences(name):
    """They say where they depart from the papers, and do not sweep rates of image classifiers."""
    preset, data = PRESETS[name], sequence_data()
    assert preset.summary.startswith("Language models: ")
    assert max(preset.domains["lr"]["loguniform"]) <= 1e-3
    method = make_method(preset.family)
    if isinstance(method, Demanding):
        method.require(data)
    torch.manual_seed(0)
    model = SmallCausal()
    before = flat(model)
    list(method.run(model, data, Budget(2, 5, 2), draws()))
    assert flat(model).isfinite().all()
    assert not torch.equal(flat(model), before)
