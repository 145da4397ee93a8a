"""VGG-16 with batch norm for small images."""

from __future__ import annotations

from torch import Tensor, nn

from pareto_explorer.errors import InputError

__all__ = ["VGG", "vgg16_bn"]

#: Channels of each convolution in units of the first one's; ``None``: max pooling.
_LAYOUT = (1, 1, None, 2, 2, None, 4, 4, 4, None, 8, 8, 8, None, 8, 8, 8, None)


class VGG(nn.Module):
    """Thirteen convolutions with batch norm, and one linear layer on their spatial means.

    The convolutions have the names of torchvision's ``vgg16_bn``.

    Source: Simonyan and Zisserman (arXiv 1409.1556); the single linear layer in place of three is
    what published code uses for CIFAR.

    Args:
        n_classes: Number of logits.
        channels: Channels of the images.
        width: Channels of the first convolution.
    """

    def __init__(self, n_classes: int, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for factor in _LAYOUT:
            if factor is None:
                layers.append(nn.MaxPool2d(2))
                continue
            after = factor * width
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (n, n_classes) of images (n, C, H, W)."""
        return self.classifier(self.features(images).mean((2, 3)))


def vgg16_bn(n_classes: int, shape: tuple[int, ...] = (3, 32, 32), width: int = 64) -> nn.Module:
    """Builds VGG-16 with batch norm and one linear layer: 14.7 million parameters for 10 classes.

    Args:
        n_classes: Number of logits.
        shape: Channels, height and width of the images.
        width: Channels of the first convolution; the last ones have eight times as many.

    Returns:
        An untrained network, ``(n, *shape) -> (n, n_classes)``.

    Raises:
        InputError: When five poolings leave nothing of the images.
    """
    channels, *sides = shape
    if min(sides) < 32:
        raise InputError(
            f"vgg16_bn halves images five times, and {sides[0]}x{sides[1]} pixels are too few; take"
            " images of at least 32x32, or resnet20."
        )
    return VGG(n_classes, channels, width)
