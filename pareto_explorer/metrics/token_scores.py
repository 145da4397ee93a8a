"""What a causal model says of sequences, summed up row by row: no logits leave a batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pareto_explorer.metrics.evaluation import Diverged
from pareto_explorer.tasks import IGNORED, Samples, UnlearningTask
from pareto_explorer.tasks.core.tokens import asked
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["LOWEST", "Scores", "batch_rows", "score"]

LOWEST = 0.4
"""The share of a sequence's tokens that min-k and min-k++ average over, the least probable ones."""

_TOKENS = 2**13  # of a batch, padding included
_CPU_LOGITS = 2**24  # of a batch; a copy of them in float32 is 64 MiB
_LOGITS = 2**27  # of a batch elsewhere: 512 MiB a copy
_LEAST_LOG_P = -80.0  # less counts nothing in a mean under p, but denormal numbers are slow


class Scores(NamedTuple):
    """What a model says of n sequences, summed up over their labelled tokens.

    Attributes:
        nll: Sum of the negative log-likelihoods, (n,), in double precision as all others.
        tokens: How many tokens there are, (n,).
        right: How many of them are the most probable ones, (n,).
        inner: How many tokens there are but for the end of the answer, (n,).
        inner_right: How many of those are the most probable ones, (n,).
        tail: How many tokens at the end of the sequence are all the most probable ones, (n,).
        lowest: Mean log-probability of the least probable tokens, `LOWEST` of them, (n,).
        lowest_standard: The same of log-probabilities standardised over the vocabulary, (n,).
    """

    nll: Tensor
    tokens: Tensor
    right: Tensor
    inner: Tensor
    inner_right: Tensor
    tail: Tensor
    lowest: Tensor
    lowest_standard: Tensor

    def take(self, rows: slice | Tensor) -> Scores:
        """Returns the scores of some sequences: a slice, positions or a mask."""
        return Scores(*(values[rows] for values in self))

    @property
    def loss(self) -> Tensor:
        """Mean negative log-likelihood per token, (n,)."""
        return self.nll / self.tokens

    @property
    def probability(self) -> Tensor:
        """Geometric mean of the tokens' probabilities, (n,)."""
        return (-self.loss).exp()

    @property
    def exact(self) -> float:
        """The share of sequences of which every labelled token is the most probable one."""
        return (self.right == self.tokens).double().mean().item()


def score(model: nn.Module, samples: Samples, task: UnlearningTask, name: str = "given") -> Scores:
    """Passes sequences through a model, those of like length together.

    Args:
        model: In eval mode, on the samples' device.
        samples: Sequences, n of them.
        task: What the model is of.
        name: What the set is called, for messages.

    Returns:
        On the CPU.

    Raises:
        Diverged: The loss of a sequence is not finite.
        InputError: The model does not return the logits of the task, or changes its inputs.
    """
    end = task.language.speech.end if task.language and task.language.speech else None
    lengths = _lengths(samples)
    order = lengths.argsort(descending=True, stable=True)
    found = torch.zeros(len(Scores._fields), len(samples), dtype=torch.float64)
    start = 0
    while start < len(samples):
        index = order[start : start + batch_rows(task, int(lengths[order[start]]))]
        batch = samples.take(index).trimmed()
        found[:, index.cpu()] = _batch(logits_of(model, batch.inputs, task), batch.labels, end)
        start += len(index)
    scores = Scores(*found)
    if not bool(scores.nll.isfinite().all()):
        raise Diverged(f"The model's losses on the {name} set are not finite.")
    return scores


def batch_rows(task: UnlearningTask, length: int) -> int:
    """How many sequences of a length go through a model at once: by tokens, and by logits."""
    logits = _CPU_LOGITS if task.train.inputs.device.type == "cpu" else _LOGITS
    return max(1, min(_TOKENS, logits // task.n_classes) // length)


def _lengths(samples: Samples) -> Tensor:
    places = torch.arange(1, samples.labels.shape[1] + 1, device=samples.labels.device)
    return ((samples.labels != IGNORED) * places).amax(1)


def _batch(logits: Tensor, labels: Tensor, end: int | None) -> Tensor:
    """The fields of `Scores` of one batch, (8, B), on the CPU."""
    wanted = labels[:, 1:] != IGNORED
    of_tokens, targets, _ = asked(logits, labels)
    log_p = of_tokens.float().log_softmax(1)
    chosen = log_p.gather(1, targets[:, None]).squeeze(1)
    hit = log_p.argmax(1) == targets
    standard = _standardised(log_p, chosen)
    inner = torch.ones_like(hit) if end is None else targets != end

    def by_row(values: Tensor, rest: float) -> Tensor:
        table = torch.full(wanted.shape, rest, dtype=torch.float64, device=wanted.device)
        table[wanted] = values.double()
        return table

    tokens = wanted.sum(1)
    following = by_row(hit, 1.0).flip(1).cumprod(1).flip(1)
    return torch.stack(
        [
            -by_row(chosen, 0.0).sum(1),
            tokens,
            by_row(hit, 0.0).sum(1),
            by_row(inner, 0.0).sum(1),
            by_row(hit & inner, 0.0).sum(1),
            (following * wanted).sum(1),
            _mean_of_lowest(by_row(chosen, torch.inf), tokens),
            _mean_of_lowest(by_row(standard, torch.inf), tokens),
        ]
    ).cpu()


def _standardised(log_p: Tensor, chosen: Tensor) -> Tensor:
    """(log p - μ)/σ of the labels, (T,), μ and σ² being mean and variance of log p under p.

    As p nears certainty the ratio goes to 0. Uses up ``log_p``.
    """
    log_p.clamp_(min=_LEAST_LOG_P)
    p = log_p.exp()
    mean = torch.linalg.vecdot(p, log_p)
    variance = torch.linalg.vecdot(p, log_p.sub_(mean[:, None]).square_())
    tiny = torch.finfo(variance.dtype).tiny
    return (chosen - mean) / variance.clamp(min=tiny).sqrt()


def _mean_of_lowest(values: Tensor, tokens: Tensor) -> Tensor:
    """The mean of the lowest share of each row's values, at least of one; (B,)."""
    kept = (LOWEST * tokens.double()).floor().clamp(min=1)
    places = torch.arange(values.shape[1], device=values.device)
    ordered = values.sort(1).values
    return ordered.masked_fill(places >= kept[:, None], 0.0).sum(1) / kept
