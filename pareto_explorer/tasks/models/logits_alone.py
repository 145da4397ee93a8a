"""Models of ``transformers`` as models of logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["LogitsAlone", "of_network", "of_transformers", "untrained", "wrapped"]

_PREFIX = "network."


class LogitsAlone(nn.Module):
    """A model of ``transformers`` that maps its inputs to logits, and no more.

    A causal one maps ids (n, L) to logits (n, L, V). It needs no attention mask: padding stands on
    the right, where no real token sees it. Logits are in float32, whatever the model computes in,
    since losses take logarithms of sums of them.

    Args:
        network: The model.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        network.config.use_cache = False
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps inputs to logits in float32."""
        return self.network(inputs).logits.float()


def untrained(kind: Callable[[Any], nn.Module], config: Any) -> nn.Module:
    """Builds a model of ``transformers`` by its class and configuration, with new weights."""
    return LogitsAlone(kind(config))


def wrapped(build: Callable[[], nn.Module]) -> nn.Module:
    """Builds a model by a function that returns one of ``transformers``."""
    return LogitsAlone(build())


def of_transformers(model: object) -> bool:
    """Whether a model is of a class of ``transformers``, whose outputs hold logits and more.

    Classes of a user's own that derive from one may return anything, and are left alone.
    """
    return type(model).__module__.partition(".")[0] == "transformers"


def of_network(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names the weights of a model of ``transformers`` as they are named in its wrapper."""
    return {
        name if name.startswith(_PREFIX) else f"{_PREFIX}{name}": value
        for name, value in state.items()
    }
