"""``python -m pareto_explorer``."""

from pareto_explorer.cli import main

main()
