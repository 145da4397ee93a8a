"""The published files of TOFU through the loader: counts, splits, wrong answers, rows of tokens.

Prints what a folder holds, and ends with 1 where that is not as published. With a model, a folder
of ``transformers`` or a GGUF file in a folder, its tokenizer writes the rows of the task::

    python benchmarks/tofu_files.py /data/TOFU
    python benchmarks/tofu_files.py /data/TOFU --model /models/SmolLM2 --gguf SmolLM2-135M.gguf
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import make_task
from pareto_explorer.tasks.builtin.tofu.files import SPLITS, Question, TofuFiles, read_tofu
from pareto_explorer.tasks.core.tokens import IGNORED

QUESTIONS = 4000  # 200 authors with 20 each


class Line(NamedTuple):
    """Something that was counted, and what it should be; None where nothing is published."""

    what: str
    found: object
    published: object = None


def wrong_answers(questions: Sequence[Question]) -> str:
    """How many wrong answers each of some questions has."""
    return " or ".join(map(str, sorted({len(q.wrong) for q in questions}))) or "none"


def of_files(files: TofuFiles) -> Iterator[Line]:
    """What the folder holds."""
    yield Line("questions", len(files.full), QUESTIONS)
    for split, percent in SPLITS.items():
        rows = files.forgotten(split)  # compares the split's own files, where they are there
        n = QUESTIONS * percent // 100
        yield Line(f"{split}: rows of full.json", (rows[0], rows[-1]), (QUESTIONS - n, 3999))
        told = [files.perturbed.get((files.full[i].question, files.full[i].answer)) for i in rows]
        known = [q for q in told if q is not None]
        if (files.root / f"{split}_perturbed.json").is_file():
            yield Line(f"{split}: with wrong answers", len(known), n)
            yield Line(f"{split}: wrong answers each", wrong_answers(known), "5")
    where = {(q.question, q.answer): i for i, q in enumerate(files.full)}
    measured = [where.get((q.question, q.answer), QUESTIONS) for q in files.retain_sample]
    if measured:
        yield Line("retain sample", len(measured), 400)
        yield Line("retain sample: rows outside retain90", sum(i >= 3600 for i in measured), 0)
        yield Line("retain sample: wrong answers each", wrong_answers(files.retain_sample), "5")
    for name, questions, n in (
        ("real authors", files.real_authors, 100),
        ("world facts", files.world_facts, 117),
    ):
        yield Line(name, len(questions), n)
        yield Line(f"{name}: wrong answers each", wrong_answers(questions), "3")
    yield Line("never seen (holdout)", len(files.heldout))


def of_task(root: Path, model: Path, gguf: str | None) -> Iterator[Line]:
    """What the tokenizer of a model makes of it."""
    task = make_task(
        {"name": "tofu", "root": str(root), "model": {"path": str(model), "gguf": gguf}}
    )
    labelled = (task.train.labels != IGNORED).sum(1)
    prompt = (task.train.labels != IGNORED).int().argmax(1)
    yield Line("rows that melt with their prompt", task.facts["rows_merged"])
    yield Line("rows that are cut", task.facts["rows_cut"])
    yield Line("sizes", task.facts["sizes"])
    yield Line("tokens of a row at most", task.train.inputs.shape[1])
    yield Line("labelled tokens of a row, mean", round(float(labelled.float().mean()), 1))
    yield Line("tokens of a row, mean", round(float((labelled + prompt).float().mean()), 1))
    yield Line("the first prompt to forget", repr(task.facts["prompt"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, help="a folder with a tokenizer")
    parser.add_argument("--gguf", help="the GGUF file in it")
    given = parser.parse_args()
    try:
        lines = list(of_files(read_tofu(given.folder.absolute(), None)))
        if given.model is not None:
            lines += of_task(given.folder, given.model, given.gguf)
    except InputError as error:
        print(error)
        return 1
    other = [line for line in lines if line.published not in (None, line.found)]
    for line in lines:
        told = f"   published: {line.published}" if line in other else ""
        print(f"{line.what:<48}{line.found}{told}")
    print("not as published" if other else "as published")
    return int(bool(other))


if __name__ == "__main__":
    sys.exit(main())
