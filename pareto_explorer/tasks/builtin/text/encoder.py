"""A small transformer encoder for sentences."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError

__all__ = ["PADDING", "TextEncoder"]

PADDING = 0
"""Token id of what fills up a short sentence."""


class TextEncoder(nn.Module):
    """Classifies sentences of token ids.

    Embedded tokens and positions go through pre-norm blocks of self-attention and a two-layer
    perceptron (Vaswani et al., arXiv 1706.03762), and the mean over the tokens through a linear
    layer. Padding is neither attended to nor averaged, so it does not matter how much there is.

    Args:
        vocabulary: Number of token ids, `PADDING` included.
        n_classes: Number of logits.
        length: Longest sentence, in tokens.
        width: Of the embedding; a multiple of ``heads``.
        depth: Number of blocks.
        heads: Attention heads of a block.
        dropout: Rate after the embedding and in the two branches of a block.

    Raises:
        InputError: When ``width`` is no multiple of ``heads``.
    """

    def __init__(
        self,
        vocabulary: int,
        n_classes: int,
        length: int,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"model.width: {width} must be a multiple of the {heads} heads.")
        self.tokens = nn.Embedding(vocabulary, width, padding_idx=PADDING)
        self.positions = nn.Embedding(length, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps token ids (n, L), L at most ``length``, to logits (n, n_classes)."""
        present = inputs != PADDING
        x = self.tokens(inputs) + self.positions.weight[: inputs.shape[1]]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, present)
        shares = present / present.sum(1, keepdim=True).clamp(min=1)
        return self.head((self.norm(x) * shares[:, :, None]).sum(1))


class _Block(nn.Module):
    """Self-attention and a perceptron, each added to what it is given."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        x = x + self.dropout(self._attend(self.norms[0](x), present))
        return x + self.dropout(self.perceptron(self.norms[1](x)))

    def _attend(self, x: Tensor, present: Tensor) -> Tensor:
        # Written out: of fused attention, gradients of single samples are not batched everywhere.
        n, length, width = x.shape
        parts = self.project(x).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = query @ key.mT / math.sqrt(width // self.heads)
        scores = scores.masked_fill(~present[:, None, None], torch.finfo(x.dtype).min)
        merged = (scores.softmax(-1) @ value).transpose(1, 2).reshape(n, length, width)
        return self.merge(merged)
