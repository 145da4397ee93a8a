"""What a forget request puts into its samples before any model is trained on them."""

from __future__ import annotations

import numpy as np
import torch

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.planted import GaussianNoise, Planted, SwappedClasses
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.forget.forget_set import ForgetSet
from pareto_explorer.tasks.forget.requests import Confused, ForgetRequest, GaussianPoison

__all__ = ["trained_samples"]


def trained_samples(
    request: ForgetRequest, train: Samples, chosen: ForgetSet, seed: int
) -> tuple[Samples, Planted | None]:
    """Returns the samples that original models are trained on, and what was planted in them.

    Args:
        request: What to forget.
        train: Training data as they came, n samples.
        chosen: What the request selected among them.
        seed: Seed of the noise.

    Raises:
        InputError: Noise cannot be added to the inputs, since they are bytes or token ids.
    """
    match request:
        case GaussianPoison(noise=deviation):
            if not train.inputs.is_floating_point():
                raise InputError(
                    "task.forget.kind: 'gaussian_poison' adds noise to inputs, and these are"
                    f" {str(train.inputs.dtype).removeprefix('torch.')}; give a task whose inputs"
                    " are floats."
                )
            inputs = train.inputs.clone()
            rng = np.random.default_rng([seed, 2])
            drawn = rng.normal(0, deviation, (len(chosen.indices), *inputs.shape[1:]))
            noise = torch.from_numpy(drawn).to(inputs)
            inputs[chosen.indices] += noise
            return Samples(inputs, chosen.labels), GaussianNoise(noise, deviation)
        case Confused(classes=classes):
            return Samples(train.inputs, chosen.labels), SwappedClasses(classes)
        case _:
            return Samples(train.inputs, chosen.labels), None
