"""Other models to learn from, or to start from: frozen copies, and untrained ones."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.tokens import asked
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero
from pareto_explorer.unlearning.methods._descent import Setting

__all__ = [
    "TEMPERATURE",
    "Teacher",
    "divergence",
    "require_untrained",
    "untrained",
]

#: The knob of methods with a teacher.
TEMPERATURE = KnobSpec(None, "softens the predictions compared", above_zero)


def divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """T²·KL(p_teacher‖p_student) of softened predictions, a batch mean in [0, ∞).

    p is the softmax of logits over T. The factor T² keeps the size of the gradient, which is
    T·(p_student − p_teacher) in the student's logits.

    Args:
        teacher: Logits of shape (B, C), without a graph.
        student: Logits of shape (B, C).
        temperature: T.
    """
    log_p = (teacher / temperature).log_softmax(1)
    log_q = (student / temperature).log_softmax(1)
    return temperature**2 * (log_p.exp() * (log_p - log_q)).sum(1).mean()


class Teacher:
    """A frozen copy of a model, in eval mode, whose forward passes are counted.

    Args:
        model: What to copy as it is now.
        ledger: Where the samples are counted.
    """

    def __init__(self, model: nn.Module, ledger: Ledger) -> None:
        self._model = copy.deepcopy(model).eval()
        self._ledger = ledger

    def __call__(self, inputs: Tensor) -> Tensor:
        """Returns logits without a graph."""
        self._ledger.count(forward=len(inputs))
        with torch.no_grad():
            logits: Tensor = self._model(inputs)
        return logits

    def distance(self, logits: Tensor, batch: Samples, temperature: float) -> Tensor:
        """The :func:`divergence` of a student from the teacher, where labels ask for predictions.

        Args:
            logits: The student's, of the whole batch: (B, C), or (B, L, C) of sequences.
            batch: What they belong to.
            temperature: T.
        """
        teacher, student = (asked(z, batch.labels).logits for z in (self(batch.inputs), logits))
        return divergence(teacher, student, temperature)


def require_untrained(data: UnlearningData, method: str) -> Callable[[], nn.Module]:
    """Returns what makes an untrained model.

    Raises:
        InputError: When the task has none.
    """
    if data.fresh_model is None:
        raise InputError(
            f"method: {method!r} needs an untrained model; give the data a fresh_model or choose "
            "another method."
        )
    return data.fresh_model


def untrained(setting: Setting, method: str) -> nn.Module:
    """Makes an untrained model whose weights depend on the run's generator alone.

    The random state of the caller is left as it is.

    Args:
        setting: The run.
        method: Name of the method, for the message.

    Returns:
        The model, on the device of the data.

    Raises:
        InputError: When the task has none.
    """
    make = require_untrained(setting.data, method)
    draws = setting.streams.generator("weights")
    seed = int(torch.randint(2**62, (), generator=draws, device=draws.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = make()
    return model.to(setting.data.retain.inputs.device)
