"""Every part of the registry on sequences: it runs to finite weights, or says why it does not."""

import math
from dataclasses import replace

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning import (
    AGGREGATORS,
    FORGET_LOSSES,
    METHODS,
    Budget,
    Demanding,
    make_method,
)
from tests.tasks.sequences import SmallCausal
from tests.unlearning.sequence_data import sequence_data
from tests.unlearning.toys import draws, flat, make_data, network

#: What works on classes only.
REFUSING = {
    "method": {"boundary_expand", "boundary_shrink", "fisher_forgetting", "raul_calibrated"},
    "forget_loss": {"kl_heldout", "kl_heldout_detached", "kl_heldout_published"},
}


def data():
    """Sequences with refusals and an adjacent part."""
    found = sequence_data()
    order = torch.arange(len(found.retain))
    parts = {"adjacent": found.retain.take(order[:8]), "remote": found.retain.take(order[8:])}
    return replace(found, **parts)


def run(config, given=None, model=None):
    given = given or data()
    method = make_method(config)
    if isinstance(method, Demanding):
        method.require(given)
    torch.manual_seed(0)
    model = model or SmallCausal()
    before = flat(model)
    budget = Budget(2, 5, 1)
    for shown in method.run(model, given, budget, draws()):
        assert flat(shown).isfinite().all()
    assert all(map(math.isfinite, budget.ledger.drain().values()))
    return before, flat(model)


def family(part, name):
    if part == "method":
        entry = METHODS[name]
        own = {"aggregator": "mean", "forget_loss": "npo"}
        rates = {"selection": 0.5} if name == "ssd" else {}
        return {"method": name} | {p: own[p] for p in entry.needs} | rates
    config = {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": "simnpo"}
    return config | {part: name}


TABLES = {"method": METHODS, "aggregator": AGGREGATORS, "forget_loss": FORGET_LOSSES}


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, table in TABLES.items() for name in table]
)
def test_every_part_works_on_sequences_or_refuses_them(part, name):
    config = family(part, name)
    if name in REFUSING.get(part, ()):
        with pytest.raises(InputError, match=f"^{part}: '{name}' works on classes, and"):
            run(config)
        return
    before, after = run(config)
    assert torch.equal(before, after) == (name == "none")


@pytest.mark.parametrize("method", ["jacobian_descent", "pareto_line", "interpolation"])
def test_methods_pass_on_what_a_forget_loss_refuses(method):
    with pytest.raises(InputError, match="works on classes"):
        run(family("method", method) | {"forget_loss": "kl_heldout"})
    config = family("method", method) | {"forget_loss": "dpo_refusal"}
    bare = replace(data(), refusals=None)
    with pytest.raises(InputError, match="this task has none"):
        run(config, bare)


def test_nothing_refuses_classes():
    for part, names in REFUSING.items():
        for name in names:
            run(family(part, name), make_data(), network())


@pytest.mark.parametrize("saliency", [None, 0.3])
@pytest.mark.parametrize("aggregator", ["weighted_sum", "eupmu_implicit", "modo"])
def test_retaining_by_divergence(aggregator, saliency):
    config = family("aggregator", aggregator) | {"retain_loss": "kl", "saliency": saliency}
    before, after = run(config)
    assert not torch.equal(before, after)
    run(config, make_data(), network())


def test_padding_of_the_data_changes_no_method():
    """Columns of padding on the right of every set, and the same weights in the end."""

    def padded(samples):
        pads = {"inputs": 0, "labels": -100}
        parts = {
            n: torch.nn.functional.pad(getattr(samples, n), (0, 3), value=v)
            for n, v in pads.items()
        }
        return replace(samples, **parts)

    given = data()
    sets = ("retain", "forget", "heldout", "adjacent", "remote", "refusals")
    longer = replace(given, **{name: padded(getattr(given, name)) for name in sets})
    for name in ("scrub", "bad_teacher", "random_labelling", "sfron", "salun", "rmu", "ssd"):
        _, first = run(family("method", name), given)
        _, second = run(family("method", name), longer)
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)
