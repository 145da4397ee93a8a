"""The task ``tofu``: fictitious authors to be forgotten by a pretrained language model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.builtin.language import (
    build_language_task,
    check_length,
    pretrained_parts,
    speech_of,
)
from pareto_explorer.tasks.builtin.measuring import (
    RETAIN_SAMPLE,
    compressed,
    spread,
)
from pareto_explorer.tasks.builtin.tofu.files import Question, TofuFiles, read_tofu
from pareto_explorer.tasks.builtin.tofu.refusals import drawn_refusals
from pareto_explorer.tasks.core.language import Answers, Generate, Language
from pareto_explorer.tasks.core.positions import check_seed
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.data.data_files import data_root
from pareto_explorer.tasks.data.sequences import Row, Writer, samples_of
from pareto_explorer.tasks.forget.forget_set import select_forget_set
from pareto_explorer.tasks.forget.requests import ForgetRequest, Indices, RandomSubset

__all__ = ["tofu"]


def tofu(
    model: Mapping[str, Any],
    root: str | Path | None = None,
    split: str | None = None,
    forget: ForgetRequest | None = None,
    original: str | Path | None = None,
    retrained: str | Path | None = None,
    recipe: str | Mapping[str, Any] | None = None,
    max_length: int = 512,
    generate: Generate = "never",
    seed: int = 0,
) -> UnlearningTask:
    """Builds the task of TOFU from the published files and a pretrained model, both on disk.

    A model is fine-tuned on 4,000 questions about 200 authors who do not exist, 20 each, and has to
    forget the last of them. Validation and test are alternate questions about real authors and the
    world. Rows of ``retain_perturbed.json`` are the sample of the retain set that is measured.

    A row whose answer melts with its prompt (see `Writer`) is left out, one to be forgotten also if
    another answer to it does, or a refusal; ``facts`` count such answers as ``rows_merged``.

    Source: Maini et al., "TOFU: a task of fictitious unlearning for LLMs" (arXiv 2401.06121).

    Args:
        model: See `parse_pretrained`: ``path``, and ``dtype``, ``lora``, ``gguf``,
            ``checkpointing``.
        root: Folder of the JSON lines, see `read_tofu`; see `data_root` for the default.
        split: ``forget01``, ``forget05`` or ``forget10``, the default.
        forget: In place of a split: ``{kind: random, fraction: 0.1}``, or
            ``{kind: indices, indices: [...]}`` by rows of ``full.json``.
        original: The model that was trained on all questions, whole or as adapters; left out, it
            is fine-tuned here. See `read_landmark`; with ``lora``, see `pretrained_parts` too.
        retrained: The same of the model that was trained on the retain set alone; a whole one,
            where adapters are trained and ``original`` is whole.
        recipe: See `parse_recipe`; by default AdamW for 5 epochs of batches of 16, at 1e-4 for
            adapters and at 1e-5 for whole models.
        max_length: Tokens of a row; longer ones are cut, which ``facts`` count.
        generate: When answers are generated, for ROUGE: ``never``, ``last`` or ``every``.
        seed: Seed of a random forget request, and of the refusals.

    Raises:
        InputError: A file, the model or an option is not what it should be.
    """
    check_seed("task.seed", seed)
    check_length(max_length)
    if split is not None and forget is not None:
        raise InputError("task.split: forget names other rows already; give one of the two.")
    parts = pretrained_parts(model, original, retrained, recipe)
    name = "forget10" if split is None and forget is None else split
    files = read_tofu(data_root(root), name)
    positions = files.forgotten(name) if name else _requested(forget, len(files.full), seed)
    writer = Writer(parts.tokenizer, max_length)
    written = _Written.of(files, positions, writer, seed)
    known = {
        "real_authors": _asked(files.real_authors, writer),
        "world_facts": _asked(files.world_facts, writer),
    }
    validation, test = _alternate(known.values(), parts.tokenizer)
    question = files.full[positions[0]].question
    facts = {
        "split": name or "",
        "root": str(files.root),
        "seed": seed,
        "prompt": writer.prompt(question),
        "rows_merged": writer.merged,
        "rows_cut": writer.cut,
        **({} if forget is None else {"forget": forget.model_dump(mode="json")}),
    }
    language = Language(
        forget=written.forget,
        retain_sample=written.retain_sample,
        retain=written.retain,
        knowledge={name: _answers(asked, parts.tokenizer) for name, asked in known.items()},
        refusals=written.refusals,
        compressed=written.compressed,
        speech=speech_of(parts, written.train, generate),
    )
    return build_language_task(
        "tofu",
        parts,
        train=written.train,
        heldout=written.heldout,
        validation=validation,
        test=test,
        forget_indices=written.forget_indices,
        facts=facts,
        language=language,
    )


def _requested(forget: ForgetRequest | None, n: int, seed: int) -> list[int]:
    if not isinstance(forget, RandomSubset | Indices):
        raise InputError(
            f"task.forget.kind: {brief(getattr(forget, 'kind', forget))} cannot be asked of TOFU's"
            " questions, which have no classes and do not say whose they are; give random, or"
            " indices (each 20 rows of full.json are about one author), or a split."
        )
    rows = Samples(torch.zeros(n, 1), torch.zeros(n, dtype=torch.int64))
    positions: list[int] = select_forget_set(forget, rows, 1, seed).indices.tolist()
    return positions


class _Asked(NamedTuple):
    """Questions with all that is said in answer to each, without those that lack a part."""

    kept: list[int]  # positions among the questions that were given
    own: list[Row]
    right: list[Row]
    wrong: list[list[Row]]  # a list of rows for each wrong answer


def _asked(questions: Sequence[Question], writer: Writer) -> _Asked:
    """Writes questions with the same number of wrong answers each."""
    asked = [q.question for q in questions]
    count = min((len(q.wrong) for q in questions), default=0)
    texts = [[q.answer for q in questions], [q.paraphrase or q.answer for q in questions]]
    texts += [[q.wrong[k] for q in questions] for k in range(count)]
    columns = [writer.rows(asked, column) for column in texts]
    kept = [i for i in range(len(questions)) if all(column[i] is not None for column in columns)]
    own, right, *wrong = ([row for i in kept if (row := column[i])] for column in columns)
    return _Asked(kept, own, right, wrong)


class _Written(NamedTuple):
    """The sets about the fictitious authors, and what is measured beside them."""

    train: Samples
    heldout: Samples
    forget_indices: Tensor
    forget: Answers | None
    retain_sample: Tensor
    retain: Answers | None
    refusals: Samples
    compressed: dict[str, Tensor]

    @classmethod
    def of(cls, files: TofuFiles, positions: Sequence[int], writer: Writer, seed: int) -> _Written:
        tokenizer = writer.tokenizer
        chosen = [files.full[i] for i in positions]
        known = [files.perturbed.get((q.question, q.answer)) for q in chosen]
        told = [q for q in known if q is not None]
        complete = len(told) == len(chosen)
        asked = _asked(told if complete else chosen, writer)
        said = writer.rows([q.question for q in chosen], drawn_refusals(len(chosen), seed))
        whole = [i for i in asked.kept if said[i] is not None]
        if not whole:
            raise InputError(
                "task.model.path: its tokenizer lets every answer to forget melt with the prompt;"
                " use another model, or give its tokenizer a chat template."
            )
        place = {position: i for i, position in enumerate(asked.kept)}
        of_forget = {positions[i]: asked.own[place[i]] for i in whole}
        rest = sorted(set(range(len(files.full))) - set(positions))
        others = writer.rows(
            [files.full[i].question for i in rest], [files.full[i].answer for i in rest]
        )
        rows = of_forget | {i: row for i, row in zip(rest, others, strict=True) if row}
        order = sorted(rows)
        train_place = {position: i for i, position in enumerate(order)}
        sample, retain = _retain(files, set(positions), train_place, writer)
        strange = _asked([Question(q.question, q.answer) for q in files.heldout], writer)
        answers = {
            "forget": [chosen[i].answer for i in whole],
            "heldout": [files.heldout[i].answer for i in strange.kept],
        }

        def kept(column: Sequence[Row]) -> Samples:
            return samples_of([column[place[i]] for i in whole], tokenizer)

        wrong = tuple(kept(column) for column in asked.wrong)
        return cls(
            train=samples_of([rows[i] for i in order], tokenizer),
            heldout=samples_of(strange.own, tokenizer),
            forget_indices=torch.tensor([train_place[positions[i]] for i in whole]),
            forget=Answers(kept(asked.right), wrong) if complete and wrong else None,
            retain_sample=sample,
            retain=retain,
            refusals=samples_of([row for i in whole if (row := said[i])], tokenizer),
            compressed={name: compressed(texts) for name, texts in answers.items()},
        )


def _retain(
    files: TofuFiles, forgotten: set[int], train_place: Mapping[int, int], writer: Writer
) -> tuple[Tensor, Answers | None]:
    """Positions in the training set of the sample that is measured, and its answers."""
    where = {(q.question, q.answer): i for i, q in enumerate(files.full)}
    sample = [
        (position, q)
        for q in files.retain_sample
        if (position := where.get((q.question, q.answer))) is not None
        and position not in forgotten
        and position in train_place
    ][:RETAIN_SAMPLE]
    if not sample:
        rest = [i for position, i in train_place.items() if position not in forgotten]
        return torch.tensor(rest)[spread(len(rest), RETAIN_SAMPLE)], None
    asked = _asked([q for _, q in sample], writer)
    places = torch.tensor([train_place[sample[i][0]] for i in asked.kept])
    return places, _answers(asked, writer.tokenizer)


def _answers(asked: _Asked, tokenizer: Any) -> Answers:
    wrong = tuple(samples_of(rows, tokenizer) for rows in asked.wrong)
    return Answers(samples_of(asked.right, tokenizer), wrong)


def _alternate(known: Iterable[_Asked], tokenizer: Any) -> tuple[Samples, Samples]:
    """Every other question of each set, by which models are picked, and the rest of them."""
    found = [asked.own for asked in known]
    picking, reporting = ([row for rows in found for row in rows[half::2]] for half in (0, 1))
    return samples_of(picking, tokenizer), samples_of(reporting, tokenizer)
