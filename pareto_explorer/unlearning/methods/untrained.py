"""Untrained models, for methods that start from one or compare with one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.unlearning.data import UnlearningData
from pareto_explorer.unlearning.methods.descent import Setting

__all__ = ["require_untrained", "untrained"]


def require_untrained(data: UnlearningData, method: str) -> Callable[[], nn.Module]:
    """Returns what makes an untrained model.

    Raises:
        InputError: When the task has none.
    """
    if data.fresh_model is None:
        raise InputError(
            f"method: {method!r} needs an untrained model; give the data a fresh_model or choose "
            "another method."
        )
    return data.fresh_model


def untrained(setting: Setting, method: str) -> nn.Module:
    """Makes an untrained model whose weights depend on the run's generator alone.

    The random state of the caller is left as it is.

    Args:
        setting: The run.
        method: Name of the method, for the message.

    Returns:
        The model, on the device of the data.

    Raises:
        InputError: When the task has none.
    """
    make = require_untrained(setting.data, method)
    draws = setting.streams.generator("weights")
    seed = int(torch.randint(2**62, (), generator=draws, device=draws.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = make()
    return model.to(setting.data.retain.inputs.device)
