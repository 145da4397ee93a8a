"""Torchvision's classifiers by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pareto_explorer.errors import InputError, unknown

__all__ = ["GreyAsColour", "from_torchvision", "torchvision_names"]

#: These return more than logits in training unless told not to.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": True},
    "inception_v3": {"aux_logits": False, "init_weights": True},
}


class GreyAsColour(nn.Module):
    """Repeats the one channel of grey images three times."""

    def forward(self, images: Tensor) -> Tensor:
        """Maps (n, 1, H, W) to (n, 3, H, W)."""
        return images.expand(-1, 3, -1, -1)


def from_torchvision(name: str, n_classes: int, channels: int = 3, **options: Any) -> nn.Module:
    """Builds one of torchvision's classifiers, untrained.

    They are made for photographs, and most of them shrink images 32 times: small images need the
    networks of this package, or to be enlarged.

    Args:
        name: Its name there, for example ``convnext_tiny``.
        n_classes: Number of logits.
        channels: Channels of the images: 3, or 1 for grey ones, which are taken as colour images.
        options: Passed on to its builder.

    Returns:
        A network, ``(n, channels, H, W) -> (n, n_classes)``.

    Raises:
        InputError: When torchvision has no such classifier, or the images have other channels.
    """
    from torchvision import models  # takes long to import, and few need it

    names = torchvision_names()
    if name not in names:
        raise unknown("torchvision", name, names)
    if channels not in (1, 3):
        raise InputError(f"torchvision:{name} takes images of 3 channels or 1, not {channels}.")
    options = _DEFAULTS.get(name, {}) | options
    network: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **options)
    return network if channels == 3 else nn.Sequential(GreyAsColour(), network)


def torchvision_names() -> list[str]:
    """Lists torchvision's classifiers."""
    from torchvision import models

    return models.list_models(module=models)
