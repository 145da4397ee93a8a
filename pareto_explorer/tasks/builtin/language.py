"""What tasks of pretrained language models have in common: model, tokenizer, landmarks, recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief
from pareto_explorer.tasks.core.language import Generate, Language, Speech
from pareto_explorer.tasks.core.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED
from pareto_explorer.tasks.models.causal import causal_factory
from pareto_explorer.tasks.models.language_landmarks import (
    holds_adapters,
    landmark_path,
    read_landmark,
)
from pareto_explorer.tasks.models.pretrained import (
    Pretrained,
    configuration,
    load_tokenizer,
    on_weights,
    parse_pretrained,
)

__all__ = [
    "PretrainedParts",
    "build_language_task",
    "check_length",
    "pretrained_parts",
    "speech_of",
]

_ADAPTERS = Recipe(epochs=5, batch_size=16, lr=1e-4, weight_decay=0.01, optimizer="adamw")
_WHOLE = Recipe(epochs=5, batch_size=16, lr=1e-5, weight_decay=0.01, optimizer="adamw")


class PretrainedParts(NamedTuple):
    """A pretrained model and what belongs to it.

    Attributes:
        model: Where it is.
        tokenizer: Of ``transformers``.
        recipe: How landmarks are fine-tuned.
        original: The weights of the original, where they are given.
        retrained: Those of the retrained model.
    """

    model: Pretrained
    tokenizer: Any
    recipe: Recipe
    original: dict[str, Tensor] | None
    retrained: dict[str, Tensor] | None


def pretrained_parts(
    model: Any,
    original: str | Path | None,
    retrained: str | Path | None,
    recipe: str | Mapping[str, Any] | None,
) -> PretrainedParts:
    """Reads the options that such tasks share.

    Each landmark is adapters or a whole model. With ``lora``, a whole ``original`` is what all
    adapters of the task stand on, in place of the weights in ``path``, whose configuration and
    tokenizer remain: it is where unlearning starts, with adapters that add nothing yet. What
    retrained adapters would stand on has then seen the forget set, so ``retrained`` has to be a
    whole model too. That one is measured as it is, beside the frozen one.

    Raises:
        InputError: One of them is not what it should be, or packages are missing.
    """
    found = parse_pretrained(model)
    paths = {
        kind: landmark_path(path, f"task.{kind}")
        for kind, path in (("original", original), ("retrained", retrained))
        if path is not None
    }
    given = {kind: read_landmark(found, path, f"task.{kind}") for kind, path in paths.items()}
    whole = [kind for kind, state in given.items() if not holds_adapters(state)]
    if found.lora is not None and "original" in whole:
        if "retrained" not in whole:
            raise InputError(
                "task.retrained: adapters would stand on task.original, a whole model that has seen"
                " what is to be forgotten; give a whole model here too."
            )
        found = on_weights(found, paths["original"])
        given["original"] = _first_adapters(found)
    return PretrainedParts(
        found,
        load_tokenizer(found),
        parse_recipe(recipe, _WHOLE if found.lora is None else _ADAPTERS),
        given.get("original"),
        given.get("retrained"),
    )


def _first_adapters(model: Pretrained) -> dict[str, Tensor]:
    """Adapters that add nothing, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return causal_factory(model)().state_dict()


@dataclass(frozen=True)
class Decoder:
    """Turns token ids into text; the tokenizer is read where it is needed.

    Attributes:
        model: Whose tokenizer.
    """

    model: Pretrained

    def __call__(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Decodes sequences, without special tokens."""
        tokenizer = load_tokenizer(self.model)
        return [tokenizer.decode(list(each), skip_special_tokens=True) for each in ids]


def speech_of(parts: PretrainedParts, train: Samples, generate: Generate) -> Speech:
    """How the model speaks: to the end of an answer, or to the length of the longest one."""
    longest = int((train.labels != IGNORED).sum(1).max())
    return Speech(Decoder(parts.model), parts.tokenizer.eos_token_id, longest + 2, generate)


def build_language_task(
    name: str,
    parts: PretrainedParts,
    *,
    train: Samples,
    heldout: Samples,
    validation: Samples,
    test: Samples,
    forget_indices: Tensor,
    facts: Mapping[str, Any],
    language: Language,
) -> UnlearningTask:
    """Puts the sets and the model together."""
    model, lora = parts.model, parts.model.lora
    own = {
        "model": Path(model.path).name,
        "dtype": model.dtype,
        **({} if lora is None else {"lora_rank": lora.rank, "lora_alpha": lora.alpha}),
        **({"frozen": Path(model.weights).name} if model.weights else {}),
    }
    return UnlearningTask(
        name=name,
        train=train,
        heldout=heldout,
        validation=validation,
        test=test,
        forget_indices=forget_indices,
        n_classes=configuration(model).get_text_config().vocab_size,
        model=causal_factory(model),
        recipe=parts.recipe,
        facts={**own, **facts},
        original=parts.original,
        retrained=parts.retrained,
        language=language,
    )


def check_length(max_length: object) -> None:
    """Refuses a length that no row can have."""
    if type(max_length) is not int or not 2 <= max_length <= 2**20:
        raise InputError(
            f"task.max_length: {brief(max_length)} must be a whole number of tokens, 2 or more."
        )
