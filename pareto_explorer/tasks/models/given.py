"""Models that users give, trained or not, and whether their weights are what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from pareto_explorer.errors import InputError, first_line
from pareto_explorer.tasks.core.samples import Samples
from pareto_explorer.tasks.core.task import UnlearningTask
from pareto_explorer.tasks.core.tokens import asked
from pareto_explorer.tasks.models.checkpoint_files import load_weights
from pareto_explorer.tasks.models.fresh import Fresh
from pareto_explorer.tasks.models.logits import logits_of
from pareto_explorer.tasks.models.logits_alone import (
    LogitsAlone,
    of_network,
    of_transformers,
    untrained,
    wrapped,
)

__all__ = ["causal_model", "check_trained", "model_and_weights"]

_JUDGED = 1024  # training samples that trained weights are tried on
_SEQUENCES = 8  # the same of sequences, which have logits for every token


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
    make: Callable[[], nn.Module]
    state: Mapping[str, Tensor]
    if isinstance(model, nn.Module) and of_transformers(model):
        make, state = partial(untrained, type(model), model.config), model.state_dict()
    elif isinstance(model, nn.Module):
        make = Fresh(model)
        state = make.template.state_dict()
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
    make, built = _built(make)
    if isinstance(built, LogitsAlone):
        state = of_network(state)
    original = {name: value.detach().cpu().clone() for name, value in state.items()}
    _check_names(built.state_dict(), original)
    return make, original


def causal_model(
    make: Callable[[], nn.Module], sequences: Samples
) -> tuple[Callable[[], nn.Module], int]:
    """What builds a model of logits, and how many it has for each token.

    Args:
        make: Builds the model, which may be one of ``transformers``.
        sequences: What it is asked about.

    Raises:
        InputError: The model cannot be built or take the sequences, or gives no logits per token.
    """
    make, model = _built(make)
    ids = sequences.inputs[:1, :2]
    try:
        with torch.no_grad():
            logits = model.eval()(ids)
    except Exception as error:  # whatever a user's model raises
        raise InputError(
            f"model: it cannot take token ids of shape {tuple(ids.shape)}"
            f" ({first_line(error).rstrip('.')}); give a causal model of them."
        ) from None
    if not isinstance(logits, Tensor) or logits.shape[:-1] != ids.shape:
        raise InputError(
            "model: it gives no logits for every token; give a causal model, which maps ids (n, L)"
            " to logits (n, L, V)."
        )
    return make, logits.shape[-1]


def _built(make: Callable[[], nn.Module]) -> tuple[Callable[[], nn.Module], nn.Module]:
    """A model, and what builds it; one of ``transformers`` gives its logits alone."""
    try:
        with torch.random.fork_rng(devices=[]):
            model = make()
    except TypeError as error:
        raise InputError(
            f"model: it cannot be built without arguments ({error}); give a function that can."
        ) from None
    if of_transformers(model):
        return partial(wrapped, make), LogitsAlone(model)
    return make, model


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
    n, most = len(task.train), _SEQUENCES if task.tokens else _JUDGED
    some = task.train.take(torch.arange(0, n, max(1, n // most))[:most]).trimmed()
    try:
        with torch.no_grad():
            logits = logits_of(model.eval(), some.inputs, task)
            said, labels, _ = asked(logits, some.labels)
            right = (said.argmax(1) == labels).float().mean()
    except InputError:
        raise
    except Exception as error:  # whatever a user's model raises
        reason = first_line(error).rstrip(".")
        raise InputError(
            f"model: it cannot take the training inputs, {some.inputs.dtype} of shape"
            f" {tuple(some.inputs.shape[1:])} each ({reason}); give the inputs that it was trained"
            " on."
        ) from None
    common = labels.bincount().max() / len(labels)
    if right <= common < 1:
        what, one = ("labelled tokens", "token") if task.tokens else ("training samples", "class")
        raise InputError(
            f"model: the trained weights get {right:.1%} of the {what} right, no better"
            f" than always naming the commonest {one}; give trained weights and the inputs that"
            " they were trained on, or a class or function to let the sweep train the original."
        )
