"""From texts to sequences of token ids with a label for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.samples import Samples, padded
from pareto_explorer.tasks.core.tokens import IGNORED

__all__ = ["DATE", "Row", "Writer", "chunks", "samples_of"]

DATE = "10 Apr 2025"
"""What chat templates that print a date are told, so that a prompt is the same on every day."""


class Row(NamedTuple):
    """A sequence without padding.

    Attributes:
        ids: Its tokens.
        prompt: How many of them, at the beginning, nothing is asked about.
    """

    ids: tuple[int, ...]
    prompt: int


@dataclass
class Writer:
    """Writes questions with their answers as the chat template of a tokenizer has it.

    Tokens of the question are asked about nothing; those of the answer are, and so is the token
    that ends it. A tokenizer without a template writes ``Question: … Answer: …`` in two lines.

    Where the answer's first letters melt with the prompt's last ones into one token, no token tells
    where the answer begins, and there is no row.

    Args:
        tokenizer: Of ``transformers``.
        max_length: Tokens of a row; longer ones are cut.

    Attributes:
        merged: Answers without a row so far, for that reason.
        cut: Rows that were cut so far.
    """

    tokenizer: Any
    max_length: int
    merged: int = field(default=0, init=False)
    cut: int = field(default=0, init=False)

    def prompt(self, question: str) -> str:
        """The text before an answer."""
        if self.tokenizer.chat_template is None:
            return f"Question: {question}\nAnswer:"
        return self._chat(question)

    def rows(self, questions: Sequence[str], answers: Sequence[str]) -> list[Row | None]:
        """Writes an answer to each question; None where there is no row."""
        before = [self.prompt(question) for question in questions]
        if self.tokenizer.chat_template is None:
            whole = [f"{a} {b}" for a, b in zip(before, answers, strict=True)]
        else:
            whole = [self._chat(q, a) for q, a in zip(questions, answers, strict=True)]
        return [
            self._row(prompt, ids)
            for prompt, ids in zip(self._ids(before), self._ids(whole), strict=True)
        ]

    def _row(self, prompt: Sequence[int], ids: Sequence[int]) -> Row | None:
        end, n = self.tokenizer.eos_token_id, len(prompt)
        if list(ids[:n]) != list(prompt) or len(ids) == n:
            self.merged += 1
            return None
        answer = list(ids[n:])
        answer = answer[: answer.index(end)] if end in answer else answer
        found = [*prompt, *answer, end]
        if len(found) > self.max_length:
            self.cut += 1
            found = found[: self.max_length]
        if len(found) <= n:
            raise InputError(
                f"task.max_length: {self.max_length} leaves no room for an answer after a prompt"
                f" of {n} tokens; raise it."
            )
        return Row(tuple(found), n)

    def _chat(self, question: str, answer: str | None = None) -> str:
        turns = [{"role": "user", "content": question}]
        if answer is not None:
            turns.append({"role": "assistant", "content": answer})
        return str(
            self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=answer is None, date_string=DATE
            )
        )

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids; a chat template has written the special tokens already."""
        special = self.tokenizer.chat_template is None
        if not texts:
            return []
        found = self.tokenizer(list(texts), add_special_tokens=special)["input_ids"]
        end = self.tokenizer.eos_token_id  # which some tokenizers put behind every text
        return [ids[:-1] if special and ids and ids[-1] == end else ids for ids in found]


def chunks(documents: Sequence[str], tokenizer: Any, max_length: int) -> list[Row]:
    """Joins documents and cuts them into rows, of which all tokens but the first are asked about.

    Args:
        documents: In order; each ends with the token that ends a text.
        tokenizer: Of ``transformers``.
        max_length: Tokens of a row; a last one of a single token is left out.
    """
    found = tokenizer(list(documents), add_special_tokens=False, verbose=False)["input_ids"]
    ids = [token for document in found for token in (*document, tokenizer.eos_token_id)]
    pieces = [ids[start : start + max_length] for start in range(0, len(ids), max_length)]
    return [Row(tuple(piece), 1) for piece in pieces if len(piece) > 1]


def samples_of(rows: Sequence[Row], tokenizer: Any) -> Samples:
    """Rows as samples, padded on the right to the longest; of no row, no samples.

    Args:
        rows: n of them.
        tokenizer: The token that ends a text is the padding. No token before it sees it, and unlike
            padding tokens, which may have been added later, every model knows it.
    """
    if not rows:
        none = torch.empty(0, 2, dtype=torch.int64)
        return Samples(none, none)
    return padded(
        [torch.tensor(row.ids) for row in rows],
        [torch.tensor([IGNORED] * row.prompt + list(row.ids[row.prompt :])) for row in rows],
        tokenizer.eos_token_id,
    )
