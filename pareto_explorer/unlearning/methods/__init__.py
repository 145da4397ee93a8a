"""Whole unlearning procedures: generators of models."""

from pareto_explorer.unlearning.methods.descent import GradientMethod, Method, Setting
from pareto_explorer.unlearning.methods.fine_tune import FineTune
from pareto_explorer.unlearning.methods.gradient_ascent import GradientAscent
from pareto_explorer.unlearning.methods.jacobian_descent import JacobianDescent
from pareto_explorer.unlearning.methods.none import DoNothing

__all__ = [
    "DoNothing",
    "FineTune",
    "GradientAscent",
    "GradientMethod",
    "JacobianDescent",
    "Method",
    "Setting",
]
