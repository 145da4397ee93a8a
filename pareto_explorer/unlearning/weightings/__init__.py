"""Rules that turn the Gramian of (g_retain, g_forget) into (w_retain, w_forget).

Each is a ``torchjd.aggregation.Weighting`` on positive semi-definite matrices, so it can be used
with TorchJD and beside TorchJD's own. Differences: a rule here takes Gramians of shape
(..., 2, 2), any number of them at once, and never makes the host wait for the device.

| weighting | step d | no loss rises to first order |
|---|---|---|
| :class:`WeightedSum` | (1 − λ) g_r + λ g_f | no |
| :class:`Mean` | (g_r + g_f) / 2 | no |
| :class:`UPGrad` | mean of both gradients, each projected on the dual cone | yes |
| :class:`UPGradTorchJD` | the same of a regularised Gramian | lost at unequal norms |
| :class:`PCGrad` | sum of both gradients, each projected on the dual cone | yes |
| :class:`DualProj` | projection of a convex combination on the dual cone | yes |
| :class:`MGDA` | shortest convex combination | yes |
| :class:`CUP` | a ray of the dual cone chosen by the intensity | yes |
| :class:`ConFIG` | a ray of the dual cone chosen by the preference | yes |
| :class:`NGDiff` | ĝ_r + ĝ_f | yes |
| :class:`MUNBa` | the bisector at length √2 | yes |
| :class:`IMTLG` | the bisector at the scale of the shorter gradient | yes |
| :class:`FairGrad` | α-fair shares of the progress | yes, for α > 0 |
| :class:`NashMTL` | MUNBa's, by TorchJD's solver | as far as it converges |
| :class:`CAGrad` | best worst case in a ball around the mean | from ρ = 1 on |
| :class:`AlignedMTL` | combination of the aligned gradients | no |
| :class:`GRU` | g_f, rectified against g_r | yes |
| :class:`EUPMU` | g_f, rectified to a tolerance | retain by at most ε |
| :class:`FedOSD` | g_f turned to be orthogonal to g_r | yes |

Directions are compared in units of length by NGDiff, MUNBa and Nash-MTL, and in units of the
gradients by the others: a learning rate that suits one rule does not suit all.
"""

from pareto_explorer.unlearning.weightings.aligned_mtl import AlignedMTL
from pareto_explorer.unlearning.weightings.cagrad import CAGrad
from pareto_explorer.unlearning.weightings.config import ConFIG
from pareto_explorer.unlearning.weightings.cup import CUP
from pareto_explorer.unlearning.weightings.dualproj import DualProj
from pareto_explorer.unlearning.weightings.eupmu import EUPMU
from pareto_explorer.unlearning.weightings.fairgrad import FairGrad
from pareto_explorer.unlearning.weightings.fedosd import FedOSD
from pareto_explorer.unlearning.weightings.gru import GRU
from pareto_explorer.unlearning.weightings.imtl_g import IMTLG
from pareto_explorer.unlearning.weightings.mean import Mean
from pareto_explorer.unlearning.weightings.mgda import MGDA
from pareto_explorer.unlearning.weightings.munba import MUNBa
from pareto_explorer.unlearning.weightings.nash_mtl import NashMTL
from pareto_explorer.unlearning.weightings.ngdiff import NGDiff
from pareto_explorer.unlearning.weightings.pcgrad import PCGrad
from pareto_explorer.unlearning.weightings.upgrad import UPGrad
from pareto_explorer.unlearning.weightings.upgrad_torchjd import UPGradTorchJD
from pareto_explorer.unlearning.weightings.weighted_sum import WeightedSum

__all__ = [
    "CUP",
    "EUPMU",
    "GRU",
    "IMTLG",
    "MGDA",
    "AlignedMTL",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "FairGrad",
    "FedOSD",
    "MUNBa",
    "Mean",
    "NGDiff",
    "NashMTL",
    "PCGrad",
    "UPGrad",
    "UPGradTorchJD",
    "WeightedSum",
]
