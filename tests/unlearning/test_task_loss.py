"""Where a method means the training loss, it takes the task's, whatever that is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.unlearning import METHODS, Budget, make_method
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.core.loss_pair import Objectives
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from tests.unlearning.toys import draws, flat, linear, make_data, network

RETAIN, FORGET, HELDOUT = range(3)

#: The sets on which each method takes the task's loss; forget losses keep their own formulas.
READ = {
    **dict.fromkeys(METHODS, frozenset({RETAIN})),
    "task_vector": {FORGET},
    "neg_merge": {FORGET},
    "influence_unlearning": {RETAIN, FORGET},
    **dict.fromkeys(
        (
            "none",
            "gradient_ascent",
            "bad_teacher",
            "rmu",
            "boundary_shrink",
            "boundary_expand",
            "ssd",
            "fisher_forgetting",
        ),
        frozenset(),
    ),
}


def labelled_by_set(loss):
    """Data whose labels tell the set: 0 retain, 1 forget, 2 held-out."""
    data = make_data()

    def relabel(samples, label):
        return Samples(samples.inputs, torch.full_like(samples.labels, label))

    return replace(
        data,
        retain=relabel(data.retain, RETAIN),
        forget=relabel(data.forget, FORGET),
        heldout=relabel(data.heldout, HELDOUT),
        adjacent=relabel(data.adjacent, RETAIN),
        remote=relabel(data.remote, RETAIN),
        loss=loss,
    )


def method_of(name, **knobs):
    own = {"aggregator": "upgrad", "forget_loss": "kl_uniform"}
    return make_method({"method": name, **{p: own[p] for p in METHODS[name].needs}, **knobs})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_the_loss_of_the_task_for_what_is_to_be_retained(name):
    read = set()

    def loss(logits, labels):
        read.update(labels.tolist())
        return functional.cross_entropy(logits, labels)

    model = network()
    for _ in method_of(name).run(model, labelled_by_set(loss), Budget(6, 5, 6), draws()):
        pass
    assert read == READ[name]


def steep(logits, labels):
    return 3 * functional.cross_entropy(logits, labels)


@pytest.mark.parametrize("name", ["fine_tune", "random_labelling", "sfron", "task_vector"])
def test_the_loss_is_what_is_differentiated(name):
    def moved(loss, lr):
        model = linear()
        data = replace(make_data(dtype=torch.float64), loss=loss)
        method = method_of(name, lr=lr, weight_decay=0.0)
        budget = Budget(1, 5, 1) if name != "sfron" else Budget(2, 5, 1)
        list(method.run(model, data, budget, draws()))
        return flat(model)

    plain = moved(functional.cross_entropy, 0.01)
    if name == "random_labelling":  # its only step forgets
        assert torch.equal(moved(steep, 0.01), plain)
    elif name == "sfron":
        assert not torch.allclose(moved(steep, 0.01), plain)
    else:
        torch.testing.assert_close(moved(steep, 0.01), moved(functional.cross_entropy, 0.03))


def test_the_retain_objective_is_the_loss_of_the_task():
    model = network().train()
    data, budget = make_data(), Budget(9, 5, 9)
    by_hand = []

    def loss(logits, labels):
        by_hand.append(functional.cross_entropy(logits, labels, label_smoothing=0.2))
        return by_hand[-1]

    streams = Streams(data, 5, draws())
    objectives = Objectives(model, replace(data, loss=loss), streams, budget.ledger, kl_uniform)
    drawn, _ = objectives.draw()
    assert drawn is by_hand[0]
    torch.testing.assert_close(objectives.retain_again(), drawn.detach())
    torch.testing.assert_close(objectives.losses_again()[0], drawn.detach())
    assert len(by_hand) == 3


def test_influence_weighs_the_gradients_of_the_loss_and_keeps_the_fisher_matrix():
    def step(loss):
        model = linear()
        start = flat(model)
        data = replace(make_data(dtype=torch.float64), loss=loss)
        list(method_of("influence_unlearning").run(model, data, Budget(1, 5, 1), draws()))
        return flat(model) - start

    torch.testing.assert_close(step(steep), 3 * step(functional.cross_entropy))
