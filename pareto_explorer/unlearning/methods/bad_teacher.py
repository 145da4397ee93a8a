"""Bad teacher: obey the original on the retain set and an untrained model on the forget set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.tasks import Samples
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods._phases import weighted
from pareto_explorer.unlearning.methods._teachers import (
    TEMPERATURE,
    Teacher,
    require_untrained,
    untrained,
)

__all__ = ["ENTRIES", "BadTeacher"]


@dataclass(frozen=True, kw_only=True)
class BadTeacher(GradientMethod):
    """Descends on (1 − w)·KL(θ0‖θ) on D_r + w·KL(θ_bad‖θ) on D_f.

    θ0 is the original model and θ_bad an untrained one, both frozen and in eval mode, and
    predictions are softened by a temperature (the divergences are scaled by its square). No label
    is read; of sequences, only which tokens have one.

    Source: Chundawat et al., *Can Bad Teaching Induce Forgetting?* (arXiv 2205.08096), whose code
    mixes D_f with 30 % of D_r into the same batches; here each step reads one batch of each set,
    and w says what either counts. Its divergence is averaged over classes as well as samples,
    which divides the learning rate by C; this one is averaged over samples.

    Attributes:
        temperature: T.
        forget_weight: w.
    """

    lr: float = 0.1
    temperature: float = 1.0
    forget_weight: float = 0.5

    def require(self, data: UnlearningData) -> None:
        """Raises an :class:`InputError` when the task cannot make an untrained model."""
        require_untrained(data, "bad_teacher")

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        good = Teacher(setting.model, setting.ledger)
        bad = Teacher(untrained(setting, "bad_teacher"), setting.ledger)

        def obey(teacher: Teacher) -> Callable[[Tensor, Samples], Tensor]:
            return lambda logits, batch: teacher.distance(logits, batch, self.temperature)

        return weighted(setting, obey(good), obey(bad), self.forget_weight)


ENTRIES = (
    Entry.of(
        "bad_teacher",
        BadTeacher,
        summary=(
            "Learns an untrained model's predictions on the forget set, the original's elsewhere."
        ),
        source="Chundawat et al., arXiv 2205.08096",
        knobs=optimiser([0.01, 0.3])
        | {
            "temperature": TEMPERATURE,
            "forget_weight": KnobSpec(
                {"uniform": [0.1, 0.9]}, "share of the untrained teacher", fraction
            ),
        },
    ),
)
