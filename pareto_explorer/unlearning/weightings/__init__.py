"""Rules that turn the Gramian of (g_retain, g_forget) into (w_retain, w_forget).

Each is a ``torchjd.aggregation.Weighting`` on positive semi-definite matrices, so it can be used
with TorchJD and beside TorchJD's own. Differences: a rule here takes Gramians of shape
(..., 2, 2), any number of them at once, and never makes the host wait for the device.

| weighting | step d | first-order promise |
|---|---|---|
| :class:`WeightedSum` | (1 − λ) g_r + λ g_f | none |
| :class:`Mean` | (g_r + g_f) / 2 | none |
| :class:`UPGrad` | mean of both gradients, each projected on the dual cone | neither loss rises |
| :class:`UPGradTorchJD` | the same of a regularised Gramian | lost at unequal norms |
| :class:`MGDA` | shortest convex combination | neither loss rises |
| :class:`CUP` | a ray of the dual cone chosen by the intensity | neither loss rises |
"""

from pareto_explorer.unlearning.weightings.cup import CUP
from pareto_explorer.unlearning.weightings.mean import Mean
from pareto_explorer.unlearning.weightings.mgda import MGDA
from pareto_explorer.unlearning.weightings.upgrad import UPGrad
from pareto_explorer.unlearning.weightings.upgrad_torchjd import UPGradTorchJD
from pareto_explorer.unlearning.weightings.weighted_sum import WeightedSum

__all__ = ["CUP", "MGDA", "Mean", "UPGrad", "UPGradTorchJD", "WeightedSum"]
