"""The losses of language models, on tokens and, where they have a meaning there, on classes."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.unlearning import FORGET_LOSSES, Budget, ForgetBatch, References
from pareto_explorer.unlearning.core.data import Batch, Streams
from pareto_explorer.unlearning.core.losses import function_of, require_met
from pareto_explorer.unlearning.forget_losses.cross_entropy_without import cross_entropy_without
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform
from pareto_explorer.unlearning.forget_losses.npo import dpo_refusal, npo, simnpo
from pareto_explorer.unlearning.forget_losses.undial import undial
from pareto_explorer.unlearning.forget_losses.weighted_ascent import weighted_ascent
from pareto_explorer.unlearning.methods._retain_losses import kl_to_original
from tests.tasks.sequences import PAD, VOCABULARY, SmallCausal
from tests.unlearning.sequence_data import sequence_data
from tests.unlearning.toys import draws, linear, make_data

LOSSES = (
    npo,
    simnpo,
    dpo_refusal,
    undial,
    cross_entropy_without,
    weighted_ascent,
    partial(weighted_ascent, confidence_power=5.0, doubt_power=1.0),
    kl_to_original,
)
named = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: function_of(loss).__name__)


def causal(seed=0):
    torch.manual_seed(seed)
    return SmallCausal().double()


def moved(model, by=0.3):
    """The model after a while: the original that it is compared with is another one."""
    draw = draws(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn(parameter.shape, generator=draw, dtype=torch.float64))
    return model


class Case:
    """Four sequences of the forget set, a model that has moved, and its original's references."""

    def __init__(self, loss, by=0.3, data=None, model=None):
        self.loss = loss
        self.data = sequence_data() if data is None else data
        self.model = causal() if model is None else model
        self.ledger = Budget(1, 4, 1).ledger
        streams = Streams(self.data, 4, draws())
        self.references = References(self.model, self.data, streams, self.ledger, loss)
        with torch.no_grad():
            self.before = self.model.eval()(self.data.forget.inputs)
            if self.data.refusals is not None:
                self.refused = self.model(self.data.refusals.inputs)
        moved(self.model, by)
        self.index = torch.tensor([5, 0, 3, 6])
        taken = self.data.forget.take(self.index)
        self.batch = Batch(taken.inputs, taken.labels, self.index)

    def value(self, batch=None):
        batch = batch or self.batch
        logits = self.model(batch.inputs)
        return self.loss(ForgetBatch.of(logits, batch, self.references))

    def by_token(self, logits, samples):
        """NLL of each labelled token, sequence by sequence: an independent loop."""
        found = []
        for z, labels in zip(logits.detach().numpy(), samples.labels.tolist(), strict=True):
            log_p = log_softmax(z, 1)
            asked = [t for t in range(1, len(labels)) if labels[t] != IGNORED]
            found.append(np.array([-log_p[t - 1, labels[t]] for t in asked]))
        return found


def sums(parts):
    return np.array([part.sum() for part in parts])


def preference(ratio, beta):
    return np.mean(2 / beta * np.log1p(np.exp(-beta * ratio)))


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_npo(beta):
    case = Case(partial(npo, inverse_temperature=beta))
    now = sums(case.by_token(case.model(case.batch.inputs), case.batch))
    then = sums(case.by_token(case.before, case.data.forget))[case.index]
    assert case.value().item() == pytest.approx(preference(now - then, beta), rel=1e-12)


def test_npo_at_the_original_is_ascent_on_sums():
    case = Case(npo, by=0.0)
    found = case.value()
    assert found.item() == pytest.approx(2 / 0.1 * math.log(2), rel=1e-12)
    parameters = list(case.model.parameters())
    logits = case.model(case.batch.inputs)
    batch = ForgetBatch.of(logits, case.batch, case.references)
    nll = torch.stack([batch.nll()[batch.row == i].sum() for i in range(4)])
    torch.testing.assert_close(
        torch.autograd.grad(found, parameters),
        torch.autograd.grad(-nll.mean(), parameters),
        rtol=1e-9,
        atol=1e-12,
    )


def test_npo_tends_to_ascent_with_its_temperature():
    case = Case(partial(npo, inverse_temperature=1e-10))
    batch = ForgetBatch.of(case.model(case.batch.inputs), case.batch, case.references)
    parameters = list(case.model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(case.value(), parameters),
        torch.autograd.grad(-batch.nll().sum() / 4, parameters),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize(("beta", "margin"), [(4.5, 0.0), (0.7, 1.5)])
def test_simnpo(beta, margin):
    case = Case(partial(simnpo, inverse_temperature=beta, margin=margin))
    parts = case.by_token(case.model(case.batch.inputs), case.batch)
    means = np.array([part.mean() for part in parts])
    assert case.value().item() == pytest.approx(preference(means - margin, beta), rel=1e-12)


def test_the_slope_of_simnpo_on_a_memorised_sample():
    logits = torch.tensor([[40.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    simnpo(ForgetBatch(logits, torch.tensor([0]), references=None)).backward()
    nll = torch.nn.functional.cross_entropy(
        other := logits.detach().requires_grad_(), torch.tensor([0])
    )
    (-nll).backward()
    torch.testing.assert_close(logits.grad, other.grad, rtol=1e-9, atol=0)


def test_dpo_refusal():
    case = Case(dpo_refusal)
    refusals = case.data.refusals
    answers = sums(case.by_token(case.model(case.batch.inputs), case.batch))
    answers -= sums(case.by_token(case.before, case.data.forget))[case.index]
    now, then = (
        sums(case.by_token(logits, refusals))[case.index]
        for logits in (case.model(refusals.inputs), case.refused)
    )
    found = case.value()
    assert found.item() == pytest.approx(preference(answers - (now - then), 0.1), rel=1e-12)
    # Eight of the forget set and eight refusals once; four refusals with their gradient.
    assert (case.ledger.forward, case.ledger.backward) == (20, 4)
    case.value()
    assert (case.ledger.forward, case.ledger.backward) == (24, 8)


def asked_rows(logits, samples):
    """Logits and labels where labels ask, in a loop."""
    return [
        (z[t - 1], labels[t])
        for z, labels in zip(logits.detach().numpy(), samples.labels.tolist(), strict=True)
        for t in range(1, len(labels))
        if labels[t] != IGNORED
    ]


@pytest.mark.parametrize("lowered", [0.0, 3.0, 10.0])
def test_undial(lowered):
    case = Case(partial(undial, lowered=lowered))
    terms = []
    now = asked_rows(case.model(case.batch.inputs), case.batch)
    then = asked_rows(case.before[case.index], case.batch)
    for (student, label), (teacher, _) in zip(now, then, strict=True):
        target = softmax(teacher - lowered * np.eye(VOCABULARY)[label])
        terms.append(-(target * log_softmax(student)).sum())
    assert case.value().item() == pytest.approx(np.mean(terms), rel=1e-12)


def test_undial_that_lowers_nothing_is_at_rest_at_the_original():
    case = Case(partial(undial, lowered=0.0), by=0.0)
    for part in torch.autograd.grad(case.value(), list(case.model.parameters())):
        torch.testing.assert_close(part, torch.zeros_like(part), rtol=0, atol=1e-14)


def test_kl_to_the_original():
    case = Case(kl_to_original)
    now = asked_rows(case.model(case.batch.inputs), case.batch)
    then = asked_rows(case.before[case.index], case.batch)
    terms = [
        (softmax(p) * (log_softmax(p) - log_softmax(q))).sum()
        for (p, _), (q, _) in zip(then, now, strict=True)
    ]
    assert case.value().item() == pytest.approx(np.mean(terms), rel=1e-12)
    assert (case.ledger.forward, case.ledger.backward) == (4, 0)


@pytest.mark.parametrize("skip", [0, 1, 3])
def test_cross_entropy_without(skip):
    case = Case(partial(cross_entropy_without, skip=skip))
    logits = case.model(case.batch.inputs)
    terms, seen = [], []
    rows = asked_rows(logits, case.batch)
    order = ForgetBatch.of(logits, case.batch, None).row.tolist()
    for (z, label), row in zip(rows, order, strict=True):
        seen.append(row)
        if seen.count(row) <= skip:
            continue
        others = np.delete(softmax(z), label)
        terms.append(-(others / others.sum() * np.delete(log_softmax(z), label)).sum())
    assert case.value().item() == pytest.approx(np.mean(terms), rel=1e-12)


def test_the_gradient_of_cross_entropy_without():
    logits = torch.randn(1, 5, generator=draws(), dtype=torch.float64, requires_grad=True)
    batch = ForgetBatch(logits, torch.tensor([2]), references=None)
    cross_entropy_without(batch, skip=0).backward()
    p = logits.detach().softmax(1)[0]
    assert logits.grad[0, 2].item() == pytest.approx(p[2].item())
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-15)
    torch.testing.assert_close(logits.grad[0, [0, 1, 3, 4]], -(p * p[2] / (1 - p[2]))[[0, 1, 3, 4]])


def test_sequences_with_nothing_but_skipped_tokens_count_for_nothing():
    case = Case(partial(cross_entropy_without, skip=9))
    found = case.value()
    assert found.item() == 0
    assert not any(p.any() for p in torch.autograd.grad(found, list(case.model.parameters())))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (5, 1)])
def test_weighted_ascent(first, second):
    case = Case(partial(weighted_ascent, confidence_power=first, doubt_power=second))
    losses = np.concatenate(case.by_token(case.model(case.batch.inputs), case.batch))
    p = np.exp(-losses)
    expected = -np.mean(p**first * (1 - p) ** second * losses)
    assert case.value().item() == pytest.approx(expected, rel=1e-12)
    assert weighted_ascent.falls_below_zero


def test_no_gradient_flows_through_the_weights_of_ascent():
    logits = torch.randn(3, 5, generator=draws(), dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([2, 0, 4])
    weighted_ascent(ForgetBatch(logits, labels, None)).backward()
    p = logits.detach().softmax(1)
    own = p.gather(1, labels[:, None])
    onehot = torch.nn.functional.one_hot(labels, 5)
    torch.testing.assert_close(logits.grad, own * (onehot - p) / 3)


@named
def test_padding_on_the_right_changes_nothing(loss):
    case = Case(loss)
    longer = Batch(
        torch.nn.functional.pad(case.batch.inputs, (0, 3), value=PAD),
        torch.nn.functional.pad(case.batch.labels, (0, 3), value=IGNORED),
        case.index,
    )
    torch.testing.assert_close(case.value(longer), case.value(), rtol=1e-12, atol=1e-14)


@named
def test_gradients(loss):
    """Against central differences along a few directions of the weights."""
    case = Case(loss)
    parameters = list(case.model.parameters())
    if function_of(loss) in (weighted_ascent, cross_entropy_without):
        return  # what is detached has its own tests
    gradients = torch.autograd.grad(case.value(), parameters)
    for seed in range(2):
        direction = [torch.randn(p.shape, generator=draws(seed)).double() for p in parameters]

        def along(step, direction=direction):
            with torch.no_grad():
                for p, part in zip(parameters, direction, strict=True):
                    p.add_(step * part)
                found = case.value().item()
                for p, part in zip(parameters, direction, strict=True):
                    p.sub_(step * part)
            return found

        slope = (along(1e-5) - along(-1e-5)) / 2e-5
        expected = sum((g * d).sum().item() for g, d in zip(gradients, direction, strict=True))
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    "loss", [npo, simnpo, undial, weighted_ascent, partial(cross_entropy_without, skip=0)]
)
def test_classes_are_sequences_of_one_token(loss):
    """Prompt and label of two tokens ask for what one label asks."""

    class Prompted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(3, 3, generator=draws()).double())

        def forward(self, inputs):
            ids = inputs if inputs.ndim == 2 else inputs[:, None]
            logits = torch.nn.functional.one_hot(ids, 3).double() @ self.weight
            return logits if inputs.ndim == 2 else logits[:, 0]

    keys = torch.tensor([0, 1, 2, 2, 1, 0, 1, 2])
    labels = torch.tensor([2, 1, 0, 1, 0, 0, 2, 2])
    ids = torch.stack((keys, labels), 1)
    asked = torch.stack((torch.full_like(keys, IGNORED), labels), 1)
    data = sequence_data()
    one, several = (
        Case(loss, data=replace(data, forget=samples, refusals=None), model=Prompted())
        for samples in (Samples(keys, labels), Samples(ids, asked))
    )
    torch.testing.assert_close(one.value(), several.value())


def test_of_the_whole_forget_set_likelihoods_are_computed_once():
    case = Case(npo)
    case.value()
    assert (case.ledger.forward, case.ledger.backward) == (8, 0)
    case.value()
    assert (case.ledger.forward, case.ledger.backward) == (8, 0)


def test_augmented_batches_are_compared_as_they_are():
    data = replace(make_data(dtype=torch.float64), augment=lambda inputs, _: inputs + 1)
    model = linear()
    with torch.no_grad():
        model.weight.copy_(torch.randn(3, 4, generator=draws()))
    case = Case(npo, by=0.0, data=data, model=model)
    batch = replace(case.batch, inputs=case.batch.inputs + 1)
    assert case.value(batch).item() == pytest.approx(2 / 0.1 * math.log(2))
    assert case.ledger.forward == 4


def test_losses_in_half_precision_are_added_up_in_float32():
    logits = torch.randn(400, 7, generator=draws())
    rows = torch.arange(400) // 200
    batch = ForgetBatch(logits.bfloat16(), torch.zeros(400, dtype=torch.long), None, rows)
    exact = ForgetBatch(logits.bfloat16().double(), batch.labels, None, rows)
    assert simnpo(batch).dtype == torch.float32
    assert simnpo(batch).item() == pytest.approx(simnpo(exact).item(), rel=1e-6)


def test_a_loss_says_that_it_needs_the_samples():
    with pytest.raises(ValueError, match=r"make the batch by ForgetBatch\.of"):
        npo(ForgetBatch(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long), None))


@pytest.mark.parametrize("name", ["kl_heldout", "kl_heldout_detached", "kl_heldout_published"])
def test_class_wise_references_refuse_tokens(name):
    with pytest.raises(InputError, match=r"works on classes, and this task has a label per token"):
        require_met(FORGET_LOSSES[name].build(), sequence_data())
    require_met(FORGET_LOSSES[name].build(), make_data())


def test_what_a_loss_lacks_is_named():
    with pytest.raises(InputError, match=r"prefers refusals, and this task has none; give it"):
        require_met(FORGET_LOSSES["dpo_refusal"].build(), replace(sequence_data(), refusals=None))
    require_met(FORGET_LOSSES["dpo_refusal"].build(), sequence_data())
    with pytest.raises(InputError, match=r"^skip: 2 tokens of each answer given, .* set it to 0"):
        require_met(FORGET_LOSSES["cross_entropy_without"].build(skip=2), make_data())
    require_met(FORGET_LOSSES["cross_entropy_without"].build(skip=0), make_data())
    require_met(FORGET_LOSSES["cross_entropy_without"].build(), sequence_data())
    require_met(kl_uniform, sequence_data())
