"""What metrics of language models are computed with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pareto_explorer.metrics.token_scores import Scores

__all__ = [
    "AnswerScores",
    "KolmogorovSmirnov",
    "extraction_strength",
    "harmonic_mean",
    "kolmogorov_smirnov",
    "log_odds",
    "log_truth_ratios",
    "privleak",
    "share_of_right",
    "token_memorisation",
    "truthfulness",
]

_LEAST_P = 1e-12


class AnswerScores(NamedTuple):
    """What a model says of answers to the same n questions.

    Attributes:
        right: Of a right answer to each.
        wrong: Of sets of wrong answers, one to each question.
    """

    right: Scores
    wrong: Sequence[Scores]

    def take(self, rows: slice | Tensor) -> AnswerScores:
        """Returns the scores of some questions."""
        return AnswerScores(self.right.take(rows), [scores.take(rows) for scores in self.wrong])


def token_memorisation(scores: Scores) -> float:
    """Returns the mean share of an answer's tokens, its end excluded, that are the most probable.

    Answers of an end alone are left out; NaN where all are.
    Source: exact memorisation of Tirumala et al., "Memorization without overfitting" (NeurIPS
    2022).
    """
    some = scores.inner > 0
    return (scores.inner_right[some] / scores.inner[some]).mean().item()


def extraction_strength(scores: Scores) -> float:
    """Returns the mean of 1 - k/n, k being the least prefix after which all n - k tokens follow.

    1 where every token is the most probable one, 0 where the last one is not.
    Source: Carlini et al., "Extracting training data from large language models" (USENIX Security
    2021), as in OpenUnlearning, whose loop gives 1/n in place of 0.
    """
    return (scores.tail / scores.tokens).mean().item()


def log_truth_ratios(answers: AnswerScores) -> Tensor:
    """Returns log R, (n,): the wrong answers' probability over the right one's, as a logarithm.

    The probability of an answer is the geometric mean over its tokens, that of several wrong ones
    is the geometric mean over them.
    Source: Maini et al., "TOFU" (COLM 2024), truth ratio.
    """
    wrong = torch.stack([scores.loss for scores in answers.wrong]).mean(0)
    return answers.right.loss - wrong


def truthfulness(answers: AnswerScores) -> float:
    """Returns the mean of max(0, 1 - R) over the questions. Source: TOFU, model utility."""
    return (1 - log_truth_ratios(answers).clamp(max=0).exp()).mean().item()


def share_of_right(answers: AnswerScores) -> float:
    """Returns the mean of p/(p + Σ p'), p being a right answer's probability and p' wrong ones'.

    Source: TOFU, probability of real authors and world facts.
    """
    losses = torch.stack([answers.right.loss, *(scores.loss for scores in answers.wrong)])
    return (-losses).softmax(0)[0].mean().item()


class KolmogorovSmirnov(NamedTuple):
    """A two-sample test.

    Attributes:
        distance: The largest difference of the distribution functions, 0 to 1.
        p: The probability of one as large or larger where the distributions are equal; exact for
            up to 10,000 values.
    """

    distance: float
    p: float


def kolmogorov_smirnov(values: Tensor, other: Tensor) -> KolmogorovSmirnov:
    """Tests whether two samples, (n,) and (m,), are of one distribution."""
    from scipy.stats import ks_2samp  # 0.4 s to import, and few tasks need it

    found = ks_2samp(values.numpy(), other.numpy())
    return KolmogorovSmirnov(float(found.statistic), float(found.pvalue))


def harmonic_mean(values: Iterable[float]) -> float:
    """Returns the harmonic mean of numbers from 0 to 1; 0 if one of them is."""
    numbers = np.array([*values])
    return float(len(numbers) / (1 / numbers).sum()) if (numbers > 0).all() else 0.0


def privleak(auc: float, retrained: float) -> float:
    """Returns by how many percent min-k tells less than after retraining; NaN if that tells all.

    Source: Shi et al., "MUSE" (ICLR 2025), privacy leakage.

    Args:
        auc: The model's min-k AUC, 1 where the forget set looks trained on.
        retrained: The retrained model's.
    """
    return 100 * (retrained - auc) / (1 - retrained) if retrained != 1 else float("nan")


def log_odds(probability: Tensor) -> NDArray[np.float64]:
    """Returns log p/(1 - p), (n,), finite for every p."""
    p = probability.double().clamp(_LEAST_P, 1 - _LEAST_P)
    return np.asarray((p.log() - torch.log1p(-p)).numpy())
