"""The memory that a step of a language model takes, by arithmetic: nothing is built or run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.sweeps.trials.memory import gibibytes
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.tasks.models.causal import AdaptedLM, PretrainedLM, shape_of_model
from pareto_explorer.tasks.models.pretrained import Pretrained, Shape

__all__ = ["ModelMemory", "memory_of_task", "model_memory", "too_large"]

_FLOAT32 = 4
_WIDTHS = {"bfloat16": 2, "float16": 2, "float32": 4}
_OBJECTIVES = 2  # both graphs live at once, from the forward passes to the backward ones


@dataclass(frozen=True)
class ModelMemory:
    """What a step needs, in bytes, part by part.

    Attributes:
        frozen: Weights that are not trained.
        trained: Those that are, with two copies: the original model, and that of a forget loss.
        gradients: Two rows, the step that is made of them, and two gradients on their way there.
        optimizer: The two moments of Adam.
        activations: What the backward passes of both objectives read.
        logits: Of both objectives, in float32, twice: themselves and their log-probabilities.
    """

    frozen: int
    trained: int
    gradients: int
    optimizer: int
    activations: int
    logits: int

    @property
    def parts(self) -> dict[str, int]:
        """The parts by what they are called."""
        return {
            "frozen weights": self.frozen,
            "trained weights": self.trained,
            "gradients": self.gradients,
            "optimiser": self.optimizer,
            "activations": self.activations,
            "logits": self.logits,
        }

    @property
    def total(self) -> int:
        """All of them; PyTorch's own context and gaps between tensors come on top."""
        return sum(self.parts.values())


def memory_of_task(task: UnlearningTask, model: nn.Module, batch_size: int) -> ModelMemory | None:
    """What a step takes on the longest sequences of a task; None without a pretrained model."""
    shape = shape_of_model(model)
    if shape is None or not isinstance(model, AdaptedLM | PretrainedLM):
        return None
    size = min(batch_size, len(task.train))
    return model_memory(shape, model.model, size, task.train.inputs.shape[1])


def too_large(memory: ModelMemory, card: int) -> Iterator[Finding]:
    """Says so where a step does not fit a card of so many bytes."""
    if memory.total > card:
        yield Finding(
            "warning",
            f"model: by arithmetic a step needs {gibibytes(memory.total)}, and this card has"
            f" {gibibytes(card)}; use a smaller budget.batch_size or task.max_length, or set"
            " task.model.checkpointing.",
        )


def model_memory(shape: Shape, model: Pretrained, batch_size: int, length: int) -> ModelMemory:
    """Adds up the memory of a step with two objectives.

    With w bytes per number of the model, 4 per number of an adapter, T = batch · length tokens, and
    n trained scalars of v bytes:

    - frozen weights: w per scalar of the model, where adapters are trained;
    - trained weights 3·n·v, gradients 5·n·v, optimiser 2·n·v;
    - activations: for both objectives T tokens through every layer, each with
      8·hidden (two norms, in float32) + 4·attended·w (queries, keys and values as wide as these,
      and their output) + 3·inner·w (a gated feed-forward block) + (2·hidden + inner)·w (inputs of
      linear layers). With ``checkpointing``, it is hidden·w in every layer, and all that in one;
    - logits: for both objectives T · vocabulary in float32, twice.

    The formula is that of decoders as Llama's, with attention that keeps no scores.

    Args:
        shape: The model's.
        model: Its precision and adapters.
        batch_size: Sequences of each of both batches.
        length: Tokens of each, padding included.
    """
    width = _WIDTHS[model.dtype]
    trained = shape.adapters * _FLOAT32 if model.lora else shape.parameters * width
    tokens = _OBJECTIVES * batch_size * length
    norms = 2 * _FLOAT32 * shape.hidden
    within = norms + width * (4 * shape.attended + 4 * shape.inner + 2 * shape.hidden)
    activations = tokens * shape.layers * within
    if model.checkpointing:
        activations = tokens * (shape.layers * shape.hidden * width + within)
    return ModelMemory(
        frozen=shape.parameters * width if model.lora else 0,
        trained=3 * trained,
        gradients=5 * trained,
        optimizer=2 * trained,
        activations=activations,
        logits=tokens * 2 * shape.vocabulary * _FLOAT32,
    )
