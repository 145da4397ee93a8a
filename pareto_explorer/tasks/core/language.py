"""What is measured of a language model beside its sets: other answers, refusals, generations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.tokens import check_tokens

__all__ = ["Answers", "Generate", "Language", "Speech"]

Generate = Literal["never", "last", "every"]


class Answers(NamedTuple):
    """Answers to the same n questions: a right one each, and some wrong ones.

    Attributes:
        right: The right answers, n sequences; in the form that the wrong ones have.
        wrong: Sets of n sequences, each with one wrong answer to every question.
    """

    right: Samples
    wrong: tuple[Samples, ...]

    def to(self, device: torch.device | str) -> Answers:
        """Returns the answers on ``device``."""
        return Answers(self.right.to(device), tuple(wrong.to(device) for wrong in self.wrong))

    def take(self, index: Tensor) -> Answers:
        """Copies the answers to the questions at ``index`` (k,), in that order."""
        return Answers(self.right.take(index), tuple(wrong.take(index) for wrong in self.wrong))


@dataclass(frozen=True)
class Speech:
    """How a model is made to speak, and is understood.

    Attributes:
        decode: Turns the ids of each sequence into text. It travels by pickle.
        end: The id that ends an answer.
        most: How many tokens an answer may have.
        generate: When answers are generated: ``never``, at the ``last`` evaluation of a run, or at
            ``every`` one.
    """

    decode: Callable[[Sequence[Sequence[int]]], list[str]]
    end: int
    most: int
    generate: Generate = "never"

    def __post_init__(self) -> None:
        if self.generate not in get_args(Generate):
            raise unknown("generate", self.generate, get_args(Generate))


@dataclass(frozen=True, eq=False)
class Language:
    """What is measured of a language model beside the sets of its task; each part may be missing.

    Attributes:
        forget: Answers to the questions of the forget set, row for row.
        retain_sample: Positions in ``train`` of the retained samples that are measured, (m,), for
            retain sets that are too large to be measured whole; ``None``: all of them.
        retain: Answers to the questions of those samples, row for row.
        knowledge: Answers to questions about what is known from elsewhere, such as
            ``real_authors`` and ``world_facts``, by name.
        refusals: A refusal to answer each question of the forget set, row for row.
        compressed: Bytes of the answers' texts as zlib compresses them, one number per sample, of
            the sets ``forget`` and ``heldout``.
        speech: How answers are generated.
    """

    forget: Answers | None = None
    retain_sample: Tensor | None = None
    retain: Answers | None = None
    knowledge: Mapping[str, Answers] = field(default_factory=dict)
    refusals: Samples | None = None
    compressed: Mapping[str, Tensor] = field(default_factory=dict)
    speech: Speech | None = None

    def check(self, forget: int, vocabulary: int) -> None:
        """Refuses parts that do not fit a task.

        Args:
            forget: Samples of its forget set.
            vocabulary: Its number of tokens.

        Raises:
            InputError: Rows are missing, or ids are outside the vocabulary.
        """
        aligned = {"forget": self.forget, "retain": self.retain}
        rows = {"forget": forget, "refusals": forget}
        if self.retain_sample is not None:
            rows["retain"] = len(self.retain_sample)
        for name, samples in self.sets():
            check_tokens(f"language.{name}", samples.inputs, samples.labels, vocabulary)
            part = name.partition(".")[0]
            wanted = rows.get(part, len(samples))
            answers = aligned.get(part) or self.knowledge.get(part)
            if answers is not None and part not in rows:
                wanted = len(answers.right)
            if len(samples) != wanted:
                raise InputError(
                    f"language.{name}: {len(samples)} sequences do not match {wanted} questions;"
                    " give one each."
                )

    def to(self, device: torch.device | str) -> Language:
        """Returns the same with all tensors on ``device``."""
        return replace(
            self,
            forget=self.forget and self.forget.to(device),
            retain_sample=None if self.retain_sample is None else self.retain_sample.to(device),
            retain=self.retain and self.retain.to(device),
            knowledge={name: answers.to(device) for name, answers in self.knowledge.items()},
            refusals=None if self.refusals is None else self.refusals.to(device),
        )

    def of_rows(self, forget: Tensor, retain: Tensor, positions: Tensor) -> Language:
        """Leaves some questions only.

        Args:
            forget: Rows of the forget set, (f,).
            retain: Rows of the measured retained samples, (m,).
            positions: Where these stand in the training set that is left, (m,).
        """
        return replace(
            self,
            forget=self.forget and self.forget.take(forget),
            retain_sample=positions,
            retain=self.retain and self.retain.take(retain),
            refusals=None if self.refusals is None else self.refusals.take(forget),
            compressed={},
        )

    def sets(self) -> Iterator[tuple[str, Samples]]:
        """All sequences by the names of their parts, such as ``forget.wrong``."""
        named = {"forget": self.forget, "retain": self.retain, **self.knowledge}
        for name, answers in named.items():
            if answers is not None:
                yield f"{name}.right", answers.right
                yield from ((f"{name}.wrong", wrong) for wrong in answers.wrong)
        if self.refusals is not None:
            yield "refusals", self.refusals
