"""RAUL's calibrated variant: Jacobian descent on three objectives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pareto_explorer.errors import unknown
from pareto_explorer.unlearning.core.data import UnlearningData, require_classes
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.gradients import Jacobian, gradient
from pareto_explorer.unlearning.core.knobs import KnobSpec, below_one, not_negative, one_of
from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.core.references import References
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform_reverse
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, uncompiled
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "TRIPLE_AGGREGATORS", "RAULCalibrated", "calibration"]

#: TorchJD's rules for any number of objectives that need no solver beyond its own, by the names of
#: its classes, and whether a rule projects with our projector instead of its own.
TRIPLE_AGGREGATORS: Mapping[str, tuple[str, bool]] = {
    "upgrad": ("UPGradWeighting", True),
    "upgrad_torchjd": ("UPGradWeighting", False),
    "dualproj": ("DualProjWeighting", True),
    "mgda": ("MGDAWeighting", False),
    "mean": ("MeanWeighting", False),
    "pcgrad": ("PCGradWeighting", False),
    "imtl_g": ("IMTLGWeighting", False),
    "aligned_mtl": ("AlignedMTLWeighting", False),
}


@dataclass(frozen=True, kw_only=True)
class RAULCalibrated(GradientMethod):
    """Descends on the retain loss and two forget objectives at once.

    The objectives are the task's loss on a retain batch, KL(p‖U) of a forget batch
    (`kl_uniform_reverse`), and the `calibration` of the same forget batch. The last keeps some
    confidence in the forget labels while the second removes all of it, which is meant to let go of
    the forget set gradually. One of TorchJD's rules for any number of objectives turns the 3×3
    Gramian of the gradients into three weights.

    A step is judged on the host, as TorchJD's solvers are, so the host waits for the device in
    each one. Both forget rows come from one forward pass, and the ledger counts two backward.

    Source: RAUL (arXiv 2606.00399), UniDist_Calib as its code has it. Not carried over:
    log(softmax) with 1e-10 added, in place of log_softmax; iterators that repeat the first pass's
    batches; TorchJD's default regularisation, which is ``upgrad_torchjd`` here. CAGrad and
    Nash-MTL, which the code builds without the arguments that they require, are left out.

    Attributes:
        triple_aggregator: A name in :data:`TRIPLE_AGGREGATORS`.
        smoothing: Share of the calibration target that goes to the other classes, in [0, 1].
        confidence_penalty: Weight of the mean largest probability in the calibration.

    Raises:
        InputError: When the aggregator has no such name.
        ImportError: When the package that it solves with is missing.
    """

    lr: float = 0.1
    triple_aggregator: str = "upgrad"
    smoothing: float = 0.15
    confidence_penalty: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.triple_aggregator not in TRIPLE_AGGREGATORS:
            raise unknown("triple_aggregator", self.triple_aggregator, TRIPLE_AGGREGATORS)
        _torchjds(self.triple_aggregator)  # a solver that is missing fails here

    def require(self, data: UnlearningData) -> None:
        """Raises an :class:`InputError` when labels are tokens."""
        require_classes(data, "method", "raul_calibrated", "'jacobian_descent'")

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        model, parameters, ledger = setting.model, setting.parameters, setting.ledger
        retain, forget = (setting.streams.batches(name) for name in ("retain", "forget"))
        references = References(model, setting.data, setting.streams, ledger, kl_uniform_reverse)
        jacobian = Jacobian(parameters, objectives=3)
        weighting = _torchjds(self.triple_aggregator)

        def write_gradients() -> None:
            batch_r, batch_f = next(retain), next(forget)
            loss_r = setting.data.loss(model(batch_r.inputs), batch_r.labels)
            with uncompiled():  # two losses go backward through this pass
                logits = model(batch_f.inputs)
            loss_f = kl_uniform_reverse(ForgetBatch(logits, batch_f.labels, references))
            loss_c = calibration(logits, batch_f.labels, self.smoothing, self.confidence_penalty)
            losses = (loss_r, loss_f, loss_c)
            for row, loss in enumerate(losses):
                jacobian.write(row, gradient(loss, parameters, keep_graph=loss is loss_f))
            gramian = jacobian.gramian()
            weights = _weigh(weighting, gramian)
            jacobian.combine(weights)

            samples = len(batch_r) + len(batch_f)
            ledger.count(forward=samples, backward=samples + len(batch_f))
            ledger.observe(_diagnostics, torch.stack(losses), weights, gramian)

        return write_gradients


def calibration(logits: Tensor, labels: Tensor, smoothing: float, penalty: float) -> Tensor:
    """Cross-entropy to smoothed labels plus ``penalty`` times the mean largest probability.

    The target has 1 − ``smoothing`` at the label and the rest in equal shares at the C − 1 other
    classes, whereas PyTorch's label smoothing gives the label such a share too.

    Args:
        logits: Tensor of shape (B, C).
        labels: Integer tensor of shape (B,).
        smoothing: Share of the other classes, in [0, 1].
        penalty: Weight of the largest probability.
    """
    log_p = logits.log_softmax(1)
    own = log_p.gather(1, labels[:, None]).squeeze(1)
    others = (log_p.sum(1) - own) / (log_p.shape[1] - 1)
    smooth = -((1 - smoothing) * own + smoothing * others).mean()
    return smooth + penalty * log_p.amax(1).exp().mean()


def _torchjds(name: str) -> Callable[[Tensor], Tensor]:
    """Makes a rule; TorchJD imports its solvers, so that it is imported here only."""
    from torchjd import aggregation

    from pareto_explorer.unlearning.methods._balanced_projector import BalancedProjector

    rule, balanced = TRIPLE_AGGREGATORS[name]
    make = getattr(aggregation, rule)
    return make(projector=BalancedProjector()) if balanced else make()


def _weigh(weighting: Callable[[Tensor], Tensor], gramian: Tensor) -> Tensor:
    """Weighs three gradients; NaN where they are not finite, on which solvers would fail."""
    if not bool(gramian.isfinite().all()):
        return torch.full_like(gramian[0], torch.nan)
    return weighting(gramian)


def _diagnostics(losses: Tensor, weights: Tensor, gramians: Tensor) -> dict[str, Tensor]:
    """Columns of n steps about the first two objectives."""
    norms = gramians.diagonal(dim1=-2, dim2=-1).sqrt()
    product, scale = gramians[:, 0, 1], norms[:, 0] * norms[:, 1]
    return {
        "loss_retain": losses[:, 0],
        "loss_forget": losses[:, 1],
        "weight_retain": weights[:, 0],
        "weight_forget": weights[:, 1],
        "norm_retain": norms[:, 0],
        "norm_forget": norms[:, 1],
        "cosine": torch.where(scale > 0, product / scale, 0.0),
        "hardness": -product,
    }


ENTRIES = (
    Entry.of(
        "raul_calibrated",
        RAULCalibrated,
        summary=(
            "Descends on the retain loss, KL(p‖U) and a calibration loss on the forget set at once."
        ),
        source="RAUL, Khosrowshahi et al., arXiv 2606.00399 (UniDist_Calib in its code)",
        defects="log(softmax); repeated cached batches",
        knobs=optimiser([0.01, 0.3])
        | {
            "triple_aggregator": KnobSpec(
                None, f"one of {', '.join(TRIPLE_AGGREGATORS)}", one_of(tuple(TRIPLE_AGGREGATORS))
            ),
            "smoothing": KnobSpec(
                {"uniform": [0.05, 0.9]},
                "share of the other classes in the calibration target",
                below_one,
            ),
            "confidence_penalty": KnobSpec(
                None, "weight of the mean largest probability in the calibration", not_negative
            ),
        },
    ),
)
