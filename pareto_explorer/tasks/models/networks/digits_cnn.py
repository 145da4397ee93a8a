"""A small network that trains in seconds on one core."""

from __future__ import annotations

from torch import nn

__all__ = ["digits_cnn"]


def digits_cnn(width: int = 24, n_classes: int = 10) -> nn.Module:
    """Builds a four-convolution network with batch norm for 8x8 grey images.

    The first batch norm normalises the scale, so pixels in [0, 1] go in as they are. Width 24 is
    enough to memorise 10 % wrong labels.

    Args:
        width: Channels of the first two convolutions; the last two have twice as many.
        n_classes: Number of logits.

    Returns:
        An untrained network, ``(n, 1, 8, 8) -> (n, n_classes)``.
    """
    return nn.Sequential(
        _block(1, width),
        _block(width, width, stride=2),
        _block(width, 2 * width),
        _block(2 * width, 2 * width),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, n_classes),
    )


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
