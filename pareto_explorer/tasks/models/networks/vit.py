"""A small vision transformer for small images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError

__all__ = ["VisionTransformer", "vit_small"]


class VisionTransformer(nn.Module):
    """Encoder blocks with the norm first, on square patches; logits from the mean of the tokens.

    Source: Dosovitskiy et al. (arXiv 2010.11929). There is no class token, as in Beyer et al.
    (arXiv 2205.01580), but positions are learned.

    Args:
        n_classes: Number of logits.
        shape: Channels, height and width of the images; the patches must cover them.
        patch: Side of a patch in pixels.
        width: Size of a token.
        depth: Number of blocks.
        heads: Number of attention heads, each of size ``width / heads``.
        hidden: Size of the layer inside each block's perceptron.
        dropout: Share of values that are dropped at the end of each half block.
    """

    def __init__(
        self,
        n_classes: int,
        shape: tuple[int, ...],
        *,
        patch: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        channels, height, across = shape
        self.patches = nn.Conv2d(channels, width, patch, patch)
        tokens = (height // patch) * (across // patch)
        self.positions = nn.Parameter(torch.empty(1, tokens, width))
        self.blocks = nn.Sequential(*(Block(width, heads, hidden, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)
        nn.init.trunc_normal_(self.positions, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (n, n_classes) of images (n, *shape)."""
        tokens = self.patches(images).flatten(2).mT + self.positions
        return self.head(self.norm(self.blocks(tokens)).mean(1))


class Block(nn.Module):
    """Self-attention and a perceptron, each after a norm and with a shortcut around it."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens (n, T, width) to as many."""
        tokens = tokens + self.dropout(self.attention(self.norm1(tokens)))
        return tokens + self.dropout(self.perceptron(self.norm2(tokens)))


class Attention(nn.Module):
    """Self-attention by plain matrix products.

    At the few tokens of a small image they cost no more than a fused kernel, they compute the same
    gradients each time on a GPU too, and those can be differentiated once more.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.outputs = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Maps tokens (n, T, width) to as many."""
        queries, keys, values = self.inputs(tokens).unflatten(2, (3, self.heads, -1)).unbind(2)
        queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
        scores = queries @ keys.mT / math.sqrt(queries.shape[-1])
        return self.outputs((functional.softmax(scores, -1) @ values).transpose(1, 2).flatten(2))

    def extra_repr(self) -> str:
        """Says what the weights do not."""
        return f"heads={self.heads}"


def vit_small(
    n_classes: int,
    shape: tuple[int, ...] = (3, 32, 32),
    patch: int = 4,
    width: int = 256,
    depth: int = 8,
    heads: int = 4,
    hidden: int = 512,
    dropout: float = 0.0,
) -> nn.Module:
    """Builds a vision transformer of 4.25 million parameters for 10 classes.

    By default 32x32 pixels become 64 patches of 4x4, which eight blocks of width 256 with four
    heads and a perceptron of 512 transform. Transformers want AdamW and a learning rate of about
    0.001, where the networks of convolutions want SGD.

    Args:
        n_classes: Number of logits.
        shape: Channels, height and width of the images.
        patch: Side of a patch in pixels.
        width: Size of a token.
        depth: Number of blocks.
        heads: Number of attention heads.
        hidden: Size of the layer inside each block's perceptron.
        dropout: Share of values that are dropped at the end of each half block.

    Returns:
        An untrained network, ``(n, *shape) -> (n, n_classes)``.

    Raises:
        InputError: When the patches do not cover the images, or the heads do not share the width.
    """
    sides = shape[1:]
    if any(side % patch for side in sides):
        raise InputError(f"patch: {patch} does not divide {sides[0]}x{sides[1]} pixels.")
    if width % heads:
        raise InputError(f"heads: {heads} does not divide the width {width}.")
    return VisionTransformer(
        n_classes,
        shape,
        patch=patch,
        width=width,
        depth=depth,
        heads=heads,
        hidden=hidden,
        dropout=dropout,
    )
