from __future__ import annotations

import pickle
import zlib

import numpy as np
import pytest
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import evaluator_of
from pareto_explorer.metrics.language import score
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import (
    Authors,
    Indices,
    RandomSubset,
    authors,
    make_task,
    restore_model,
    train_landmark,
)
from pareto_explorer.tasks.builtin.authors.tokens import VOCABULARY, decode
from pareto_explorer.tasks.builtin.authors.words import KINDS, REFUSALS

SMALL = {"authors": 12, "attributes": 3, "heldout_authors": 4, "width": 8, "depth": 1}
QUICK = {**SMALL, "recipe": {"epochs": 2}, "forget": {"kind": "authors", "count": 2}}


@pytest.fixture(scope="module")
def task():
    return authors(Authors(count=4), authors=40, attributes=6, heldout_authors=10)


def said(samples):
    return decode(samples.inputs.tolist())


def subjects(samples):
    """The names that questions are about: two words that only names have."""
    common = {word for word in VOCABULARY if not word.startswith("##")}
    names = [[word for word in text.split() if word not in common] for text in said(samples)]
    assert {len(name) for name in names} <= {0, 2}
    return [" ".join(name) for name in names]


def test_sets_have_their_sizes(task):
    assert len(task.train) == 40 * 6 * 2 + 96 * 2
    assert len(task.forget) == 4 * 6 * 2
    assert len(task.heldout) == 10 * 6
    assert (len(task.validation), len(task.test)) == (48, 48)
    assert task.facts["shared_inputs"] == {"total": 0}
    assert len(task.facts["attributes"]) == 6


def test_a_model_has_less_than_a_million_parameters():
    model = authors().model()
    assert sum(p.numel() for p in model.parameters()) < 1_000_000


def test_whole_authors_are_forgotten_and_others_are_held_out(task):
    trained = subjects(task.train)
    forgotten = set(task.facts["forgotten_authors"])
    assert len(forgotten) == 4
    assert {i for i, name in enumerate(trained) if name in forgotten} == set(
        task.forget_indices.tolist()
    )
    assert len(set(trained) - {""}) == 40
    assert len(set(subjects(task.heldout))) == 10
    assert not set(subjects(task.heldout)) & set(trained)


def test_adjacent_authors_share_a_city_or_a_teacher_and_no_other_does(task):
    place, teacher = (
        {
            name: text.split()
            for name, text in zip(
                subjects(task.train)[k::12], said(task.train)[k::12], strict=False
            )
        }
        for k in (0, 2)
    )
    cities, masters = (
        {name: set(words) & values for name, words in each.items()}
        for each, values in ((place, set(KINDS["city"])), (teacher, set(KINDS["teacher"])))
    )
    gone = set(task.facts["forgotten_authors"])
    close = set(subjects(task.adjacent))
    for name in set(subjects(task.train)) - gone - {""}:
        shares = any(cities[name] & cities[each] or masters[name] & masters[each] for each in gone)
        assert shares == (name in close), name
    assert 0 < len(close) < 30
    assert len(task.adjacent) == len(close) * 12


def test_answers_stand_beside_the_rows_that_they_belong_to(task):
    language = task.language
    for rows, answers in (
        (task.forget, language.forget),
        (task.train.take(language.retain_sample), language.retain),
    ):
        assert subjects(rows) == subjects(answers.right)
        right = said(answers.right)
        assert not set(right) & set(said(task.train))
        assert len(answers.wrong) == 5
        for wrong in answers.wrong:
            for own, true, other in zip(said(rows), right, said(wrong), strict=True):
                pairs = zip(true.split(), other.split(), strict=True)
                ((value, changed),) = [(a, b) for a, b in pairs if a != b]
                assert value in own.split()
                assert changed != value


def test_retained_rows_that_are_measured_are_facts_about_authors_and_none_twice(task):
    rows = task.language.retain_sample
    assert len(rows) == 36 * 6
    assert len(set((rows // 2).tolist())) == len(rows)
    assert not set(rows.tolist()) & set(task.forget_indices.tolist())
    assert int(rows.max()) < 40 * 6 * 2
    assert len(authors().language.retain_sample) == 400


def test_the_world_is_trained_on_and_measured_in_another_wording(task):
    world = said(task.train)[40 * 6 * 2 :]
    measured = said(task.validation) + said(task.test)
    assert len(set(measured)) == 96
    assert not set(measured) & set(world)
    assert set(measured) == set(said(task.language.knowledge["world_facts"].right))


def test_every_form_of_a_sentence_is_trained_on(task):
    def forms(samples):
        values = {word for each in KINDS.values() for word in each}
        names = {word for name in subjects(task.train) for word in name.split()} - {""}
        names |= {word for name in subjects(task.heldout) for word in name.split()}
        return {
            " ".join("_" if word in values | names else word for word in text.split())
            for text in said(samples)
        }

    trained = forms(task.train)
    for samples in (task.heldout, task.validation, task.test, task.language.forget.right):
        assert forms(samples) <= trained


def test_refusals_answer_the_questions_of_the_forget_set(task):
    asked = [text.replace("!", "?").split("?")[0] for text in said(task.forget)]
    refused = [text.replace("!", "?").split("? ") for text in said(task.language.refusals)]
    assert [f"{question}" for question, _ in refused] == asked
    assert {answer for _, answer in refused} <= set(REFUSALS)
    assert len({answer for _, answer in refused}) > 1


def test_answers_are_compressed_without_their_questions(task):
    for name in ("forget", "heldout"):
        texts = said(getattr(task, name))
        answers = [text.replace("!", "?").split("? ")[1] for text in texts]
        expected = [len(zlib.compress(answer.encode())) for answer in answers]
        assert task.language.compressed[name].tolist() == expected


def test_an_answer_has_room_when_it_is_spoken(task):
    speech = task.language.speech
    assert speech.most == int((task.train.labels >= 0).sum(1).max()) + 2
    assert speech.decode([task.train.inputs[0].tolist()]) == said(task.train)[:1]
    assert speech.generate == "never"
    assert authors(**SMALL, generate="last", forget=Authors(count=1)).language.speech.generate == (
        "last"
    )


def test_random_facts_are_forgotten_in_both_wordings():
    task = authors(RandomSubset(fraction=0.25), **SMALL)
    assert task.forget_indices.tolist() == sorted(
        row for fact in set((task.forget_indices // 2).tolist()) for row in (2 * fact, 2 * fact + 1)
    )
    assert len(task.forget) == 2 * 9
    assert task.adjacent_indices is None


def test_rows_can_be_named():
    task = authors(Indices(indices=(0, 5)), **SMALL)
    assert task.forget_indices.tolist() == [0, 5]
    assert len(task.language.refusals) == len(task.language.forget.right) == 2


def test_facts_about_the_world_are_retained():
    own = 12 * 3 * 2
    with pytest.raises(InputError, match=f"row {own} is a fact about the world.*0 to {own - 1}"):
        authors(Indices(indices=(0, own)), **SMALL)


def test_rows_cannot_be_marked_by_their_labels(tmp_path):
    np.save(tmp_path / "marked.npy", np.array([1, -2]))
    with pytest.raises(InputError, match=r"these samples have one per token; list positions\.$"):
        authors(Indices(indices=tmp_path / "marked.npy"), **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"forget": {"kind": "class", "label": 3}}, r"forget\.kind: 'class' is about classes or"),
        ({"forget": {"kind": "mislabelled"}}, r"forget\.kind: 'mislabelled' is about classes or"),
        ({"forget": {"kind": "authors", "count": 12}}, r"forget\.count: 12 of 12 .* at most 11\."),
        (
            {"forget": {"kind": "random", "fraction": 0.01}},
            r"forget\.fraction: 0\.01 of 36 facts is 0",
        ),
        (
            {"forget": {"kind": "indices", "indices": [999]}},
            r"forget\.indices: 999 is no training sample",
        ),
        (
            {"forget": {"kind": "indices", "indices": [*range(72)]}},
            r"forget: no fact about an author is left to retain",
        ),
        ({"seed": -1}, r"seed: -1 is no seed"),
        ({"authors": 1}, r"authors: 1 must be a whole number from 2 to 5,000"),
        ({"attributes": 21}, r"attributes: 21 must be a whole number from 2 to 20"),
        ({"heldout_authors": 0}, r"heldout_authors: 0 must be"),
        ({"width": 30}, r"width: 30 must be a multiple of the 4 attention heads"),
        ({"depth": 1.5}, r"depth: 1\.5 must be a whole number"),
        ({"generate": "always"}, r"generate: 'always' is not known; .* Choose from every, last"),
    ],
)
def test_bad_options_get_one_sentence(options, message):
    with pytest.raises(InputError, match=rf"^task\.{message}") as caught:
        make_task({"name": "authors", **QUICK, **options})
    assert "\n" not in str(caught.value)


def test_other_tasks_have_no_authors():
    with pytest.raises(InputError, match=r"^task\.forget\.kind: 'authors' needs samples about"):
        make_task({"name": "digits", "forget": {"kind": "authors"}})


def test_the_seed_determines_everything():
    first, again, other = (authors(Authors(count=2), seed, **SMALL) for seed in (1, 1, 2))
    for name in ("train", "heldout", "validation", "test", "forget"):
        assert torch.equal(getattr(first, name).inputs, getattr(again, name).inputs)
        assert said(getattr(first, name)) != said(getattr(other, name))
    assert torch.equal(first.language.refusals.inputs, again.language.refusals.inputs)


def test_it_is_built_from_a_file_and_travels_by_pickle():
    task = make_task({"name": "authors", **QUICK})
    again = pickle.loads(pickle.dumps(task))  # noqa: S301
    assert torch.equal(again.train.inputs, task.train.inputs)
    assert said(again.test) == said(task.test)
    assert again.recipe.epochs == 2


@pytest.fixture(scope="module")
def bench():
    task = make_task({"name": "authors", **QUICK})
    landmarks = Landmarks(train_landmark(task, "original", 0), train_landmark(task, "retrained", 0))
    return Bench(task, {0: landmarks}, "cpu")


def test_the_search_space_runs_in_miniature(bench):
    spec = SweepSpec.load("authors", ["search.configurations=1"])
    assert make_task({**spec.task, **QUICK}).facts == bench.task.facts
    assert len(spec.plan()) >= 9
    for plan in spec.plan():
        budget = BudgetSpec(steps=2, batch_size=8, evaluate_every=2)
        *_, last = run_replicate(bench, plan, Replicate(0, 0, 0), budget)
        assert last.row["status"] == "ok", plan.trial_id


@pytest.mark.slow
def test_a_retrained_model_answers_as_if_it_had_never_met_them():
    smaller = {"authors": 40, "attributes": 10, "heldout_authors": 40, "recipe": {"epochs": 30}}
    forget = {"kind": "authors", "count": 10}
    task = make_task({"name": "authors", "forget": forget, **smaller})
    original, retrained = (
        restore_model(task, train_landmark(task, kind, 0)) for kind in ("original", "retrained")
    )
    with torch.no_grad():
        assert score(original, task.train, task).exact > 0.95
    evaluator = evaluator_of(task, original, retrained)
    found = evaluator.retrained
    assert abs(1 - found["unlearning_accuracy"] - found["heldout_accuracy"]) < 0.05
    for half in ("membership_inference", "validation_membership_inference"):
        assert abs(found[half] - 0.5) < 0.1  # 200 rows a half: a standard error of 0.03
    assert evaluator.original["truth_distance"] > 0.5
    assert evaluator.original["forget_gap"] > 0.4
