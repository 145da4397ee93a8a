"""Tasks from a user's own data and model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.adjacent_sets import select_adjacent_set
from pareto_explorer.tasks.collecting import as_samples
from pareto_explorer.tasks.forget_requests import (
    ForgetRequest,
    Indices,
    Mislabelled,
    Subclass,
    WholeClass,
    parse_forget,
)
from pareto_explorer.tasks.forget_sets import select_forget_set
from pareto_explorer.tasks.fresh import Fresh
from pareto_explorer.tasks.recipes import Recipe, parse_recipe
from pareto_explorer.tasks.splits import stratified_split
from pareto_explorer.tasks.task import Augment, Loss, Samples, UnlearningTask
from pareto_explorer.tasks.weights import load_weights

__all__ = ["task_from"]

_JUDGED = 1024  # training samples that trained weights are tried on


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
    seed: int = 0,
) -> UnlearningTask:
    """Builds a task from whatever a user has: tensors, arrays, Datasets, a model, a checkpoint.

    Give the result to ``run_sweep(spec, out, task=...)``, or let a function of a module return it
    and name that in a search-space file: ``task: {name: "my_package.my_module:make_task"}``.

    Args:
        name: What reports call the task.
        train: Training data, as `Samples`, as a pair of inputs and labels (tensors or arrays), or
            as a map-style Dataset (see `samples_from`). A model gets the inputs as they are here:
            what a transform does must be done.
        test: Test data in any of these forms.
        forget: What to forget: positions in ``train`` or a mask of it, the path of a file that
            lists positions, or a request such as ``{"kind": "class", "label": 3}``. As for the
            tasks of this package, forgetting a class drops it from validation and test data, and
            a class or a part of one has an adjacent set.
        model: A class or a function that builds an untrained model of logits (n, n_classes); or a
            model that is trained already. Of a trained one the weights are the original model and
            the architecture, with new weights, the untrained one (see `Fresh`).
        weights: Weights of the trained model: a checkpoint file (see `load_weights`) or a state
            dict. By default those of a trained model, or none, and then the sweep trains the
            original models itself.
        heldout: Labelled data that no model is trained on.
        validation: Data that picks models. Where it or ``heldout`` is left out, it is cut from
            the test data, which the model was not trained on either: a quarter each, with the
            same share of every class.
        n_classes: Number of classes; by default one more than the highest label.
        recipe: How landmarks are trained: the original models, unless they are given, and always
            the retrained ones, so take the one that the given model was trained by.
        loss: What models are trained with; see `UnlearningTask`, as for ``augment``.
        augment: What training batches go through.
        adjacent: Positions in ``train`` of retained samples that are close to the forget set; by
            default what the request says.
        seed: Seed of what is drawn here: a request's samples and the cut of the test data.

    Raises:
        InputError: When something does not fit together; the text names the argument.
    """
    if type(seed) is not int or seed < 0:
        raise InputError(f"seed: {seed!r} is no seed; give an integer of 0 or more.")
    training = as_samples("train", train)
    classes = _n_classes(training) if n_classes is None else n_classes
    make, original = _model(model, weights)
    wanted = _wanted(forget, training, classes, seed, trained=original is not None)
    sets, cut = _other_sets(test, heldout, validation, seed)
    if isinstance(wanted.request, WholeClass):
        label = training.labels[wanted.indices[0]]
        sets |= {k: _without(sets[k], label) for k in ("validation", "test")}
    facts = {"forget": wanted.facts, "seed": seed}
    if cut:
        facts["cut_from_test"] = cut
    if original is not None:
        facts["original"] = "given"
    task = UnlearningTask(
        name=name,
        train=Samples(training.inputs, wanted.labels),
        **sets,
        forget_indices=wanted.indices,
        n_classes=classes,
        model=make,
        recipe=parse_recipe(recipe, Recipe()),
        facts=facts,
        adjacent_indices=wanted.adjacent if adjacent is None else torch.as_tensor(adjacent),
        augment=augment,
        loss=loss,
        original=original,
    )
    if original is not None:
        _check_trained(task, original)
    return task


class _Wanted(NamedTuple):
    labels: Tensor
    indices: Tensor
    adjacent: Tensor | None
    request: ForgetRequest | None
    facts: dict[str, Any]


def _wanted(forget: Any, train: Samples, n_classes: int, seed: int, *, trained: bool) -> _Wanted:
    """What is to be forgotten, in whatever form it was asked for."""
    request: ForgetRequest | None = None
    if isinstance(forget, Mapping | BaseModel):
        request = parse_forget(forget)
    elif isinstance(forget, str | Path):
        request = Indices(indices=Path(forget))
    if request is None:
        indices = _positions(forget, len(train))
        facts = {"kind": "indices", "samples": len(indices)}
        return _Wanted(train.labels, indices, None, None, facts)
    if trained and isinstance(request, Mislabelled):
        raise InputError(
            "forget.kind: 'mislabelled' would corrupt labels that the given model has learned; name"
            " the samples whose labels are wrong, or let the sweep train the original."
        )
    tokens = not train.inputs.is_floating_point() and train.inputs.dtype != torch.uint8
    if tokens and isinstance(request, Subclass):
        raise InputError(
            "forget.kind: 'subclass' clusters the inputs, and these are token ids; name the"
            " positions of the samples."
        )
    labels, indices = select_forget_set(request, train, n_classes, seed)
    # Distances between token ids mean nothing, so a class among them has no nearest one.
    unknown = tokens and isinstance(request, WholeClass) and request.adjacent is None
    adjacent = None if unknown else select_adjacent_set(request, train, indices)
    facts = request.model_dump(mode="json", exclude_none=True)
    return _Wanted(labels, indices, adjacent, request, facts)


def _positions(forget: Any, n: int) -> Tensor:
    try:
        values = torch.as_tensor(forget)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"forget: a {type(forget).__name__} names no samples; give positions, a mask, a file or"
            " a request such as {'kind': 'random', 'fraction': 0.1}."
        ) from None
    if values.dtype == torch.bool:
        if values.shape != (n,):
            raise InputError(
                f"forget: a mask of shape {tuple(values.shape)} does not fit {n} training samples."
            )
        return values.nonzero().squeeze(1)
    return values


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
    cut = [name for name in given if name not in sets]
    if cut:
        shares = [0.25] * len(cut)
        parts = stratified_split(rest.labels.cpu(), [*shares, 1 - sum(shares)], seed)
        sets |= {name: rest.take(part) for name, part in zip(cut, parts, strict=False)}
        rest = rest.take(parts[-1].sort().values)
    return sets | {"test": rest}, cut


def _without(samples: Samples, label: Tensor) -> Samples:
    return samples.take((samples.labels != label).nonzero().squeeze(1))


def _model(
    model: nn.Module | Callable[[], nn.Module], weights: str | Path | Mapping[str, Tensor] | None
) -> tuple[Callable[[], nn.Module], dict[str, Tensor] | None]:
    """What builds an untrained model, and the trained weights, if there are any."""
    if isinstance(model, nn.Module):
        make: Callable[[], nn.Module] = Fresh(model)
        state: Mapping[str, Tensor] = make.template.state_dict()  # type: ignore[attr-defined]
    elif callable(model):
        make, state = model, {}
    else:
        raise InputError(
            f"model: a {type(model).__name__} builds no model; give a class, a function or a model."
        )
    if weights is not None:
        state = weights if isinstance(weights, Mapping) else load_weights(weights)
    elif not state:
        return make, None
    original = {name: value.detach().cpu().clone() for name, value in state.items()}
    with torch.random.fork_rng(devices=[]):
        own = make().state_dict()
    _check_names(own, original)
    return make, original


def _check_names(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    missing, strange = (sorted(set(a) - set(b)) for a, b in ((own, given), (given, own)))
    if missing or strange:
        complaints = [
            f"{what} {_some(names)}"
            for what, names in (("lack", missing), ("have unknown", strange))
            if names
        ]
        raise InputError(
            f"weights: they {' and '.join(complaints)}; give the weights of this very model."
        )
    for name, value in own.items():
        if value.shape != given[name].shape:
            raise InputError(
                f"weights: {name} has shape {tuple(given[name].shape)} and the model's"
                f" {tuple(value.shape)}; give the weights of this very model."
            )


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _check_trained(task: UnlearningTask, original: Mapping[str, Tensor]) -> None:
    """Refuses weights that know nothing: an untrained model, or other inputs than it was given."""
    with torch.random.fork_rng(devices=[]):
        model = task.model()
    model.load_state_dict(original)
    n = len(task.train)
    some = task.train.take(torch.arange(0, n, max(1, n // _JUDGED))[:_JUDGED])
    with torch.no_grad():
        right = (model.eval()(some.inputs).argmax(1) == some.labels).float().mean()
    common = some.labels.bincount().max() / len(some)
    if right <= common < 1:
        raise InputError(
            f"model: the trained weights get {right:.1%} of the training samples right, no better"
            " than always naming the commonest class; give trained weights and the inputs that"
            " they were trained on, or a class or function to let the sweep train the original."
        )
