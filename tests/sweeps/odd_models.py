"""Small models in the situations that users report, and tasks of them."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.tasks import UnlearningTask, task_from

WIDTH, CLASSES = 8, 4


def vectors(n: int, seed: int) -> tuple[Tensor, Tensor]:
    centres = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(99)) * 2
    labels = torch.arange(n) % CLASSES
    noise = torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(seed))
    return centres[labels] + noise, labels


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(WIDTH, 16), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Any:
        return self.b(torch.relu(self.a(x)))


class ScalesInPlace(Plain):
    def forward(self, x: Tensor) -> Tensor:
        x = x.float()  # no copy of what is float32 already
        x /= 4
        return super().forward(x)


class NoiseInPlace(Plain):
    """Only in training."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            x += 0.1
        return super().forward(x)


class ThroughData(Plain):
    """In a way that PyTorch does not count."""

    def forward(self, x: Tensor) -> Tensor:
        x.data.mul_(0.5)
        return super().forward(x)


class FirstRelu(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.ReLU(inplace=True), nn.Linear(WIDTH, CLASSES))


class InPlaceInside(nn.Sequential):
    """What is changed in place is the model's own."""

    def __init__(self) -> None:
        first, last = nn.Linear(WIDTH, 16), nn.Linear(16, CLASSES)
        super().__init__(first, nn.ReLU(inplace=True), last)


@dataclass
class Output:
    logits: Tensor


Auxiliary = namedtuple("Auxiliary", "logits aux")


class AsDataclass(Plain):
    def forward(self, x: Tensor) -> Output:
        return Output(super().forward(x))


class AsTuple(Plain):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), x


class AsDict(Plain):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"logits": super().forward(x)}


class AuxiliaryInTraining(Plain):
    def forward(self, x: Tensor) -> Any:
        found = super().forward(x)
        return Auxiliary(found, found) if self.training else found


class OneLogit(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, 0]


class Whole(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).long()


class Lazy(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.LazyLinear(16)


class LazyNorm(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(self.a, nn.LazyBatchNorm1d(affine=False))


class Warmed(Lazy):
    """Its constructor passes a batch through it."""

    def __init__(self) -> None:
        super().__init__()
        self(torch.zeros(2, WIDTH))


class TwoTypes(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.b.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.relu(self.a(x)).double()).float()


class Complex(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(WIDTH // 2 + 1, dtype=torch.cfloat))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.fft.irfft(torch.fft.rfft(x) * self.w, n=WIDTH))


class Double(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.double()


class Sparse(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).to_sparse()


class NoState(Plain):
    def state_dict(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no state")


class Exits(Plain):
    def forward(self, *_: Tensor) -> Tensor:
        raise SystemExit(3)


class Raises(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return x[{"no": "mask"}["mask"]]


class Normed(nn.Sequential):
    def __init__(self) -> None:
        first, last = nn.Linear(WIDTH, 16), nn.Linear(16, CLASSES)
        super().__init__(first, nn.BatchNorm1d(16), nn.ReLU(), last)


class Unused(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(16, 7)


MODELS = {
    kind.__name__: kind
    for kind in (
        *(Plain, ScalesInPlace, NoiseInPlace, ThroughData, FirstRelu, InPlaceInside, AsDataclass),
        *(AsTuple, AsDict, AuxiliaryInTraining, OneLogit, Whole, Lazy, LazyNorm, Warmed),
        *(TwoTypes, Complex, Double, Sparse, NoState, Exits, Raises, Normed, Unused),
    )
}


def odd_task(kind: str = "Plain", forget: Any = None, batch_size: int = 32) -> UnlearningTask:
    """A task with one of these models, for a search-space file."""
    return task_from(
        kind,
        train=vectors(80, 0),
        test=vectors(80, 1),
        forget={"kind": "random", "fraction": 0.1} if forget is None else forget,
        model=MODELS[kind],
        recipe={"epochs": 1, "batch_size": batch_size, "optimizer": "adamw", "lr": 0.01},
    )
