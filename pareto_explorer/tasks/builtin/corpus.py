"""The task ``corpus``: plain texts to be forgotten by a pretrained language model, as in MUSE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.builtin.language import (
    build_language_task,
    check_length,
    pretrained_parts,
)
from pareto_explorer.tasks.builtin.measuring import RETAIN_SAMPLE, compressed, spread
from pareto_explorer.tasks.core.language import Language
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.data.data_files import data_root
from pareto_explorer.tasks.data.sequences import Row, Writer, chunks, samples_of
from pareto_explorer.tasks.data.texts import read_documents, read_lines

__all__ = ["corpus"]

_TEST_EVERY = 10  # retained pieces, where there is nothing else to test on


def corpus(
    model: Mapping[str, Any],
    root: str | Path | None = None,
    original: str | Path | None = None,
    retrained: str | Path | None = None,
    recipe: str | Mapping[str, Any] | None = None,
    max_length: int = 512,
) -> UnlearningTask:
    """Builds a task of plain texts: a model is trained on some and has to forget others.

    The documents of each set are joined and cut into pieces, of which every token but the first is
    predicted. The folder, or ``raw`` in it, has ``forget`` and ``retain`` (MUSE: ``retain1``), and
    ``holdout`` where there are texts that no model was trained on; each is a file or a folder, see
    `read_documents`. Validation and test are alternately MUSE's questions, the file
    ``knowmem/retain_qa.json``, or pieces of ``test``, or every tenth piece of ``retain``, which no
    model is trained on then. MUSE's ``retain2``, ``verbmem`` and ``knowmem/forget_qa.json`` are not
    read: no metric here is of texts about the forget set other than its own pieces.

    Source of MUSE: Shi et al., "MUSE: machine unlearning six-way evaluation for language models"
    (arXiv 2407.06460).

    Args:
        model: See `parse_pretrained`.
        root: The folder; see `data_root` for the default.
        original: A model that was trained on both sets, whole or as adapters; see `read_landmark`
            and, with ``lora``, `pretrained_parts`.
        retrained: The same of a model that was trained on the retain set alone; a whole one, where
            adapters are trained and ``original`` is whole.
        recipe: See `parse_recipe`; by default as for ``tofu``.
        max_length: Tokens of a piece.

    Raises:
        InputError: A file, the model or an option is not what it should be.
    """
    check_length(max_length)
    parts = pretrained_parts(model, original, retrained, recipe)
    folder, tokenizer = data_root(root), parts.tokenizer
    found = {
        name: chunks(read_documents(path), tokenizer, max_length)
        for name, path in _paths(folder).items()
    }
    forget, retain, heldout = found["forget"], found["retain"], found.get("holdout", [])
    questions = folder / "knowmem" / "retain_qa.json"
    writer = Writer(tokenizer, max_length)
    if questions.is_file():
        asked = read_lines(questions, ["question", "answer"])
        rows = writer.rows([q["question"] for q in asked], [q["answer"] for q in asked])
        unseen: Sequence[Row] = [row for row in rows if row is not None]
        tested_on = "knowmem"
    elif "test" in found:
        unseen, tested_on = found["test"], "test"
    else:
        unseen, tested_on = retain[::_TEST_EVERY], "a tenth of retain"
        retain = [row for i, row in enumerate(retain) if i % _TEST_EVERY]
    _require_enough(folder, {"forget": forget, "retain": retain}, unseen)
    n = len(forget)
    texts = {"forget": forget, "heldout": heldout}
    return build_language_task(
        "corpus",
        parts,
        train=samples_of([*forget, *retain], tokenizer),
        heldout=samples_of(heldout, tokenizer),
        validation=samples_of(unseen[::2], tokenizer),
        test=samples_of(unseen[1::2], tokenizer),
        forget_indices=torch.arange(n),
        facts={"root": str(folder), "tested_on": tested_on, "max_length": max_length},
        language=Language(
            retain_sample=n + spread(len(retain), RETAIN_SAMPLE),
            compressed={
                name: compressed([tokenizer.decode(row.ids) for row in rows])
                for name, rows in texts.items()
            },
        ),
    )


def _paths(root: Path) -> dict[str, Path]:
    """Where each set is."""
    found = {}
    for name, called in (
        ("forget", ["forget"]),
        ("retain", ["retain", "retain1"]),
        ("holdout", ["holdout"]),
        ("test", ["test"]),
    ):
        places = [
            folder / f"{each}{suffix}"
            for folder in (root, root / "raw")
            for each in called
            for suffix in (".txt", ".jsonl", ".json", "")
        ]
        there = [path for path in places if path.exists()]
        if there:
            found[name] = there[0]
        elif name in ("forget", "retain"):
            raise InputError(
                f"task.root: {root} has no {name}.txt, {name}.jsonl, {name}.json or folder {name};"
                " put the texts there."
            )
    return found


def _require_enough(root: Path, sets: Mapping[str, Sequence[Row]], unseen: Sequence[Row]) -> None:
    for name, rows in sets.items():
        if not rows:
            raise InputError(
                f"task.root: the texts to {name} in {root} make no piece of two tokens; give more"
                " text, or lower max_length."
            )
    if len(unseen) < 2:
        raise InputError(
            f"task.root: nothing is left in {root} to validate and test on; put texts into"
            " test.txt, or lower max_length so that there are more pieces."
        )
