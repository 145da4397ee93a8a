"""What training images go through, batched, on the device that they live on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pareto_explorer.errors import InputError

__all__ = ["CropFlip"]


@dataclass(frozen=True)
class CropFlip:
    """A random crop of each padded image, mirrored or not.

    Every image gets a border of zeros (black pixels), is cropped back to its size at a place of
    its own, and is mirrored with probability 1/2.

    Attributes:
        padding: Width of the border in pixels.
        flip: Whether to mirror images; not right for digits and letters.

    Raises:
        InputError: When the padding is no integer of 0 or more.
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        if type(self.padding) is not int or self.padding < 0:
            raise InputError(f"padding: {self.padding!r} must be an integer of 0 or more.")

    def __call__(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Augments one batch.

        Args:
            inputs: Images (n, C, H, W) of any type.
            generator: Source of the draws. They are made on its own device and copied to the
                images', so that those of one on the CPU are the same for images on a GPU.

        Returns:
            Images of the same shape and type, with their channels innermost in memory.

        Raises:
            InputError: When the inputs are no images.
        """
        if inputs.ndim != 4:
            raise InputError(
                f"augment: inputs of shape {tuple(inputs.shape[1:])} are no images (C, H, W);"
                " leave the augmentation out."
            )
        n, _, height, width = inputs.shape
        places = 2 * self.padding + 1
        draws = torch.stack(
            [
                torch.randint(high, (n, 1), generator=generator, device=generator.device)
                for high in (places, places, 2 if self.flip else 1)
            ]
        )
        top, left, mirrored = draws.to(inputs.device, non_blocking=True)
        rows = top + torch.arange(height, device=inputs.device)
        columns = torch.arange(width, device=inputs.device).expand(n, width)
        columns = left + torch.where(mirrored == 1, width - 1 - columns, columns)
        padded = functional.pad(inputs, 4 * (self.padding,))
        image = torch.arange(n, device=inputs.device)[:, None, None]
        return padded.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None]].permute(
            0, 3, 1, 2
        )
