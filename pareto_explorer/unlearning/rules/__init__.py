"""Aggregators that need more than one Gramian: losses, rows, a history, or feedback.

A :class:`Rule` sees a :class:`Step` and takes part in a :class:`Descent`; it stands wherever a
weighting may. Three keep a state but need the Gramian only, so they are weightings: each run of a
method works on a copy.

| rule | what it sees | step d |
|---|---|---|
| :class:`HAMUQ` | Gramian per tensor, stops | best for retain, forget by a quota |
| :class:`HAMUU` | Gramian per tensor, stops | best for forget, retain by a gain |
| :class:`BarrierForget` | losses | retain gradient, forget loss to a level |
| :class:`BarrierRetain` | losses | forget gradient, retain loss to a level |
| :class:`EUPMUImplicit` | retain loss after the step | g_f + λ g_r, λ learned |
| :class:`MoCo` | rows | min-norm point of tracked gradients |
| :class:`SDMGrad` | three pairs of batches | preferred min-norm point |
| :class:`MoDo` | two pairs of batches | min-norm point |
| :class:`ExcessMTL` | rows so far | more of the loss further from its optimum |
| :class:`TrackedRetain` | rows | a weighting's, on a mean retain gradient |
| :class:`GradDrop` | rows | one sign per coordinate |
| :class:`STCH`, :class:`PBI`, :class:`COSMOS` | losses | a scalar's gradient |
| :class:`GeometricMean` | losses | a scalar's gradient |
| :class:`UW`, :class:`IMTLL`, :class:`DWA` | losses so far | a scalar's gradient |
| :class:`FAMO` | losses after the step | a scalar's gradient |
| :class:`PCD`, :class:`GradVac`, :class:`CRMOGM` | Gramians so far | see there |
"""

from pareto_explorer.unlearning.rules.barrier import BarrierForget, BarrierRetain
from pareto_explorer.unlearning.rules.cosmos import COSMOS
from pareto_explorer.unlearning.rules.cr_mogm import CRMOGM
from pareto_explorer.unlearning.rules.dwa import DWA
from pareto_explorer.unlearning.rules.eupmu_implicit import EUPMUImplicit
from pareto_explorer.unlearning.rules.excess_mtl import ExcessMTL
from pareto_explorer.unlearning.rules.famo import FAMO
from pareto_explorer.unlearning.rules.geometric_mean import GeometricMean
from pareto_explorer.unlearning.rules.graddrop import GradDrop
from pareto_explorer.unlearning.rules.gradvac import GradVac
from pareto_explorer.unlearning.rules.hamu import HAMUQ, HAMUU
from pareto_explorer.unlearning.rules.imtl_l import IMTLL
from pareto_explorer.unlearning.rules.moco import MoCo
from pareto_explorer.unlearning.rules.modo import MoDo
from pareto_explorer.unlearning.rules.pbi import PBI
from pareto_explorer.unlearning.rules.pcd import PCD
from pareto_explorer.unlearning.rules.rule import Descent, Rule, Step
from pareto_explorer.unlearning.rules.sdmgrad import SDMGrad
from pareto_explorer.unlearning.rules.stch import STCH
from pareto_explorer.unlearning.rules.tracked_retain import TrackedRetain
from pareto_explorer.unlearning.rules.uw import UW

__all__ = [
    "COSMOS",
    "CRMOGM",
    "DWA",
    "FAMO",
    "HAMUQ",
    "HAMUU",
    "IMTLL",
    "PBI",
    "PCD",
    "STCH",
    "UW",
    "BarrierForget",
    "BarrierRetain",
    "Descent",
    "EUPMUImplicit",
    "ExcessMTL",
    "GeometricMean",
    "GradDrop",
    "GradVac",
    "MoCo",
    "MoDo",
    "Rule",
    "SDMGrad",
    "Step",
    "TrackedRetain",
]
