"""Whole unlearning procedures: generators of models."""

from pareto_explorer.unlearning.methods._descent import GradientMethod, Method, Setting
from pareto_explorer.unlearning.methods.bad_teacher import BadTeacher
from pareto_explorer.unlearning.methods.boundary_expand import BoundaryExpand
from pareto_explorer.unlearning.methods.boundary_shrink import BoundaryShrink
from pareto_explorer.unlearning.methods.calibrated import RAULCalibrated
from pareto_explorer.unlearning.methods.controls import DoNothing, FineTune, GradientAscent, Retrain
from pareto_explorer.unlearning.methods.entanglement import Entanglement
from pareto_explorer.unlearning.methods.fisher_forgetting import FisherForgetting
from pareto_explorer.unlearning.methods.influence import InfluenceUnlearning
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent
from pareto_explorer.unlearning.methods.l1_sparse import L1Sparse
from pareto_explorer.unlearning.methods.neg_merge import NegMerge
from pareto_explorer.unlearning.methods.negated_layer import NegatedLayer
from pareto_explorer.unlearning.methods.negative_gradient_plus import NegativeGradientPlus
from pareto_explorer.unlearning.methods.random_labelling import RandomLabelling
from pareto_explorer.unlearning.methods.salun import SalUn, SalUnSoft
from pareto_explorer.unlearning.methods.scrub import Scrub
from pareto_explorer.unlearning.methods.sfron import SFRon
from pareto_explorer.unlearning.methods.ssd import SelectiveSynapticDampening
from pareto_explorer.unlearning.methods.task_vector import TaskVector

__all__ = [
    "BadTeacher",
    "BoundaryExpand",
    "BoundaryShrink",
    "DoNothing",
    "Entanglement",
    "FineTune",
    "FisherForgetting",
    "GradientAscent",
    "GradientMethod",
    "InfluenceUnlearning",
    "JacobianDescent",
    "L1Sparse",
    "Method",
    "NegMerge",
    "NegatedLayer",
    "NegativeGradientPlus",
    "RAULCalibrated",
    "RandomLabelling",
    "Retrain",
    "SFRon",
    "SalUn",
    "SalUnSoft",
    "Scrub",
    "SelectiveSynapticDampening",
    "Setting",
    "TaskVector",
]
