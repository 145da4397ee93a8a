"""Runs that step together come to what each comes to alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pareto_explorer.unlearning import AGGREGATORS, Budget, Weighting, make_method
from pareto_explorer.unlearning.bundle import MemberError, descend_together, reason_alone
from tests.unlearning.toys import CLASSES, draws, make_data, network

PAIR = {"method": "jacobian_descent", "aggregator": "upgrad", "forget_loss": "kl_uniform"}
STATELESS = [
    name
    for name, aggregator in ((n, e.build()) for n, e in AGGREGATORS.items() if n != "nash_mtl")
    if isinstance(aggregator, Weighting) and not aggregator.keeps_state
]
#: A bias before batch norm has no gradient but rounding, which AdamW scales up.
CLOSE = {"rtol": 1e-9, "atol": 1e-8}
BUDGET = {"steps": 8, "batch_size": 5, "evaluate_every": 4}


def mlp(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, CLASSES))


class Scaled(nn.Module):
    """A layer that learns, one that does not, and a parameter without a dimension."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.fixed = nn.Linear(4, 6).requires_grad_(requires_grad=False)
        self.last = nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.scale * self.last(self.fixed(x).tanh())


def make_runs(config: dict, build=network, members: int = 3, dtype=torch.float64) -> list:
    method, data = make_method(config), make_data(dtype=dtype)
    return [
        method.run(build(seed).to(dtype), data, Budget(**BUDGET), draws(seed))
        for seed in range(members)
    ]


def whole(model: nn.Module) -> torch.Tensor:
    """Parameters and running statistics."""
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


def shown(runs: list) -> list[torch.Tensor]:
    return [whole(next(run)) for run in runs]


def spent(runs: list) -> list[tuple]:
    ledgers = [run.setting.ledger for run in runs]
    return [(one.step, one.forward, one.backward, sorted(one.drain())) for one in ledgers]


@pytest.mark.parametrize("build", [network, mlp, Scaled])
@pytest.mark.parametrize(
    "knobs",
    [
        {"aggregator": "weighted_sum", "weight": 0.3},
        {"aggregator": "mgda", "momentum": 0.0, "weight_decay": 0.01},
        {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1},
        {"batch_norm": "frozen"},
        {"forget_loss": "random_labels", "preference": 0.8},
        {"forget_loss": "kl_heldout"},
        {"forget_loss": "npo"},
        {"aggregator": "weighted_sum", "forget_loss": "undial", "retain_loss": "kl"},
        {"path": "preference", "path_levels": 2},
        {"path": "lr", "path_from": 0.1, "path_to": 0.01, "path_levels": 2},
        {
            "forget_loss": "negative_cross_entropy",
            "path": "clip",
            "path_from": 2.0,
            "path_to": 1.0,
            "path_levels": 2,
        },
    ],
    ids=lambda knobs: "-".join(map(str, knobs.values())),
)
def test_models_and_samples_are_those_of_runs_alone(build, knobs):
    alone, together = (make_runs({**PAIR, **knobs}, build) for _ in range(2))
    start = whole(build(0))
    for _ in range(2):
        descend_together(together)
        expected, found = shown(alone), shown(together)
        torch.testing.assert_close(found, expected, **CLOSE)
        assert (expected[0] - start).norm() > 1e-3
        assert spent(together) == spent(alone)
    descend_together(together)  # nothing is left
    assert [next(run, None) for run in together] == [None] * 3


@pytest.mark.parametrize("aggregator", STATELESS)
def test_every_weighting_without_a_state_weighs_each_run_by_itself(aggregator):
    alone, together = (make_runs({**PAIR, "aggregator": aggregator}) for _ in range(2))
    descend_together(together)
    torch.testing.assert_close(shown(together), shown(alone), **CLOSE)


def test_in_float32_a_few_steps_agree_within_rounding():
    alone, together = (make_runs(PAIR, dtype=torch.float32) for _ in range(2))
    descend_together(together)
    torch.testing.assert_close(shown(together), shown(alone), rtol=1e-4, atol=1e-5)


def test_runs_part_and_meet_between_two_models():
    """A bundle keeps nothing: momentum and batches go on alone, and with fewer."""
    alone, together = (make_runs(PAIR) for _ in range(2))
    descend_together(together[:2])
    torch.testing.assert_close(shown(together), shown(alone), **CLOSE)
    descend_together(together[1:])
    torch.testing.assert_close(shown(together), shown(alone), **CLOSE)


def test_a_run_that_diverges_leaves_the_others_alone():
    runs, healthy = make_runs(PAIR), make_runs(PAIR)[1:]
    with torch.no_grad():
        runs[0]._start[0][0].weight.mul_(float("nan"))
    descend_together(runs)
    first, *others = shown(runs)
    assert first.isnan().any()
    torch.testing.assert_close(others, shown(healthy), **CLOSE)


def test_runs_that_are_not_as_far_as_each_other_are_refused():
    runs = make_runs(PAIR)
    next(runs[0])
    with pytest.raises(ValueError, match="as far as each other"):
        descend_together(runs)
    with pytest.raises(ValueError, match="of one method"):
        descend_together([runs[1], iter(())])


@pytest.mark.parametrize(
    "forget_loss", ["kl_heldout_detached", "kl_heldout_published", "dpo_refusal"]
)
def test_a_loss_of_the_current_model_is_refused(forget_loss):
    runs = make_runs({**PAIR, "forget_loss": forget_loss})
    with pytest.raises(MemberError, match="asks for predictions of the current model"):
        descend_together(runs)


def test_what_the_loss_of_one_member_raises_is_told_with_its_number():
    runs = make_runs(PAIR)
    runs[1].aim()  # begins it
    broken = runs[1].write_gradients.objectives
    broken.losses_of = lambda *_: 1 / 0
    with pytest.raises(MemberError) as caught:
        descend_together(runs)
    assert caught.value.member == 1
    assert isinstance(caught.value.cause, ZeroDivisionError)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (PAIR, ""),
        ({**PAIR, "path": "preference"}, ""),
        ({**PAIR, "aggregator": "famo"}, "aggregator FAMO needs more than the Gramian of a step"),
        ({**PAIR, "aggregator": "gradvac"}, "aggregator GradVac needs more than"),
        ({**PAIR, "granularity": "layer"}, "granularity is layer"),
        ({**PAIR, "saliency": 0.5}, "saliency is set"),
        ({**PAIR, "auto_lr": True}, "auto_lr is set"),
        ({"method": "scrub"}, "method Scrub steps one model at a time"),
    ],
)
def test_who_steps_alone_and_why(config, reason):
    found = reason_alone(make_method(config))
    assert found.startswith(reason)
    assert bool(found) == bool(reason)
