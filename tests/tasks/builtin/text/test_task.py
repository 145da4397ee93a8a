from __future__ import annotations

import pickle

import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.spec.families import expand_families, plan_trials
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import (
    Mislabelled,
    Recipe,
    Subclass,
    WholeClass,
    make_task,
    sentences,
    text,
    train_landmark,
)
from pareto_explorer.tasks.builtin.text.encoder import PADDING, TextEncoder
from pareto_explorer.tasks.builtin.text.words import SHARED_NOUNS, TOPICS, VERBS
from pareto_explorer.unlearning import METHODS

SMALL = {"train_size": 160, "model": {"width": 8, "depth": 1, "heads": 2}}
QUICK = {**SMALL, "recipe": {"epochs": 2, "batch_size": 32}}


@pytest.fixture(scope="module")
def task():
    return text(train_size=320)


def words_of(samples):
    return [sentence.split() for sentence in sentences(samples.inputs)]


def test_sets_have_their_sizes_and_every_subclass_as_often(task):
    assert [len(s) for s in (task.train, task.heldout, task.validation, task.test)] == [
        320,
        80,
        80,
        160,
    ]
    for samples in (task.train, task.heldout, task.validation, task.test):
        assert torch.bincount(samples.labels).tolist() == [len(samples) // 8] * 8
    assert task.facts["shared_inputs"] == {"total": 0}
    assert len(task.forget_indices) == 32


def test_inputs_are_padded_token_ids(task):
    inputs = task.train.inputs
    assert inputs.dtype == torch.int64
    assert inputs.shape == (320, 16)
    present = inputs != PADDING
    assert bool((present[:, :-1] | ~present[:, 1:]).all())  # padding is at the end
    assert int(present.sum(1).min()) >= 7
    assert len(set(present.sum(1).tolist())) > 5


def test_the_words_of_a_sentence_fit_its_topic(task):
    topics = list(TOPICS)
    ambiguous = 0
    for words, label in zip(words_of(task.train), task.train.labels.tolist(), strict=True):
        topic = topics[label]
        for word in words:
            if word in SHARED_NOUNS:
                assert topic in SHARED_NOUNS[word]
            for other in topics:
                foreign = {n for nouns in TOPICS[other].values() for n in nouns} | {*VERBS[other]}
                assert other == topic or word not in foreign
        ambiguous += sum(word in SHARED_NOUNS for word in words)
    assert 0.5 < ambiguous / (2 * len(task.train)) < 0.7


def test_a_subclass_uses_its_own_nouns():
    request = Subclass(subclass="tennis_tour")
    task = text(forget=request, train_size=320)
    own, others = TOPICS["tennis"]["tennis_tour"], TOPICS["tennis"]["tennis_game"]
    said = {word for words in words_of(task.forget) for word in words}
    assert set(own) <= said
    assert not set(others) & said
    assert not set(own) & {word for words in words_of(task.retain) for word in words}
    assert set(task.adjacent.labels.tolist()) == {1}
    assert len(task.forget) == len(task.adjacent) == 20


def test_the_other_topic_of_the_domain_is_adjacent_to_a_class():
    task = text(forget=WholeClass(label=4), train_size=320)
    assert set(task.adjacent.labels.tolist()) == {5}
    assert 4 not in task.test.labels
    assert 4 in task.heldout.labels
    assert task.facts["adjacent_classes"] == ["physics"]


def test_ambiguity_is_how_often_a_word_tells_nothing():
    def telling(ambiguity):
        known = {n for s in TOPICS.values() for nouns in s.values() for n in nouns}
        known |= {verb for verbs in VERBS.values() for verb in verbs}
        task = text(train_size=320, ambiguity=ambiguity)
        counts = [sum(word in known for word in words) for words in words_of(task.train)]
        return sum(counts) / len(counts)

    assert telling(0) == 3
    assert telling(1) == 0
    assert 1.3 < telling(0.5) < 1.7


def test_the_seed_determines_the_sentences(task):
    assert torch.equal(text(train_size=320).train.inputs, task.train.inputs)
    assert not torch.equal(text(train_size=320, seed=1).train.inputs, task.train.inputs)


def test_wrong_labels_are_drawn_beside_true_ones():
    task = text(forget=Mislabelled(fraction=0.2), train_size=320)
    plain = text(train_size=320)
    changed = (task.train.labels != plain.train.labels).nonzero().squeeze(1)
    assert changed.tolist() == task.forget_indices.tolist()


def test_it_is_built_from_a_file_and_travels_by_pickle():
    task = make_task({"name": "text", "seed": 3, **SMALL, "recipe": {"epochs": 4}})
    assert task.recipe.epochs == 4
    assert task.recipe.optimizer == "adamw"
    assert task.model().head.in_features == 8
    assert pickle.loads(pickle.dumps(task)).facts == task.facts  # noqa: S301


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, r"task\.seed: -1 is no seed"),
        ({"train_size": 63}, r"task\.train_size: 63 must be a whole number from 64"),
        ({"train_size": True}, r"task\.train_size: True"),
        ({"ambiguity": 1.5}, r"task\.ambiguity: 1\.5 must be a number from 0 to 1"),
        ({"model": {"with": 8}}, r"task\.model: field: 'with' is not known; did you mean 'width'"),
        ({"model": {"width": 0}}, r"task\.model\.width: 0 must be a whole number above 0"),
        ({"model": {"dropout": 1}}, r"task\.model\.dropout: 1 must be a number of at least 0"),
        ({"model": {"width": 10}}, r"task\.model\.width: 10 must be a multiple of heads"),
        ({"model": "resnet18"}, r"task\.model: 'resnet18' is no mapping"),
        ({"forget": Subclass(label=2)}, r"task\.forget\.label: 2 asks for a cluster of inputs"),
        ({"forget": Subclass(subclass="chess")}, r"task\.forget\.subclass: 'chess' is not known"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        text(**{"train_size": 80, **options})


def encoder(**options):
    torch.manual_seed(0)
    return TextEncoder(20, 3, 12, **{"width": 8, "heads": 2, **options})


def test_padding_changes_nothing():
    model = encoder().eval()
    tokens = torch.randint(1, 20, (4, 6))
    padded = torch.cat([tokens, torch.full((4, 5), PADDING)], 1)
    torch.testing.assert_close(model(padded), model(tokens))
    alone = torch.cat([model(row[None]) for row in padded])
    torch.testing.assert_close(alone, model(padded))


def test_the_order_of_the_words_counts():
    model = encoder().eval()
    tokens = torch.arange(1, 7)[None]
    assert not torch.allclose(model(tokens), model(tokens.flip(1)))


def test_attention_agrees_with_that_of_pytorch():
    block = encoder().blocks[0]
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(block.project.weight)
        theirs.in_proj_bias.copy_(block.project.bias)
        theirs.out_proj.weight.copy_(block.merge.weight)
        theirs.out_proj.bias.copy_(block.merge.bias)
    x, present = torch.randn(3, 5, 8), torch.arange(5) < torch.tensor([[5], [3], [1]])
    expected, _ = theirs(x, x, x, key_padding_mask=~present)
    torch.testing.assert_close(block._attend(x, present), expected)


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(InputError, match=r"model\.width: 8 must be a multiple of the 3 heads"):
        encoder(heads=3)


@pytest.fixture(scope="module")
def bench():
    task = text(forget=Subclass(subclass="football_club"), **QUICK)
    weights = {kind: train_landmark(task, kind, 0) for kind in ("original", "retrained")}
    return Bench(task, {0: Landmarks(**weights)}, "cpu")


def rows_of(bench, plan):
    budget = BudgetSpec(steps=4, batch_size=8, evaluate_every=4)
    return [point.row for point in run_replicate(bench, plan, Replicate(0, 0, 0), budget)]


def test_every_method_unlearns_it_or_says_why_not(bench):
    assert bench.task.recipe == Recipe(2, 32, 0.005, weight_decay=0.01, optimizer="adamw")
    refused = []
    for name in METHODS:
        own = {"aggregator": "upgrad", "forget_loss": "kl_heldout"}
        given = {"method": name, **{part: own[part] for part in METHODS[name].needs}}
        (plan,) = plan_trials(expand_families([given]), 1, 0)
        try:
            rows = rows_of(bench, plan)
        except InputError:
            refused.append(name)
        else:
            assert rows, name
    assert refused == ["boundary_shrink"]


def test_the_search_space_runs_in_miniature(bench):
    spec = SweepSpec.load("text_classifier", ["search.configurations=1"])
    assert make_task({**spec.task, **QUICK}).facts == bench.task.facts
    assert len(spec.plan()) == 9
    for plan in spec.plan():
        (row,) = rows_of(bench, plan)
        assert row["status"] == "ok", plan.trial_id
