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

    def check(self, train: int, forget: Tensor, heldout: int, vocabulary: int) -> None:
        """Refuses parts that do not fit a task.

        Args:
            train: Samples of its training set.
            forget: Positions of the forget set among them, (f,).
            heldout: Samples of its held-out set.
            vocabulary: Its number of tokens.

        Raises:
            InputError: Rows are missing, positions are not those of retained samples, or sequences
                ask for nothing or for tokens outside the vocabulary.
        """
        if self.retain_sample is not None:
            _check_sample(self.retain_sample, forget, train)
        if taken := {"forget", "retain", "refusals"} & self.knowledge.keys():
            raise InputError(
                f"language.knowledge: {min(taken)!r} names another part; give it another"
                " name, such as world_facts."
            )
        measured = self.retain_sample
        rows = {
            "forget": len(forget),
            "refusals": len(forget),
            "retain": train - len(forget) if measured is None else len(measured),
            **{name: len(answers.right) for name, answers in self.knowledge.items()},
        }
        for name, samples in self.sets():
            if not samples.tokens or len(samples) == 0:
                raise InputError(
                    f"language.{name}: it has no sequences with a label per token; give some, or"
                    " leave it out."
                )
            check_tokens(f"language.{name}", samples.inputs, samples.labels, vocabulary)
            _check_rows(name, len(samples), rows[name.partition(".")[0]])
        for name, sizes in self.compressed.items():
            if name not in ("forget", "heldout"):
                raise unknown("language.compressed: set", name, ("forget", "heldout"))
            wanted = len(forget) if name == "forget" else heldout
            _check_rows(f"compressed.{name}", len(sizes), wanted)

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
            retain: Rows of the measured retained samples, (m,); where none are left, all retained
                samples that are left are measured, without answers.
            positions: Where these stand in the training set that is left, (m,).
        """
        left = len(retain) > 0
        return replace(
            self,
            forget=self.forget and self.forget.take(forget),
            retain_sample=positions if left else None,
            retain=self.retain.take(retain) if self.retain and left else None,
            refusals=None if self.refusals is None else self.refusals.take(forget),
            compressed={},
        )

    def settings(self) -> str:
        """What is measured beside the sequences themselves, in words that are the same anywhere."""
        speech = self.speech
        return repr(
            (
                None if self.retain_sample is None else self.retain_sample.tolist(),
                {name: sizes.tolist() for name, sizes in sorted(self.compressed.items())},
                speech and (speech.end, speech.most, speech.generate),
            )
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


def _check_rows(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise InputError(
            f"language.{name}: {found} rows do not match {wanted} questions; give one each."
        )


def _check_sample(sample: Tensor, forget: Tensor, train: int) -> None:
    retained = torch.ones(train, dtype=torch.bool)
    retained[forget.cpu()] = False
    positions = sample.tolist()
    outside = [place for place in positions if not 0 <= place < train or not retained[place]]
    if outside or not positions or len(set(positions)) < len(positions):
        what = (
            f"{outside[0]} is no retained sample" if outside else "it is empty or names one twice"
        )
        raise InputError(
            f"language.retain_sample: {what}; give different positions of retained training"
            " samples."
        )
