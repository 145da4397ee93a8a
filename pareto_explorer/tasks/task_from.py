"""Tasks from a user's own data and model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.language import Language
from pareto_explorer.tasks.core.planted import Planted
from pareto_explorer.tasks.core.positions import check_seed, count, integers
from pareto_explorer.tasks.core.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.splits import stratified_split
from pareto_explorer.tasks.core.task import Augment, Loss, UnlearningTask
from pareto_explorer.tasks.data.samples import as_samples
from pareto_explorer.tasks.forget.adjacent_set import select_adjacent_set
from pareto_explorer.tasks.forget.forget_set import select_forget_set
from pareto_explorer.tasks.forget.planting import trained_samples
from pareto_explorer.tasks.forget.requests import (
    Confused,
    ForgetRequest,
    GaussianPoison,
    Indices,
    Mislabelled,
    Subclass,
    WholeClass,
    parse_forget,
)
from pareto_explorer.tasks.models.given import causal_model, check_trained, model_and_weights

__all__ = ["task_from"]


def task_from(
    name: str,
    *,
    train: Any,
    test: Any,
    forget: ForgetRequest | Mapping[str, Any] | str | Path | Tensor | Sequence[int],
    model: nn.Module | Callable[[], nn.Module],
    weights: str | Path | Mapping[str, Tensor] | None = None,
    heldout: Any = None,
    validation: Any = None,
    n_classes: int | None = None,
    recipe: Recipe | Mapping[str, Any] | str | None = None,
    loss: Loss = functional.cross_entropy,
    augment: Augment | None = None,
    adjacent: Tensor | Sequence[int] | None = None,
    language: Language | None = None,
    seed: int = 0,
) -> UnlearningTask:
    """Builds a task from whatever a user has: tensors, arrays, Datasets, a model, a checkpoint.

    Give the result to ``run_sweep(spec, out, task=...)``, or let a function of a module return it
    and name that in a search-space file: ``task: {name: "my_package.my_module:make_task"}``.

    Args:
        name: What reports call the task.
        train: Training data, as `Samples`, as a pair of inputs and labels (tensors or arrays), or
            as a map-style Dataset (see `samples_from`). A model gets the inputs as they are here,
            so what a transform does must be done, but for their types: floats become 32-bit ones
            and integers other than bytes int64, unless they come as `Samples`. Of a language
            model, sequences with a label per token: ids and labels of shape (n, L), or tokenised
            data with ``input_ids``, ``labels`` and ``attention_mask`` (see `sequences_from`).
        test: Test data in any of these forms.
        forget: What to forget: positions in ``train`` or a mask of it, the path of a file that
            lists positions, or a request such as ``{"kind": "class", "label": 3}``. As for the
            tasks of this package, forgetting a class drops it from validation and test data, and
            a class or a part of one has an adjacent set.
        model: A class or a function that builds an untrained model of logits (n, n_classes), or
            (n, L, n_classes) of sequences; or a model that is trained already. Of a trained one
            the weights are the original model and the architecture, with new weights, the
            untrained one (see `Fresh`). What returns an output with ``logits``, as causal models
            of ``transformers`` do, gives these.
        weights: Weights of the trained model: a checkpoint file (see `load_weights`) or a state
            dict. By default those of a trained model, or none, and then the sweep trains the
            original models itself.
        heldout: Labelled data that no model is trained on.
        validation: Data that picks models. Where it or ``heldout`` is left out, it is cut from
            the test data, which the model was not trained on either: a quarter each, with the
            same share of every class.
        n_classes: Number of classes; by default one more than the highest label, and of
            sequences, as many as the model gives logits for each token.
        recipe: How landmarks are trained: the original models, unless they are given, and always
            the retrained ones, so take the one that the given model was trained by.
        loss: What models are trained with; see `UnlearningTask`, as for ``augment``.
        augment: What training batches go through.
        adjacent: Positions in ``train`` of retained samples that are close to the forget set; by
            default what the request says.
        language: What else is measured of a language model: wrong answers, refusals and so on.
        seed: Seed of what is drawn here: a request's samples and the cut of the test data.

    Raises:
        InputError: When something does not fit together; the text names the argument.
    """
    check_seed("seed", seed)
    training = as_samples("train", train)
    make, original = model_and_weights(model, weights)
    if training.tokens:
        make, classes = causal_model(make, training)
    else:
        classes = _n_classes(training)
    if n_classes is not None:
        classes = count("n_classes", n_classes)
    wanted = _wanted(forget, training, classes, seed, trained=original is not None)
    sets, cut = _other_sets(test, heldout, validation, seed)
    if isinstance(wanted.request, WholeClass):
        label = training.labels[wanted.indices[0]]
        sets |= {k: sets[k].without(label) for k in ("validation", "test")}
    close = wanted.adjacent
    if adjacent is not None:
        close = _positions("adjacent", adjacent, len(training), "positions or a mask")
    facts = {"forget": wanted.facts, "seed": seed}
    if cut:
        facts["cut_from_test"] = cut
    if original is not None:
        facts["original"] = "given"
    with _naming_arguments(cut):
        task = UnlearningTask(
            name=name,
            train=wanted.train,
            heldout=sets["heldout"],
            validation=sets["validation"],
            test=sets["test"],
            forget_indices=wanted.indices,
            n_classes=classes,
            model=make,
            recipe=parse_recipe(recipe, Recipe()),
            facts=facts,
            adjacent_indices=close,
            augment=augment,
            loss=loss,
            original=original,
            planted=wanted.planted,
            language=language,
        )
    if original is not None:
        check_trained(task, original)
    return task


@contextmanager
def _naming_arguments(cut: Collection[str]) -> Iterator[None]:
    """Turns the fields of a task into what `task_from` was given for them.

    Args:
        cut: The sets that were cut from the test data.
    """
    try:
        yield
    except InputError as error:
        field, colon, text = str(error).partition(":")
        argument = field.removesuffix("_indices")
        if field in cut:
            argument = f"test, the part for the {field} set"
        raise InputError(f"{argument}{colon}{text}") from None


class _Wanted(NamedTuple):
    train: Samples
    indices: Tensor
    adjacent: Tensor | None
    request: ForgetRequest | None
    facts: dict[str, Any]
    planted: Planted | None = None


def _wanted(forget: Any, train: Samples, n_classes: int, seed: int, *, trained: bool) -> _Wanted:
    """What is to be forgotten, in whatever form it was asked for."""
    request: ForgetRequest | None = None
    if isinstance(forget, Mapping | BaseModel):
        request = parse_forget(forget)
    elif isinstance(forget, str | Path):
        request = Indices(indices=Path(forget))
    if request is None:
        wanted = (
            "positions, a mask, a file or a request such as {'kind': 'random', 'fraction': 0.1}"
        )
        indices = _positions("forget", forget, len(train), wanted)
        facts = {"kind": "indices", "samples": len(indices)}
        return _Wanted(train, indices, None, None, facts)
    if trained and isinstance(request, Mislabelled | Confused):
        raise InputError(
            f"forget.kind: '{request.kind}' would corrupt labels that the given model has learned;"
            " name the samples whose labels are wrong, or let the sweep train the original."
        )
    if trained and isinstance(request, GaussianPoison):
        raise InputError(
            "forget.kind: 'gaussian_poison' would add noise that the given model has not learned;"
            " let the sweep train the original."
        )
    tokens = not train.inputs.is_floating_point() and train.inputs.dtype != torch.uint8
    if tokens and isinstance(request, Subclass):
        raise InputError(
            "forget.kind: 'subclass' clusters the inputs, and these are token ids; name the"
            " positions of the samples."
        )
    chosen = select_forget_set(request, train, n_classes, seed)
    poisoned, planted = trained_samples(request, train, chosen, seed)
    # Distances between token ids mean nothing, so a class among them has no nearest one.
    unknown = tokens and isinstance(request, WholeClass) and request.adjacent is None
    adjacent = None if unknown else select_adjacent_set(request, train, chosen.indices)
    facts = request.model_dump(mode="json", exclude_none=True)
    return _Wanted(poisoned, chosen.indices, adjacent, request, facts, planted)


def _positions(name: str, given: Any, n: int, wanted: str) -> Tensor:
    try:
        values = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"{name}: a {type(given).__name__} names no samples; give {wanted}."
        ) from None
    if values.dtype == torch.bool:
        if values.shape != (n,):
            raise InputError(
                f"{name}: a mask of shape {tuple(values.shape)} does not fit {n} training samples."
            )
        return values.nonzero().squeeze(1)
    return integers(name, values if values.numel() else values.long())  # [] has a float's type


def _n_classes(train: Samples) -> int:
    if len(train) == 0:
        raise InputError("train: the set is empty; give at least one sample.")
    return int(train.labels.max()) + 1


def _other_sets(
    test: Any, heldout: Any, validation: Any, seed: int
) -> tuple[dict[str, Samples], list[str]]:
    """Held-out, validation and test data, and which of the first two were cut from the last."""
    given = {"heldout": heldout, "validation": validation}
    sets = {name: as_samples(name, data) for name, data in given.items() if data is not None}
    rest = as_samples("test", test)
    if len(rest) == 0:
        raise InputError("test: the set is empty; give at least one sample.")
    cut = [name for name in given if name not in sets]
    if cut:
        shares = [0.25] * len(cut)
        kinds = torch.zeros(len(rest)) if rest.tokens else rest.labels.cpu()
        parts = stratified_split(kinds, [*shares, 1 - sum(shares)], seed)
        sets |= {name: rest.take(part) for name, part in zip(cut, parts, strict=False)}
        rest = rest.take(parts[-1].sort().values)
    return sets | {"test": rest}, cut
