"""Sweep machine-unlearning methods and see the forget-versus-retain front."""

from pareto_explorer._version import __version__

__all__ = ["__version__"]
