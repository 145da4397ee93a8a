"""A small causal transformer."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError

__all__ = ["GPT"]


class GPT(nn.Module):
    """Predicts, at every token of a sequence, the one that follows.

    Embedded tokens and positions go through pre-norm blocks of causal self-attention and a
    two-layer perceptron, and the scores of tokens are products with their embeddings, as in GPT-2
    (Radford et al., "Language models are unsupervised multitask learners", 2019), without dropout.
    No token sees those after it, so padding on the right needs no mask.

    Args:
        vocabulary: Number of token ids.
        length: Longest sequence, in tokens.
        width: Of the embedding; a multiple of ``heads``.
        depth: Number of blocks.
        heads: Attention heads of a block.

    Raises:
        InputError: When ``width`` is no multiple of ``heads``.
    """

    def __init__(
        self, vocabulary: int, length: int, width: int = 128, depth: int = 2, heads: int = 4
    ) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"model.width: {width} must be a multiple of the {heads} heads.")
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        for embedding in (self.tokens, self.positions):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps token ids (n, L), L at most ``length``, to logits (n, L, vocabulary)."""
        x = self.tokens(inputs) + self.positions.weight[: inputs.shape[1]]
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.tokens.weight)


class _Block(nn.Module):
    """Self-attention and a perceptron, each added to what it is given."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._attend(self.norms[0](x))
        return x + self.perceptron(self.norms[1](x))

    def _attend(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.project(x).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.merge(found.transpose(1, 2).reshape(n, length, width))
