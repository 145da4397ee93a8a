"""The cards of a report, one to a module: each turns the material of a run into a card."""

from pareto_explorer.reports.cards.anytime import anytime_card
from pareto_explorer.reports.cards.attainment import attainment_card
from pareto_explorer.reports.cards.audit import audit_card
from pareto_explorer.reports.cards.choose import choose_card
from pareto_explorer.reports.cards.contributions import contributions_card
from pareto_explorer.reports.cards.diagnostics import diagnostics_card
from pareto_explorer.reports.cards.differences import differences_card
from pareto_explorer.reports.cards.failures import failures_card
from pareto_explorer.reports.cards.finding import finding_card
from pareto_explorer.reports.cards.front import front_card
from pareto_explorer.reports.cards.hypervolume import hypervolume_card
from pareto_explorer.reports.cards.importance import importance_card
from pareto_explorer.reports.cards.indicators import indicators_card
from pareto_explorer.reports.cards.next import next_card
from pareto_explorer.reports.cards.notes import notes_card
from pareto_explorer.reports.cards.points import points_card
from pareto_explorer.reports.cards.ranges import ranges_card
from pareto_explorer.reports.cards.runs import runs_card
from pareto_explorer.reports.cards.specification import specification_card

__all__ = ["CARDS", "FOLLOWING"]

CARDS = (
    finding_card,
    front_card,
    choose_card,
    points_card,
    notes_card,
    next_card,
    runs_card,
    audit_card,
    hypervolume_card,
    attainment_card,
    differences_card,
    anytime_card,
    diagnostics_card,
    ranges_card,
    importance_card,
    indicators_card,
    contributions_card,
    failures_card,
    specification_card,
)
"""All of them, in the order of the page."""

FOLLOWING = (front_card, choose_card, points_card, notes_card, hypervolume_card, failures_card)
"""Those that cost little, and follow every point on a page that is open."""
