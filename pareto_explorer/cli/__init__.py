"""The command line: parse, call, print."""

from pareto_explorer.cli.app import main

__all__ = ["main"]
