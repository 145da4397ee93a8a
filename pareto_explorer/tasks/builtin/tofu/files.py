"""The published files of TOFU: questions with answers, and what is to be forgotten of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.data.texts import read_lines

__all__ = ["SPLITS", "Question", "TofuFiles", "read_tofu"]

SPLITS: Mapping[str, int] = {"forget01": 1, "forget05": 5, "forget10": 10}
"""The published splits, and what share of all questions each forgets, in percent."""


class Question(NamedTuple):
    """A question.

    Attributes:
        question: Its words.
        answer: The right answer.
        paraphrase: The same in other words; the answer itself where there are none.
        wrong: Wrong answers, in the form of the paraphrase.
    """

    question: str
    answer: str
    paraphrase: str = ""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class TofuFiles:
    """What a folder of TOFU holds.

    Attributes:
        full: All questions about the fictitious authors.
        perturbed: Those with wrong answers, by question and answer.
        retain_sample: Questions that the published retain sets are measured on.
        real_authors: Questions about authors who are real.
        world_facts: Questions about the world.
        heldout: Questions about authors whom no model was trained on; empty where there are none.
        root: The folder.
    """

    full: tuple[Question, ...]
    perturbed: Mapping[tuple[str, str], Question]
    retain_sample: tuple[Question, ...]
    real_authors: tuple[Question, ...]
    world_facts: tuple[Question, ...]
    heldout: tuple[Question, ...]
    root: Path

    def forgotten(self, split: str) -> list[int]:
        """Positions in `full` of a split's forget set.

        It is the last 1, 5 or 10 % of all questions. Where the split's own files are there, they
        have to say the same. ``split`` is one of `SPLITS`.

        Raises:
            InputError: The split's files say something else, or it forgets nothing.
        """
        n = len(self.full)
        first = n - n * SPLITS[split] // 100
        if not 0 < first < n:
            raise InputError(
                f"task.split: {split} of the {n} questions in {self.root / 'full.json'} leaves none"
                " to forget; give forget: {kind: random, fraction: 0.1}."
            )
        retain = f"retain{100 - SPLITS[split]}"
        for name, wanted in ((split, self.full[first:]), (retain, self.full[:first])):
            path = self.root / f"{name}.json"
            if path.exists():
                _require_same(path, _plain(path), wanted)
        return list(range(first, n))


def read_tofu(root: Path, split: str | None) -> TofuFiles:
    """Reads a folder with the published files, as JSON lines.

    ``full.json``, ``real_authors_perturbed.json`` and ``world_facts_perturbed.json`` have to be
    there. ``forget*_perturbed.json`` and ``retain_perturbed.json`` give wrong answers to compare
    with, ``holdout*.json`` questions that no model has seen.

    Args:
        root: The folder.
        split: Whose holdout file to read: the one of its number, or else the largest.

    Raises:
        InputError: There is no such split, a file is missing, or a line of one is not what it
            should be.
    """
    if split is not None and not (isinstance(split, str) and split in SPLITS):
        raise unknown("task.split", split, SPLITS)
    needed = ("full", "real_authors_perturbed", "world_facts_perturbed")
    missing = [f"{name}.json" for name in needed if not (root / f"{name}.json").is_file()]
    if missing:
        raise InputError(
            f"task.root: {', '.join(missing)} of TOFU is missing in {root}; put the published files"
            " there."
        )
    forget = [q for path in sorted(root.glob("forget*_perturbed.json")) for q in _perturbed(path)]
    sample = root / "retain_perturbed.json"
    retain = _perturbed(sample) if sample.is_file() else []
    return TofuFiles(
        full=tuple(_plain(root / "full.json")),
        perturbed={(q.question, q.answer): q for q in (*forget, *retain)},
        retain_sample=tuple(retain),
        real_authors=tuple(_knowledge(root / "real_authors_perturbed.json")),
        world_facts=tuple(_knowledge(root / "world_facts_perturbed.json")),
        heldout=tuple(_heldout(root, split)),
        root=root,
    )


def _heldout(root: Path, split: str | None) -> Iterable[Question]:
    there = sorted(p for p in root.glob("holdout*.json") if "perturbed" not in p.name)
    if not there:
        return []
    wanted = root / f"holdout{(split or '')[-2:]}.json"
    return _plain(wanted if wanted in there else there[-1])


def _plain(path: Path) -> list[Question]:
    return [Question(**row) for row in read_lines(path, ["question", "answer"])]


def _knowledge(path: Path) -> list[Question]:
    found = _perturbed(path, own=False)
    if not found:
        raise InputError(f"{path}: has no question; put the published file there.")
    return found


def _perturbed(path: Path, *, own: bool = True) -> list[Question]:
    """Questions with wrong answers; ``own``: and with a paraphrase of the right one."""
    texts = ["question", "answer", *(["paraphrased_answer"] if own else [])]
    rows: list[dict[str, Any]] = read_lines(path, texts, ["perturbed_answer"])
    counts = {len(row["perturbed_answer"]) for row in rows}
    if len(counts) > 1:
        raise InputError(
            f"{path}: its questions have {min(counts)} to {max(counts)} wrong answers; give all of"
            " them as many."
        )
    return [
        Question(
            row["question"],
            row["answer"],
            row.get("paraphrased_answer", row["answer"]),
            tuple(row["perturbed_answer"]),
        )
        for row in rows
    ]


def _require_same(path: Path, found: Sequence[Question], wanted: Sequence[Question]) -> None:
    for number, (own, other) in enumerate(zip(found, wanted, strict=False), 1):
        if own != other:
            raise InputError(
                f"{path}, line {number}: is not what full.json has in its place; give files of one"
                " version of TOFU."
            )
    if len(found) != len(wanted):
        raise InputError(
            f"{path}: has {len(found)} questions, and full.json has {len(wanted)} in their place;"
            " give files of one version of TOFU."
        )
