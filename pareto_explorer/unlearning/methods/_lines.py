"""Lines of models: what is trained, and how the models along it are shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.core.budget import Ledger

__all__ = ["MEMBERS", "AlongLine", "Ends", "Line", "LowRankEnds", "evenly", "make_line", "put"]

MEMBERS = ("full", "norm", "lora")

_NORMS = (_BatchNorm, _InstanceNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_PRODUCTS = (nn.Linear, _ConvNd)


def evenly(points: int) -> list[float]:
    """So many positions at even distances, from 0 to 1.

    >>> evenly(5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if points < 2:
        raise InputError(f"points: {points} given; a line shows two models or more.")
    return [index / (points - 1) for index in range(points)]


class Line(nn.Module, ABC):
    """All models between two ends, which share their buffers and the weights that have no ends.

    Calling it passes through the model at the preference. Gradients of the weights reach both ends,
    in the shares that the preference gives them.

    Args:
        model: The model in which all models of the line begin; its own weights are trained.

    Attributes:
        preference: The place on the line, from 0 to 1; a scalar tensor.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.preference = torch.zeros((), device=next(model.parameters()).device)

    def forward(self, inputs: Tensor) -> Tensor:
        """The logits of the model at the preference."""
        weights = self.weights(self.preference)
        logits: Tensor = functional_call(self.model, weights, (inputs,))
        return logits

    @abstractmethod
    def weights(self, preference: Tensor) -> dict[str, Tensor]:
        """The weights that have ends, at a place on the line, by their names in the model."""

    @torch.no_grad()
    def show(self, shown: nn.Module, position: float) -> nn.Module:
        """Makes another model like the line's the one at a position, in eval mode."""
        own = dict(chain(self.model.named_parameters(), self.model.named_buffers()))
        return put(shown, own | self.weights(torch.tensor(position, device=self.preference.device)))


class Ends(Line):
    """Weights that are (1 − λ)·a + λ·b; a are the model's own, and b begins as a copy of them.

    Args:
        model: See `Line`.
        names: The weights that have ends.
    """

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__(model)
        self.names = tuple(names)
        starts = [parameter.detach().clone() for parameter in self._first()]
        self.second = nn.ParameterList(starts)

    def weights(self, preference: Tensor) -> dict[str, Tensor]:
        """See `Line`; equal ends give the same weights everywhere, bit by bit."""
        ends = zip(self.names, self._first(), self.second, strict=True)
        return {name: torch.lerp(a, b, preference.to(a.dtype)) for name, a, b in ends}

    def _first(self) -> list[nn.Parameter]:
        own = dict(self.model.named_parameters())
        return [own[name] for name in self.names]


class LowRankEnds(Line):
    """Weights that are W + (1 − λ)·B_a A_a + λ·B_b A_b; W is the model's own, and trained as well.

    Both products begin at 0.

    Args:
        model: See `Line`.
        names: The weights that have ends; of more than two dimensions, all but the first are
            taken together.
        rank: Rows of each A.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], rank: int) -> None:
        super().__init__(model)
        self.names = tuple(names)
        flat = [weight.detach().flatten(1) for weight in self._shared()]
        self.rows = nn.ParameterList(w.new_zeros(2, rank, w.shape[1]) for w in flat)
        self.columns = nn.ParameterList(w.new_zeros(2, w.shape[0], rank) for w in flat)

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Draws every A as Kaiming et al. do, uniformly within 1/√(inputs)."""
        for rows in self.rows:
            drawn = torch.rand(rows.shape, generator=generator, device=generator.device)
            rows.copy_((2 * drawn - 1) / rows.shape[2] ** 0.5)

    def weights(self, preference: Tensor) -> dict[str, Tensor]:
        """See `Line`."""
        shares = torch.stack([1 - preference, preference])
        return {
            name: weight
            + torch.einsum("i,ior,iru->ou", shares.to(weight.dtype), columns, rows).view_as(weight)
            for name, weight, rows, columns in zip(
                self.names, self._shared(), self.rows, self.columns, strict=True
            )
        }

    def _shared(self) -> list[nn.Parameter]:
        own = dict(self.model.named_parameters())
        return [own[name] for name in self.names]


def make_line(members: str, model: nn.Module, rank: int) -> Line:
    """Makes the line of one of `MEMBERS`, all of whose models are the given one.

    Raises:
        InputError: The model has no weights of the kind that would have ends.
    """
    if members == "full":
        return Ends(model, _trainable(model))
    layers = _NORMS if members == "norm" else _PRODUCTS
    names = [
        name
        for name in _trainable(model)
        if isinstance(model.get_submodule(name.rpartition(".")[0]), layers)
        and (members == "norm" or name.endswith("weight"))
    ]
    if not names:
        what = "normalisation" if members == "norm" else "linear or convolutional"
        raise InputError(f"members: the model has no {what} layer to train; choose 'full'.")
    return Ends(model, names) if members == "norm" else LowRankEnds(model, names, rank)


def _trainable(model: nn.Module) -> list[str]:
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def put(shown: nn.Module, values: Mapping[str, Tensor]) -> nn.Module:
    """Copies weights and buffers into a model, in place, and gives it in eval mode."""
    for name, target in chain(shown.named_parameters(), shown.named_buffers()):
        target.detach().copy_(values[name])
    return shown.eval()


class AlongLine:
    """The models along a line, after each of the steps at which the line is shown.

    An object rather than a Python generator, so that its state can be saved between two models.

    Args:
        trained: Trains the line on, and gives what ``show`` is to show.
        show: Gives the model at a position.
        ledger: Told the positions.
        positions: Those that are shown.
    """

    def __init__(
        self,
        trained: Iterator[nn.Module],
        show: Callable[[nn.Module, float], nn.Module],
        ledger: Ledger,
        positions: Sequence[float],
    ) -> None:
        self._trained, self._show = trained, show
        self._ledger, self._positions = ledger, positions
        self._places: Iterator[float] = iter(())

    def __iter__(self) -> Iterator[nn.Module]:
        return self

    def __next__(self) -> nn.Module:
        position = next(self._places, None)
        if position is None:
            self._line = next(self._trained)
            self._places = self._ledger.along(self._positions)
            position = next(self._places)
        return self._show(self._line, position)
