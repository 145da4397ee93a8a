"""Models that users give, trained or not, and whether their weights are what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.models.checkpoint_files import load_weights
from pareto_explorer.tasks.models.fresh import Fresh
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["check_trained", "model_and_weights"]

_JUDGED = 1024  # training samples that trained weights are tried on


def model_and_weights(
    model: nn.Module | Callable[[], nn.Module], weights: str | Path | Mapping[str, Tensor] | None
) -> tuple[Callable[[], nn.Module], dict[str, Tensor] | None]:
    """What builds an untrained model, and the trained weights, if there are any.

    Args:
        model: See `task_from`.
        weights: See `task_from`.

    Raises:
        InputError: When the model builds none, or the weights are not those of it.
    """
    if isinstance(model, nn.Module):
        make: Callable[[], nn.Module] = Fresh(model)
        state: Mapping[str, Tensor] = make.template.state_dict()  # type: ignore[attr-defined]
    elif callable(model):
        make, state = model, {}
    else:
        raise InputError(
            f"model: a {type(model).__name__} builds no model; give a class, a function or a model."
        )
    if not isinstance(weights, Mapping | str | Path | None):
        raise InputError(
            f"weights: a {type(weights).__name__} holds none; give a state dict or a file."
        )
    if weights is not None:
        state = weights if isinstance(weights, Mapping) else load_weights(weights)
    elif not state:
        return make, None
    for name, value in state.items():
        if not isinstance(value, Tensor) or is_lazy(value):
            raise InputError(
                f"weights: {name} is no tensor with values; give a state dict of a model that has"
                " seen inputs."
            )
    original = {name: value.detach().cpu().clone() for name, value in state.items()}
    try:
        with torch.random.fork_rng(devices=[]):
            own = make().state_dict()
    except TypeError as error:
        raise InputError(
            f"model: it cannot be built without arguments ({error}); give a function that can."
        ) from None
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


def check_trained(task: UnlearningTask, original: Mapping[str, Tensor]) -> None:
    """Refuses weights that know nothing: an untrained model, or other inputs than it was given.

    Raises:
        InputError: When the model gets no more right than a constant, cannot take the inputs, gives
            no logits or changes its inputs.
    """
    with torch.random.fork_rng(devices=[]):
        model = task.model()
    model.load_state_dict(original)
    n = len(task.train)
    some = task.train.take(torch.arange(0, n, max(1, n // _JUDGED))[:_JUDGED])
    try:
        with torch.no_grad():
            logits = logits_of(model.eval(), some.inputs, task)
            right = (logits.argmax(1) == some.labels).float().mean()
    except InputError:
        raise
    except Exception as error:  # whatever a user's model raises
        reason = first_line(error).rstrip(".")
        raise InputError(
            f"model: it cannot take the training inputs, {some.inputs.dtype} of shape"
            f" {tuple(some.inputs.shape[1:])} each ({reason}); give the inputs that it was trained"
            " on."
        ) from None
    common = some.labels.bincount().max() / len(some)
    if right <= common < 1:
        raise InputError(
            f"model: the trained weights get {right:.1%} of the training samples right, no better"
            " than always naming the commonest class; give trained weights and the inputs that"
            " they were trained on, or a class or function to let the sweep train the original."
        )
