"""Models of ``transformers`` as models of logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["LogitsAlone", "is_causal_model", "of_network", "untrained", "wrapped"]

_PREFIX = "network."


class LogitsAlone(nn.Module):
    """A causal model of ``transformers`` that maps ids (n, L) to logits (n, L, V), and no more.

    No attention mask is needed: padding stands on the right, where no real token sees it.

    Args:
        network: The model.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> Tensor:
        """Maps token ids (n, L) to logits (n, L, V)."""
        logits: Tensor = self.network(input_ids=ids, use_cache=False).logits
        return logits


def untrained(kind: Callable[[Any], nn.Module], config: Any) -> nn.Module:
    """Builds a model of ``transformers`` by its class and configuration, with new weights."""
    return LogitsAlone(kind(config))


def wrapped(build: Callable[[], nn.Module]) -> nn.Module:
    """Builds a model by a function that returns one of ``transformers``."""
    return LogitsAlone(build())


def is_causal_model(model: object) -> bool:
    """Whether a model is one of ``transformers``, which give outputs that hold the logits."""
    return any(base.__module__.partition(".")[0] == "transformers" for base in type(model).__mro__)


def of_network(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names the weights of a model of ``transformers`` as they are named in its wrapper."""
    return {
        name if name.startswith(_PREFIX) else f"{_PREFIX}{name}": value
        for name, value in state.items()
    }
