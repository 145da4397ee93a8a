"""Residual networks for small images: ResNet-18 with the CIFAR stem, and ResNet-20."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BasicBlock", "ResNet", "resnet18", "resnet20"]

Shortcut = Callable[[int, int, int], nn.Module]


class ResNet(nn.Module):
    """Stages of basic blocks after a 3x3 convolution of stride 1, without max pooling.

    Its parts have the names of torchvision's, so that state of the published CIFAR models fits.

    Source: He et al. (arXiv 1512.03385).

    Args:
        n_classes: Number of logits.
        channels: Channels of the images.
        widths: Channels of each stage; each after the first halves height and width.
        depth: Blocks per stage.
        shortcut: Makes a block's shortcut from its input channels, output channels and stride,
            where the shape changes.
    """

    def __init__(
        self, n_classes: int, channels: int, widths: tuple[int, ...], depth: int, shortcut: Shortcut
    ) -> None:
        super().__init__()
        self.conv1 = _convolution(channels, widths[0])
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = widths[0]
        self._stages = []
        for number, width in enumerate(widths, 1):
            stride = 1 if number == 1 else 2
            blocks = [BasicBlock(before, width, stride, shortcut)]
            blocks += [BasicBlock(width, width, 1, shortcut) for _ in range(depth - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            self._stages.append(f"layer{number}")
            before = width
        self.fc = nn.Linear(before, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (n, n_classes) of images (n, C, H, W)."""
        features = functional.relu(self.bn1(self.conv1(images)))
        for stage in self._stages:
            features = self.get_submodule(stage)(features)
        return self.fc(features.mean((2, 3)))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: Shortcut) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _convolution(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        self.downsample = None if same else shortcut(inputs, outputs, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps (n, inputs, H, W) to (n, outputs, H / stride, W / stride)."""
        features = functional.relu(self.bn1(self.conv1(inputs)))
        features = self.bn2(self.conv2(features))
        return functional.relu(
            features + (inputs if self.downsample is None else self.downsample(inputs))
        )


class Subsample(nn.Module):
    """The shortcut without parameters: every other pixel, and channels of zeros on both sides."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.missing = outputs - inputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps (n, inputs, H, W) to (n, outputs, H / stride, W / stride)."""
        before = self.missing // 2
        pixels = inputs[:, :, :: self.stride, :: self.stride]
        return functional.pad(pixels, (0, 0, 0, 0, before, self.missing - before))

    def extra_repr(self) -> str:
        """Says what is added."""
        return f"stride={self.stride}, missing={self.missing}"


def resnet18(n_classes: int, channels: int = 3, width: int = 64) -> nn.Module:
    """Builds ResNet-18 with the CIFAR stem: 11.17 million parameters for 10 classes.

    Args:
        n_classes: Number of logits.
        channels: Channels of the images.
        width: Channels of the first stage; every stage has twice as many as the one before.

    Returns:
        An untrained network, ``(n, channels, H, W) -> (n, n_classes)``.
    """
    widths = (width, 2 * width, 4 * width, 8 * width)
    return ResNet(n_classes, channels, widths, 2, _projection)


def resnet20(n_classes: int, channels: int = 3, width: int = 16) -> nn.Module:
    """Builds ResNet-20: 0.27 million parameters for 10 classes.

    Args:
        n_classes: Number of logits.
        channels: Channels of the images.
        width: Channels of the first of three stages; each has twice as many as the one before.

    Returns:
        An untrained network, ``(n, channels, H, W) -> (n, n_classes)``.
    """
    return ResNet(n_classes, channels, (width, 2 * width, 4 * width), 3, Subsample)


def _projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
