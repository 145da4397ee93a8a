"""What is unlearned: data, model, training recipe and the samples to forget."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.language import Language
from pareto_explorer.tasks.core.planted import Planted, check_planted, planted_on
from pareto_explorer.tasks.core.positions import check_adjacent, check_forget, count, integers
from pareto_explorer.tasks.core.recipes import Recipe
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.tokens import check_tokens, cross_entropy

__all__ = ["Augment", "LandmarkKind", "Loss", "Recipe", "Samples", "UnlearningTask"]

LandmarkKind = Literal["original", "retrained"]
#: Maps inputs (B, ...) and a source of draws to inputs of the same shape and type.
Augment = Callable[[Tensor, torch.Generator], Tensor]
#: Maps logits (B, C) and labels (B,), or (B, L, C) and (B, L) of sequences, to a scalar.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class UnlearningTask:
    """A trained model's data and the samples that it must forget.

    Build one directly from tensors, or let `make_task` build a registered one::

        UnlearningTask(
            name="mine", train=Samples(x, y), heldout=Samples(xh, yh),
            validation=Samples(xv, yv), test=Samples(xt, yt),
            forget_indices=torch.arange(50), n_classes=10, model=MyNetwork,
        )

    Attributes:
        name: What reports call the task.
        train: Training data with the labels that the original model was trained on
            (wrong ones where the task is to forget wrong labels).
        heldout: Labelled data that is never trained on; empirical reference distributions only. Of
            sequences it may be empty; nothing is measured against it then.
        validation: Data that picks models.
        test: Data that reports on them.
        forget_indices: Positions of the forget set in ``train``, shape (k,).
        n_classes: Number of classes, which is also the number of logits; of sequences, the size
            of the vocabulary.
        model: Zero-argument factory of an untrained model, ``(n, ...) -> (n, n_classes)``, or of
            a causal one, ``(n, L) -> (n, L, n_classes)``. A class, a module-level function or a
            partial of one, since tasks travel by pickle.
        recipe: How landmarks are trained.
        facts: JSON-able summary for reports. ``sizes`` (samples per set) and ``shared_inputs``
            (distinct inputs that occur in several sets: ``total``, and a count for each pair
            of sets that shares any) are always added.
        adjacent_indices: Positions in ``train`` of the retained samples that are semantically
            close to the forget set, shape (k,), for methods and metrics that treat them apart;
            ``None`` where the forget set has no such neighbourhood.
        augment: What training batches go through, in landmark training and in unlearning; never
            in evaluation. A module-level function, a partial of one, or an object of a
            module-level class.
        loss: What landmarks are trained with and what retaining means: maps logits (B, C) and
            labels (B,), or (B, L, C) and (B, L) of sequences, to a scalar, the batch mean; by
            default the cross-entropy, of sequences over their labelled tokens. It travels by
            pickle too.
        original: Weights of a model that is trained already. There is one training seed then,
            and the original is not trained.
        retrained: Weights of a model that was trained on the retain set alone; likewise.
        planted: What was put into the samples of the forget set so that its trace can be measured;
            ``train`` has it already.
        language: What else is measured of a language model; for sequences only.

    Raises:
        InputError: When the parts do not fit together.
    """

    name: str
    train: Samples
    heldout: Samples
    validation: Samples
    test: Samples
    forget_indices: Tensor
    n_classes: int
    model: Callable[[], nn.Module]
    recipe: Recipe = field(default_factory=Recipe)
    facts: Mapping[str, Any] = field(default_factory=dict)
    adjacent_indices: Tensor | None = None
    augment: Augment | None = None
    loss: Loss = functional.cross_entropy
    original: Mapping[str, Tensor] | None = None
    planted: Planted | None = None
    language: Language | None = None
    retrained: Mapping[str, Tensor] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_classes", count("n_classes", self.n_classes))
        if self.tokens and self.loss is functional.cross_entropy:
            object.__setattr__(self, "loss", cross_entropy)
        _check_callable("model", self.model)
        _check_callable("loss", self.loss)
        if self.augment is not None:
            _check_callable("augment", self.augment)
        index = integers("forget_indices", self.forget_indices)
        object.__setattr__(self, "forget_indices", index)
        check_forget(index, len(self.train))
        if self.adjacent_indices is not None:
            adjacent = integers("adjacent_indices", self.adjacent_indices)
            object.__setattr__(self, "adjacent_indices", adjacent)
            check_adjacent(adjacent, index, len(self.train))
        for name in ("train", "heldout", "validation", "test"):
            _check_samples(name, getattr(self, name), self.train, self.n_classes)
        if self.planted is not None:
            check_planted(self.planted, self.forget.inputs, self.n_classes)
        if self.language is not None:
            if not self.tokens:
                raise InputError(
                    "language: the labels are classes; give it with a label per token."
                )
            self.language.check(len(self.train), index, len(self.heldout), self.n_classes)
        facts = dict(self.facts)
        facts["sizes"] = {name: len(samples) for name, samples in self._sets().items()}
        if self.adjacent_indices is not None:
            n_adjacent = len(self.adjacent_indices)
            facts["sizes"] |= {
                "adjacent": n_adjacent,
                "remote": facts["sizes"]["retain"] - n_adjacent,
            }
        facts["shared_inputs"] = _shared_inputs(self._sets())
        object.__setattr__(self, "facts", facts)

    def __repr__(self) -> str:
        sizes = self.facts["sizes"]
        sets = ", ".join(f"{name} {size}" for name, size in sizes.items())
        kinds = "vocabulary" if self.tokens else "classes"
        return f"<UnlearningTask {self.name!r}: {sets}; {kinds} {self.n_classes}>"

    @property
    def tokens(self) -> bool:
        """Whether the samples are sequences with a label per token."""
        return self.train.tokens

    def logits_shape(self, inputs: Tensor) -> tuple[int, ...]:
        """The shape of the logits that the model has to give of some inputs."""
        return (*inputs.shape[: 2 if self.tokens else 1], self.n_classes)

    @property
    def given(self) -> dict[LandmarkKind, Mapping[str, Tensor]]:
        """The landmarks that are trained already, by kind."""
        both: dict[LandmarkKind, Mapping[str, Tensor] | None]
        both = {"original": self.original, "retrained": self.retrained}
        return {kind: state for kind, state in both.items() if state is not None}

    @property
    def forget(self) -> Samples:
        """The forget set D_f, copied from the training data."""
        return self.train.take(self.forget_indices)

    @property
    def retain_indices(self) -> Tensor:
        """Ascending positions of the retain set in ``train``."""
        return self._all_but(self.forget_indices)

    @property
    def retain(self) -> Samples:
        """The retain set D_r, copied from the training data in its order."""
        return self.train.take(self.retain_indices)

    @property
    def remote_indices(self) -> Tensor | None:
        """Ascending positions in ``train`` of the retained samples that are not adjacent."""
        if self.adjacent_indices is None:
            return None
        return self._all_but(self.forget_indices, self.adjacent_indices)

    @property
    def adjacent(self) -> Samples | None:
        """The adjacent part of the retain set, copied from the training data."""
        return None if self.adjacent_indices is None else self.train.take(self.adjacent_indices)

    @property
    def remote(self) -> Samples | None:
        """The rest of the retain set, where there is an adjacent part."""
        index = self.remote_indices
        return None if index is None else self.train.take(index)

    def to(self, device: torch.device | str) -> UnlearningTask:
        """Returns the task with all of its data on ``device``."""
        moved = copy.copy(self)  # the data are checked already
        for name in ("train", "heldout", "validation", "test", "forget_indices"):
            object.__setattr__(moved, name, getattr(self, name).to(device))
        if self.adjacent_indices is not None:
            object.__setattr__(moved, "adjacent_indices", self.adjacent_indices.to(device))
        object.__setattr__(moved, "planted", planted_on(self.planted, device))
        if self.language is not None:
            object.__setattr__(moved, "language", self.language.to(device))
        return moved

    def _all_but(self, *excluded: Tensor) -> Tensor:
        keep = torch.ones(len(self.train), dtype=torch.bool, device=self.forget_indices.device)
        for index in excluded:
            keep[index] = False
        return keep.nonzero().squeeze(1)

    def _sets(self) -> dict[str, Samples]:
        return {
            "retain": self.retain,
            "forget": self.forget,
            "heldout": self.heldout,
            "validation": self.validation,
            "test": self.test,
        }


def _check_callable(name: str, value: object) -> None:
    if not callable(value):
        raise InputError(f"{name}: {value!r} cannot be called; give a function or a class.")


def _check_samples(name: str, samples: Samples, train: Samples, n_classes: int) -> None:
    absent = len(samples) == 0
    if absent and not (name == "heldout" and train.tokens):
        raise InputError(f"{name}: the set is empty; give at least one sample.")
    if samples.tokens != train.tokens:
        few, many = ("a label", "one per token") if train.tokens else ("labels per token", "one")
        raise InputError(
            f"{name}: its samples have {few} each and the training samples {many}; give all sets"
            " labels of one kind."
        )
    if samples.tokens and not absent:
        check_tokens(name, samples.inputs, samples.labels, n_classes)
    if samples.tokens:
        return
    low, high = int(samples.labels.min()), int(samples.labels.max())
    if low < 0 or high >= n_classes:
        raise InputError(
            f"{name}: label {low if low < 0 else high} is outside the {n_classes} classes;"
            f" use 0 to {n_classes - 1}."
        )
    if samples.inputs.shape[1:] != train.inputs.shape[1:]:
        raise InputError(
            f"{name}: inputs of shape {tuple(samples.inputs.shape[1:])} differ from the training"
            f" inputs' {tuple(train.inputs.shape[1:])}."
        )
    if not bool(samples.inputs.isfinite().all()):
        raise InputError(f"{name}: some inputs are NaN or infinite; clean them first.")


def _shared_inputs(sets: Mapping[str, Samples]) -> dict[str, int]:
    """Counts distinct inputs that occur, bit by bit, in more than one set."""
    seen = {name: _digests(samples.inputs) for name, samples in sets.items()}
    pairs = {f"{a} and {b}": seen[a] & seen[b] for a, b in combinations(seen, 2)}
    counts = {pair: len(shared) for pair, shared in pairs.items() if shared}
    return {"total": len(set().union(*pairs.values())), **counts}


def _digests(inputs: Tensor) -> set[bytes]:
    if len(inputs) == 0:
        return set()
    rows = inputs.cpu().contiguous().view(torch.uint8).reshape(len(inputs), -1).numpy()
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows}
