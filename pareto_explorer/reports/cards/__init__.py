"""The cards of a report, one to a module: each turns the material of a run into a card."""

from pareto_explorer.reports.cards.failures import failures_card
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.cards.front_points import front_points_card
from pareto_explorer.reports.cards.hypervolume import hypervolume_card
from pareto_explorer.reports.cards.specification import specification_card

__all__ = ["CARDS"]

CARDS = (
    finding_card,
    front_card,
    hypervolume_card,
    front_points_card,
    failures_card,
    specification_card,
)
