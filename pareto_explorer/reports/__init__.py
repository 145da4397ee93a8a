"""Reports of a run: cards, and the pages that they make up."""

from pareto_explorer.reports.card import Card
from pareto_explorer.reports.report import write_report

__all__ = ["Card", "write_report"]
