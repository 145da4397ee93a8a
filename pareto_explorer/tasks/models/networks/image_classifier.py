"""The shell around an image network: pixels in, logits out, at a chosen precision and layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError, unknown

__all__ = ["PRECISIONS", "ImageClassifier", "Precision"]

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


class ImageClassifier(nn.Module):
    """Classifies pixels as they are stored.

    Images of bytes are divided by 255; floating-point images are taken as [0, 1] already. Either
    is normalised, laid out and computed on here, so that training, unlearning and evaluation have
    one code path, on a CPU and on a GPU. The state holds the network's entries, as ``network.*``,
    and nothing else.

    Args:
        network: Maps normalised images (n, C, H, W) to logits.
        mean: Mean of each channel of images in [0, 1]; one value stands for all channels.
        std: Standard deviation of each channel, likewise; above 0.
        precision: ``float32``, or ``bfloat16``: weights stay in float32, and the network
            runs under autocast. Logits come out as float32 either way, but in bfloat16 with
            three significant digits, in evaluation too.
        channels_last: Keep images and the weights of convolutions with their channels innermost,
            which GPUs with tensor cores are fastest at; outermost otherwise, whatever the layout
            that images come in.
        compile: Compile the network when it is first used. Copies, pickled ones too, compile
            for themselves. Hooks that are added to its parts later on are not called.

    Raises:
        InputError: When the precision has no such name, or the statistics cannot be used.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        precision: Precision = "float32",
        channels_last: bool = False,
        compile: bool = False,  # noqa: A002 - what files and PyTorch call it
    ) -> None:
        super().__init__()
        if precision not in PRECISIONS:
            raise unknown("precision", precision, PRECISIONS)
        if len(mean) != len(std) or not all(value > 0 for value in std):
            raise InputError(
                f"std: {list(std)} does not fit mean {list(mean)}; give one value above 0 for"
                " each channel."
            )
        self.network = network
        self.precision = precision
        self.channels_last = channels_last
        self.compiled = compile
        self._statistics = tuple(map(float, mean)), tuple(map(float, std))
        for name, values in zip(("mean", "std"), self._statistics, strict=True):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
        if channels_last:
            for weights in network.parameters():
                if weights.ndim == 4:
                    weights.data = weights.data.contiguous(memory_format=torch.channels_last)

    def forward(self, inputs: Tensor) -> Tensor:
        """Computes logits (n, n_classes) of images (n, C, H, W), in the precision of ``mean``."""
        images = inputs.to(self.mean.dtype)
        if inputs.dtype == torch.uint8:
            images = images / 255
        images = (images - self.mean) / self.std
        # Augmented images may come in either layout, and evaluated ones in another.
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        images = images.contiguous(memory_format=layout)
        if self.compiled and self.network._compiled_call_impl is None:
            self.network.compile()
        low = self.precision == "bfloat16"
        with torch.autocast(images.device.type, torch.bfloat16, enabled=low):
            logits: Tensor = self.network(images)
        return logits.to(self.mean.dtype)

    def extra_repr(self) -> str:
        """Says all that determines the logits besides the network."""
        mean, std = self._statistics
        return (
            f"mean={mean}, std={std}, precision={self.precision!r},"
            f" channels_last={self.channels_last}, compile={self.compiled}"
        )
