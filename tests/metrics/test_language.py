"""Every metric of a language model against all of its logits at once."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.metrics import (
    Diverged,
    evaluator_of,
    generation,
    lacking,
    require_measurable,
    token_scores,
)
from pareto_explorer.metrics.generation import generate
from pareto_explorer.metrics.token_functions import OWN, TO_ORIGINAL, TO_RETRAINED, halves, parts_of
from pareto_explorer.metrics.token_scores import Scores, score
from pareto_explorer.schema import METRICS, MetricEntry, as_measured
from pareto_explorer.tasks import Answers, Samples, UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED
from tests.tasks.answers import answering_task
from tests.tasks.sequences import END, PAD, VOCABULARY, SmallCausal, sequence_task, sequences
from tests.tasks.small import small_task

ON_TOKENS = {name: row for name in METRICS if (row := as_measured(name, tokens=True))}
SPOKEN = {name for name, row in ON_TOKENS.items() if "speech" in row.needs}


def nets(n: int = 3) -> list[nn.Module]:
    found = []
    for seed in range(n):
        torch.manual_seed(seed)
        found.append(SmallCausal().double().eval())
    return found


def measured(task: UnlearningTask) -> dict[str, float]:
    original, retrained, model = nets()
    return evaluator_of(task, original, retrained).evaluate(model, last=True).metrics


def direct(model: nn.Module, samples: Samples, end: int | None = None) -> dict[str, np.ndarray]:
    """The sums of each row, token by token, from its own logits."""
    rows = []
    for ids, labels in zip(samples.inputs, samples.labels, strict=True):
        log_p = model(ids[None])[0].detach().log_softmax(1)
        places = [place for place in range(1, len(ids)) if labels[place] != IGNORED]
        p_of = [log_p[place - 1, labels[place]].item() for place in places]
        hits = [int(log_p[place - 1].argmax()) == int(labels[place]) for place in places]
        inner = [h for h, place in zip(hits, places, strict=True) if labels[place] != end]
        standard = []
        for place, chosen in zip(places, p_of, strict=True):
            at = log_p[place - 1]
            mean = (at.exp() * at).sum()
            spread = ((at.exp() * at.square()).sum() - mean.square()).sqrt()
            standard.append(((chosen - mean) / spread).item())
        k = max(1, int(0.4 * len(places)))
        tail = next((i for i, hit in enumerate(reversed(hits)) if not hit), len(hits))
        rows.append(
            {
                "nll": -sum(p_of),
                "tokens": len(places),
                "right": sum(hits),
                "inner": len(inner),
                "inner_right": sum(inner),
                "tail": tail,
                "lowest": np.mean(sorted(p_of)[:k]),
                "lowest_standard": np.mean(sorted(standard)[:k]),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def equal(found: Scores, wanted: dict[str, np.ndarray]) -> None:
    assert set(wanted) == set(Scores._fields)
    for name, values in wanted.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("logits", [1, 300, 2**24])
def test_scores_are_those_of_all_logits_in_batches_of_any_size(logits, monkeypatch) -> None:
    monkeypatch.setattr(token_scores, "_CPU_LOGITS", logits)
    task, (model, *_) = answering_task(), nets()
    with torch.no_grad():
        equal(score(model, task.train, task), direct(model, task.train, END))


def test_without_a_known_end_every_token_counts() -> None:
    task, (model, *_) = sequence_task(), nets()
    found = score(model, task.train, task)
    assert torch.equal(found.inner, found.tokens)
    assert torch.equal(found.inner_right, found.right)


def test_padding_changes_nothing() -> None:
    task, (model, *_) = answering_task(), nets()
    rows = len(task.train)
    wide = Samples(
        torch.cat([task.train.inputs, torch.full((rows, 5), PAD)], 1),
        torch.cat([task.train.labels, torch.full((rows, 5), IGNORED)], 1),
    )
    for found, wanted in zip(score(model, wide, task), score(model, task.train, task), strict=True):
        assert torch.equal(found, wanted)


class Sure(nn.Module):
    """Says that a sequence goes on as the labels of a set do; a stranger's, it does not know."""

    def __init__(self, samples: Samples, wrong: dict[int, list[int]]) -> None:
        super().__init__()
        self.samples, self.wrong = samples, wrong
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, ids: Tensor) -> Tensor:
        logits = torch.zeros(*ids.shape, VOCABULARY) + self.weight
        for row, sequence in enumerate(ids):
            known = (self.samples.inputs[:, : len(sequence)] == sequence).all(1).nonzero()
            if len(known):
                for place in range(1, len(sequence)):
                    said = int(sequence[place])
                    missed = place in self.wrong.get(int(known[0]), [])
                    logits[row, place - 1, (said + missed) % VOCABULARY] += 50
        return logits


def test_closed_forms_of_a_model_that_knows_everything_but_some_tokens() -> None:
    task = answering_task()
    place = (task.forget.labels[0] != IGNORED).nonzero().squeeze(1)
    n, last = len(place), int(place[-1])
    evaluator = evaluator_of(task, Sure(task.train, {}), None)
    found = evaluator.original
    assert found["extraction_strength"] == found["token_memorisation"] == 1
    assert found["forget_probability"] == pytest.approx(1)
    assert (found["unlearning_accuracy"], found["membership_inference"]) == (0, 1)
    assert found["min_k_auc"] == found["zlib_auc"] == found["validation_membership_inference"] == 1
    without_last = evaluator(Sure(task.train, {0: [last]}))
    assert without_last["extraction_strength"] == pytest.approx(7 / 8)  # 0 of the first answer
    assert without_last["token_memorisation"] == 1  # its end is the last token
    assert without_last["unlearning_accuracy"] == 1 / 8
    without_first = evaluator(Sure(task.train, {0: [int(place[0])]}))
    assert without_first["extraction_strength"] == pytest.approx((7 + (n - 1) / n) / 8)
    assert without_first["token_memorisation"] == pytest.approx((7 + (n - 2) / (n - 1)) / 8)


def test_every_metric_follows_from_all_logits() -> None:
    task = answering_task("last")
    original, retrained, model = nets()
    evaluator = evaluator_of(task, original, retrained)
    found = evaluator.evaluate(model, last=True).metrics
    known = task.language
    assert known is not None

    def p_bar(samples: Samples, of: nn.Module = model) -> np.ndarray:
        rows = direct(of, samples, END)
        return np.exp(-rows["nll"] / rows["tokens"])

    def ratios(own, of: nn.Module = model) -> np.ndarray:
        wrong = np.exp(np.mean([np.log(p_bar(samples, of)) for samples in own.wrong], axis=0))
        return wrong / p_bar(own.right, of)

    def exact(samples: Samples, of: nn.Module = model) -> float:
        rows = direct(of, samples)
        return float((rows["right"] == rows["tokens"]).mean())

    def area(positive: np.ndarray, negative: np.ndarray) -> float:
        above = positive[:, None] > negative
        return float((above + 0.5 * (positive[:, None] == negative)).mean())

    retain = task.train.take(known.retain_sample)
    forget, odd = (
        direct(model, task.forget),
        direct(model, task.heldout.take(halves(8)[1])),
    )
    even = direct(model, task.heldout.take(halves(8)[0]))
    like, other = -forget["nll"] / forget["tokens"], -odd["nll"] / odd["tokens"]
    parts = [p_bar(retain).mean(), np.maximum(0, 1 - ratios(known.retain)).mean()]
    for own in known.knowledge.values():
        right = p_bar(own.right)
        parts.append((right / (right + sum(p_bar(samples) for samples in own.wrong))).mean())
        parts.append(np.maximum(0, 1 - ratios(own)).mean())
    test = ks_2samp(ratios(known.forget), ratios(known.forget, retrained))
    own = direct(retrained, task.forget)["lowest"]
    never = direct(retrained, task.heldout.take(halves(8)[1]))["lowest"]
    min_k, min_k_retrained = area(forget["lowest"], odd["lowest"]), area(own, never)
    wanted = {
        "unlearning_accuracy": 1 - exact(task.forget),
        "retain_accuracy": exact(retain),
        "test_accuracy": exact(task.test),
        "validation_accuracy": exact(task.validation),
        "heldout_accuracy": exact(task.heldout),
        "adjacent_accuracy": exact(task.train.take(torch.arange(10, 14))),
        "remote_accuracy": exact(task.train.take(torch.arange(14, 26))),
        "forget_probability": p_bar(task.forget).mean(),
        "retain_probability": p_bar(retain).mean(),
        "membership_inference": area(like, other),
        "validation_membership_inference": area(like, -even["nll"] / even["tokens"]),
        "min_k_auc": min_k,
        "min_k_plus_auc": area(forget["lowest_standard"], odd["lowest_standard"]),
        "zlib_auc": area(
            like / known.compressed["forget"].numpy(),
            other / known.compressed["heldout"].numpy()[halves(8)[1]],
        ),
        "privleak": 100 * ((1 - min_k) - (1 - min_k_retrained)) / (1 - min_k_retrained),
        "truth_ratio": np.minimum(ratios(known.forget), 1 / ratios(known.forget)).mean(),
        "truth_distance": test.statistic,
        "forget_quality": test.pvalue,
        "model_utility": len(parts) / sum(1 / np.array(parts)),
        "forget_accuracy_gap": abs(exact(task.forget) - exact(task.heldout, original)),
    }
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    margins = evaluator.evaluate(model).forget_margins
    p = p_bar(task.forget)
    np.testing.assert_allclose(margins, np.log(p / (1 - p)), rtol=1e-4)
    for name, row in ON_TOKENS.items():
        if row.over:
            apart = [abs(found[part] - evaluator.retrained[part]) for part in row.over]
            assert found[name] == pytest.approx(np.mean(apart))
    recalls = [
        found["rouge_retain"],
        *(_recall(model, own.right) for own in known.knowledge.values()),
    ]
    nine = [*parts, *recalls]
    published = len(nine) / sum(1 / np.array(nine)) if min(nine) else 0
    assert found["model_utility_rouge"] == pytest.approx(published, rel=1e-4)
    assert found["rouge_forget"] == pytest.approx(_recall(model, task.forget))
    assert found["rouge_retain"] == pytest.approx(_recall(model, retain))


def _greedy(model: nn.Module, prompt: Tensor, most: int) -> list[int]:
    said: list[int] = []
    while len(said) < most:
        token = int(
            model(torch.cat([prompt, torch.tensor(said, dtype=torch.long)])[None])[0, -1].argmax()
        )
        if token == END:
            break
        said.append(token)
    return said


def _recall(model: nn.Module, samples: Samples) -> float:
    """The mean share of the longest common subsequence in each right answer."""
    found = []
    for ids, labels in zip(samples.inputs, samples.labels, strict=True):
        start = int((labels != IGNORED).nonzero()[0])
        right = [int(t) for t in labels[start:] if t not in (IGNORED, END)]
        said = _greedy(model, ids[:start], 5)
        table = np.zeros((len(right) + 1, len(said) + 1), int)
        for i, a in enumerate(right):
            for j, b in enumerate(said):
                longer = max(table[i, j + 1], table[i + 1, j])
                table[i + 1, j + 1] = table[i, j] + 1 if a == b else longer
        found.append(table[-1, -1] / len(right))
    return float(np.mean(found))


@pytest.mark.parametrize("logits", [1, 2**24])
def test_generation_is_a_greedy_loop_for_prompts_of_any_length(logits, monkeypatch) -> None:
    monkeypatch.setattr(token_scores, "_CPU_LOGITS", logits)
    task, (model, *_) = answering_task(), nets()
    samples = sequences(12, 9)
    labels = samples.labels.clone()
    for row in range(12):  # prompts of two to four tokens
        labels[row, 2 : 2 + row % 3] = IGNORED
    with torch.no_grad():
        found = generate(model, Samples(samples.inputs, labels), task, task.language.speech)
        wanted = [_greedy(model, ids[: 2 + row % 3], 5) for row, ids in enumerate(samples.inputs)]
    assert found == wanted
    assert len({len(answer) for answer in found}) > 1


@pytest.mark.parametrize(
    ("generate_", "at"), [("never", []), ("last", [True]), ("every", [False, True])]
)
def test_answers_are_generated_when_they_are_asked_for(generate_, at) -> None:
    original, _, model = nets()
    evaluator = evaluator_of(answering_task(generate_), original, None)
    found = [
        last
        for last in (False, True)
        if evaluator.evaluate(model, last=last).metrics.keys() & SPOKEN
    ]
    assert found == at
    assert bool(evaluator.original.keys() & SPOKEN) == bool(at)


def test_without_rouge_generated_answers_are_refused_in_a_sentence(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    generation._rouge.cache_clear()
    require_measurable(answering_task("never"))
    for check in (require_measurable, lambda task: evaluator_of(task, nets()[0], None)):
        with pytest.raises(InputError, match=r"install pareto-explorer\[language\]"):
            check(answering_task("last"))
    generation._rouge.cache_clear()


def test_what_a_task_lacks_is_not_measured() -> None:
    bare, full = measured(sequence_task()), measured(answering_task("last"))
    expected = [name for name, row in ON_TOKENS.items() if row.least_seeds == 1]
    assert list(full) == expected
    assert list(bare) == [
        name
        for name in expected
        if not ON_TOKENS[name].needs_adjacent
        and not set(ON_TOKENS[name].needs) - parts_of(sequence_task())
    ]
    for name in ON_TOKENS:
        assert bool(lacking(name, sequence_task())) == bool(
            set(ON_TOKENS[name].needs) - parts_of(sequence_task())
        )
    single = sequence_task(heldout=sequences(1, 1))
    assert "min_k_auc" not in measured(single)
    assert "forget_gap" not in measured(single)
    none = measured(sequence_task(heldout=sequences(1, 1).take(torch.arange(0))))
    assert list(none) == list(measured(single))
    assert not np.isnan(list(none.values())).any()


def test_a_metric_of_the_other_kind_is_refused_in_words() -> None:
    assert lacking("js_divergence", sequence_task()) == "one label per sample"
    assert lacking("truth_ratio", small_task()) == "sequences with a label per token"
    assert lacking("truth_ratio", sequence_task()) == (
        "right and wrong answers to the questions of the forget set"
    )


def test_every_row_has_a_function_and_every_function_a_row() -> None:
    names = [*OWN, *TO_ORIGINAL, *TO_RETRAINED]
    assert len(names) == len(set(names))
    assert set(names) == {name for name, row in ON_TOKENS.items() if row.least_seeds == 1}
    assert set(TO_RETRAINED) == {
        name for name, row in ON_TOKENS.items() if row.needs_retrained and row.least_seeds == 1
    }


def test_models_are_picked_without_what_reports_on_them() -> None:
    task = answering_task("last")
    odd = halves(len(task.heldout))[1]
    inputs, labels = task.heldout.inputs.clone(), task.heldout.labels.clone()
    other = sequences(len(odd), 70)
    inputs[odd], labels[odd] = other.inputs, other.labels
    changed = replace(task, heldout=Samples(inputs, labels), test=sequences(6, 78))
    before, after = measured(task), measured(changed)
    moved = {name for name in before if before[name] != after[name]}
    assert moved <= {name for name in before if ON_TOKENS[name].reads_test} | {"heldout_accuracy"}
    assert {"membership_inference", "min_k_auc", "zlib_auc"} <= moved


def test_utility_is_picked_by_rows_that_do_not_report() -> None:
    task = answering_task("last")
    facts = task.language.knowledge
    changed = {
        name: Answers(odd_rows_as(own.right, 90), tuple(odd_rows_as(w, 91) for w in own.wrong))
        for name, own in facts.items()
    }
    before, after = (
        measured(replace(task, language=replace(task.language, knowledge=own)))
        for own in (facts, changed)
    )
    assert before["validation_model_utility"] == after["validation_model_utility"]
    assert before["model_utility"] != after["model_utility"]


def odd_rows_as(samples: Samples, seed: int) -> Samples:
    inputs, labels = samples.inputs.clone(), samples.labels.clone()
    other = sequences(len(samples), seed)
    inputs[1::2], labels[1::2] = other.inputs[1::2], other.labels[1::2]
    return Samples(inputs, labels)


def test_a_question_in_two_rows_is_one_draw_of_the_test() -> None:
    task = answering_task("last")
    answers = task.language.forget
    half = torch.arange(len(task.forget)) // 2 * 2
    twice = replace(task, language=replace(task.language, forget=answers.take(half)))
    original, retrained, model = nets()
    found = evaluator_of(twice, original, retrained)(model)
    once = [ratios_of(net, answers.take(half.unique())) for net in (model, retrained)]
    assert found["forget_quality"] == pytest.approx(ks_2samp(*once).pvalue)


def ratios_of(model: nn.Module, answers: Answers) -> np.ndarray:
    def p_bar(samples: Samples) -> np.ndarray:
        found = direct(model, samples)
        return np.exp(-found["nll"] / found["tokens"])

    wrong = np.mean([np.log(p_bar(samples)) for samples in answers.wrong], axis=0)
    return np.exp(wrong) / p_bar(answers.right)


def test_halves_share_no_row_and_do_not_alternate() -> None:
    choosing, reporting = halves(101)
    assert sorted([*choosing.tolist(), *reporting.tolist()]) == list(range(101))
    assert 10 < (reporting % 2).sum() < 41


def test_the_retrained_model_is_at_no_distance_from_itself() -> None:
    original, retrained, _ = nets()
    found = evaluator_of(answering_task(), original, retrained).retrained
    assert (found["truth_distance"], found["forget_quality"]) == (0, 1)
    assert found["privleak"] == found["forget_gap"] == found["retain_gap"] == 0


def test_a_model_is_left_as_it_was() -> None:
    task, (original, _, model) = answering_task("last"), nets()
    evaluator = evaluator_of(task, original, None)
    before, model = copy.deepcopy(model.state_dict()), model.train()
    evaluator.evaluate(model, last=True)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_model_is_told(value) -> None:
    task, (original, _, model) = answering_task(), nets()
    evaluator = evaluator_of(task, original, None)
    with torch.no_grad():
        model.head.weight[3] = value
    with pytest.raises(Diverged, match="on the retain set"):
        evaluator(model)


def test_a_token_that_is_ruled_out_leaves_min_k_finite() -> None:
    task, (_, _, model) = answering_task(), nets()
    used = torch.cat([task.train.labels.unique(), task.heldout.labels.unique()])
    with torch.no_grad():
        model.head.bias[PAD] = -torch.inf
    assert PAD not in used
    assert bool(score(model, task.train, task).lowest_standard.isfinite().all())


def test_a_metric_of_tokens_is_a_row_and_a_function(monkeypatch) -> None:
    row = MetricEntry(
        "surety", "none", "Surety", "how sure", "How sure it is.", "made up", tokens_only=True
    )
    monkeypatch.setitem(METRICS, row.name, row)
    monkeypatch.setitem(OWN, row.name, lambda of: of.scores["forget"].nll.mean().item())
    assert list(measured(sequence_task()))[-1] == "surety"
    original = SmallCausal()
    assert "surety" in evaluator_of(sequence_task(), original, None)(original)
    assert lacking("surety", small_task()) == "sequences with a label per token"
