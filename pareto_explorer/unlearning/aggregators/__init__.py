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

from __future__ import annotations

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators._tracked_retain import TrackedRetain
from pareto_explorer.unlearning.aggregators.aligned_mtl import AlignedMTL
from pareto_explorer.unlearning.aggregators.barrier import BarrierForget, BarrierRetain
from pareto_explorer.unlearning.aggregators.cagrad import CAGrad
from pareto_explorer.unlearning.aggregators.config import ConFIG
from pareto_explorer.unlearning.aggregators.cr_mogm import CRMOGM
from pareto_explorer.unlearning.aggregators.cup import CUP
from pareto_explorer.unlearning.aggregators.dualproj import DualProj
from pareto_explorer.unlearning.aggregators.eupmu import EUPMU
from pareto_explorer.unlearning.aggregators.eupmu_implicit import EUPMUImplicit
from pareto_explorer.unlearning.aggregators.excess_mtl import ExcessMTL
from pareto_explorer.unlearning.aggregators.fairgrad import FairGrad
from pareto_explorer.unlearning.aggregators.fedosd import FedOSD
from pareto_explorer.unlearning.aggregators.graddrop import GradDrop
from pareto_explorer.unlearning.aggregators.gradvac import GradVac
from pareto_explorer.unlearning.aggregators.gru import GRU
from pareto_explorer.unlearning.aggregators.hamu import HAMUQ, HAMUU
from pareto_explorer.unlearning.aggregators.imtl_g import IMTLG
from pareto_explorer.unlearning.aggregators.imtl_l import IMTLL
from pareto_explorer.unlearning.aggregators.mgda import MGDA
from pareto_explorer.unlearning.aggregators.moco import MoCo
from pareto_explorer.unlearning.aggregators.modo import MoDo
from pareto_explorer.unlearning.aggregators.munba import MUNBa
from pareto_explorer.unlearning.aggregators.nash_mtl import NashMTL
from pareto_explorer.unlearning.aggregators.ngdiff import NGDiff
from pareto_explorer.unlearning.aggregators.pcd import PCD
from pareto_explorer.unlearning.aggregators.pcgrad import PCGrad
from pareto_explorer.unlearning.aggregators.scalarised import (
    COSMOS,
    DWA,
    FAMO,
    PBI,
    STCH,
    UW,
    GeometricMean,
)
from pareto_explorer.unlearning.aggregators.sdmgrad import SDMGrad
from pareto_explorer.unlearning.aggregators.upgrad import UPGrad, UPGradTorchJD
from pareto_explorer.unlearning.aggregators.weighted_sum import Mean, WeightedSum

__all__ = [
    "COSMOS",
    "CRMOGM",
    "CUP",
    "DWA",
    "EUPMU",
    "FAMO",
    "GRU",
    "HAMUQ",
    "HAMUU",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "PBI",
    "PCD",
    "STCH",
    "UW",
    "AlignedMTL",
    "BarrierForget",
    "BarrierRetain",
    "CAGrad",
    "ConFIG",
    "Descent",
    "DualProj",
    "EUPMUImplicit",
    "ExcessMTL",
    "FairGrad",
    "FedOSD",
    "GeometricMean",
    "GradDrop",
    "GradVac",
    "MUNBa",
    "Mean",
    "MoCo",
    "MoDo",
    "NGDiff",
    "NashMTL",
    "PCGrad",
    "Rule",
    "SDMGrad",
    "Step",
    "TrackedRetain",
    "UPGrad",
    "UPGradTorchJD",
    "WeightedSum",
]
