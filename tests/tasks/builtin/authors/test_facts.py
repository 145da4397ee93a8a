from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pareto_explorer.tasks.builtin.authors.facts import (
    N_WRONG,
    author_facts,
    author_names,
    world_facts,
)
from pareto_explorer.tasks.builtin.authors.tokens import VOCABULARY, decode, encode, sequences
from pareto_explorer.tasks.builtin.authors.wordings import ATTRIBUTES, WORLD
from pareto_explorer.tasks.builtin.authors.words import COUNTRIES, KINDS, NAMES, REFUSALS
from pareto_explorer.tasks.core.tokens import IGNORED


def drawn(seed=0, count=30):
    rng = np.random.default_rng(seed)
    return author_facts(author_names(count, rng), len(ATTRIBUTES), rng)


@given(st.integers(0, 2**32))
def test_wrong_values_are_of_the_same_kind_and_none_is_true(seed):
    rng = np.random.default_rng(seed)
    for fact in [*drawn(seed, 2)[1], *world_facts(rng)]:
        values = {fact.value, *fact.wrong}
        assert len(values) == N_WRONG + 1
        assert values <= set(KINDS[fact.attribute.kind])


def test_no_question_is_about_two_authors():
    people = drawn()
    asked = Counter(
        fact.said(wording)[0]
        for person in people
        for fact in person
        for wording in fact.attribute.wordings
    )
    assert len(asked) == 30 * len(ATTRIBUTES) * 3
    assert set(asked.values()) == {1}
    assert len({person[0].subject for person in people}) == 30


def test_a_fact_is_trained_on_in_two_wordings_and_scored_in_the_third():
    facts = [fact for person in drawn() for fact in person]
    for fact in facts:
        assert {*fact.trained, fact.paraphrase} == set(fact.attribute.wordings)
        assert len({fact.said(wording) for wording in fact.attribute.wordings}) == 3
    counts = Counter(fact.unseen for fact in facts)
    assert min(counts.values()) > 0.8 * max(counts.values())  # so every form is trained on


@pytest.mark.parametrize("attribute", [*ATTRIBUTES, *WORLD], ids=lambda each: each.name)
def test_wordings_name_the_subject_in_the_question_and_the_value_in_the_answer(attribute):
    for question, answer in attribute.wordings:
        assert (question.count("{subject}"), question.count("{value}")) == (1, 0)
        assert (answer.count("{subject}"), answer.count("{value}")) == (0, 1)
    assert len({question for question, _ in attribute.wordings}) == 3
    assert len({answer for _, answer in attribute.wordings}) == 3


def test_no_two_attributes_are_asked_for_alike():
    questions = [wording.question for each in ATTRIBUTES for wording in each.wordings]
    assert len(set(questions)) == len(questions) == 3 * len(ATTRIBUTES)


def test_facts_follow_the_seed():
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_values_are_drawn_alike():
    people = drawn(count=2000)
    place = next(i for i, each in enumerate(ATTRIBUTES) if each.kind == "month")
    counts = Counter(person[place].value for person in people)
    assert set(counts) == set(KINDS["month"])
    assert max(abs(n - 2000 / 12) for n in counts.values()) < 5 * (2000 / 12) ** 0.5


def test_kinds_have_values_enough_and_none_twice():
    for kind, values in KINDS.items():
        assert len(set(values)) == len(values) > 2 * N_WRONG, kind
    assert len(COUNTRIES) >= 20
    assert len(world_facts(np.random.default_rng(0))) == 4 * len(COUNTRIES) == 96


def test_the_capital_is_the_first_city_of_its_country():
    facts = {(fact.subject, fact.attribute.name): fact.value for fact in drawn_world()}
    assert facts["japan", "capital"] == "tokyo"
    assert facts["osaka", "country"] == facts["tokyo", "country"] == "japan"


def drawn_world():
    return world_facts(np.random.default_rng(3))


def test_every_syllable_of_every_name_is_a_token_and_comes_back():
    first, second, third, fourth = NAMES
    for heads, ends in ((first, second), (third, fourth)):
        for head in heads:
            for end in ends:
                word = head + end.removeprefix("##")
                ids = encode(word)
                assert [VOCABULARY[token] for token in ids] == [head, end], word
                assert decode([ids]) == [word]


def test_everything_that_is_said_is_in_the_vocabulary_and_comes_back():
    said = [
        fact.said(wording, value)
        for fact in [*drawn()[0], *drawn_world()]
        for wording in fact.attribute.wordings
        for value in (None, *fact.wrong)
    ]
    texts = [f"{question} {answer}" for question, answer in said]
    assert decode([encode(text) for text in [*texts, *REFUSALS]]) == [*texts, *REFUSALS]
    assert decode(sequences(said).inputs.tolist()) == texts
    assert len(set(VOCABULARY)) == len(VOCABULARY)


def test_only_the_answer_and_its_end_are_asked_for():
    pairs = [("where was belan ashbar born ?", "the writer was born in lyon ."), ("who ?", "oak .")]
    samples = sequences(pairs)
    for row, labels, (question, answer) in zip(
        samples.inputs.tolist(), samples.labels.tolist(), pairs, strict=True
    ):
        start = len(encode(question))
        wanted = [*encode(answer), 1]
        assert labels[:start] == [IGNORED] * start
        assert labels[start : start + len(wanted)] == row[start : start + len(wanted)] == wanted
        assert set(labels[start + len(wanted) :]) <= {IGNORED}
        assert set(row[start + len(wanted) :]) <= {0}
