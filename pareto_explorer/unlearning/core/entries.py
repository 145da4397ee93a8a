"""Entries: what is known of an aggregator, a method or a forget loss, and where it is found."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from pareto_explorer.unlearning.core.knobs import Knob, KnobSpec

__all__ = ["Entry", "arguments", "collect", "keyword_only"]


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes:
        name: The name in a search space.
        build: Takes the knobs by keyword and returns the object.
        knobs: The knobs, in the order in which lists show them.
        summary: One sentence.
        source: Paper and section.
        needs: For methods: what else ``build`` takes, of ``aggregator`` and ``forget_loss``.
        defects: What was wrong in published code and was not carried over; empty if nothing is
            known.
    """

    name: str
    build: Callable[..., Any]
    knobs: tuple[Knob, ...]
    summary: str
    source: str
    needs: frozenset[str] = frozenset()
    defects: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        build: Callable[..., Any],
        *,
        summary: str,
        source: str,
        defects: str = "",
        knobs: Mapping[str, KnobSpec] = MappingProxyType({}),
    ) -> Entry:
        """Makes the entry of an aggregator or a method, to stand beside its class.

        Args:
            name: The name in a search space.
            build: The class, or a function that makes the object. Its arguments are the knobs,
                and their defaults are the knobs' own.
            summary: One sentence.
            source: Paper and section.
            defects: What was wrong in published code and was not carried over.
            knobs: What is to be said of each argument.

        Raises:
            TypeError: When an argument is left out or has no default, or there is no such one.
        """
        taken = arguments(build)
        needs = frozenset(taken) & {"aggregator", "forget_loss"}
        described = _described(name, taken, needs, knobs)
        return cls(name, build, described, summary, source, needs, defects)

    @classmethod
    def of_loss(
        cls,
        name: str,
        loss: Callable[..., Any],
        *,
        summary: str,
        source: str,
        defects: str = "",
        knobs: Mapping[str, KnobSpec] = MappingProxyType({}),
    ) -> Entry:
        """Does the same for a forget loss, whose knobs are its keyword-only arguments."""
        taken = keyword_only(loss)
        described = _described(name, taken, frozenset(), knobs)
        return cls(name, partial(partial, loss), described, summary, source, defects=defects)


def _described(
    name: str,
    taken: Mapping[str, inspect.Parameter],
    needs: frozenset[str],
    knobs: Mapping[str, KnobSpec],
) -> tuple[Knob, ...]:
    """Joins what is said of arguments with their defaults."""
    defaults = {key: argument.default for key, argument in taken.items() if key not in needs}
    if defaults.keys() != knobs.keys() or inspect.Parameter.empty in defaults.values():
        raise TypeError(
            f"entry {name!r} describes the knobs {sorted(knobs)}, which have to be the arguments "
            f"{sorted(defaults)}, each with a default"
        )
    return tuple(Knob(key, defaults[key], *spec) for key, spec in knobs.items())


def arguments(build: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Lists what a class or a function takes by keyword."""
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = inspect.signature(build).parameters
    return {name: argument for name, argument in taken.items() if argument.kind in kinds}


def keyword_only(loss: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Lists what a function takes by keyword only: the knobs of a forget loss."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return {name: taken for name, taken in arguments(loss).items() if taken.kind is kind}


def collect(package: str) -> dict[str, Entry]:
    """Collects the ``ENTRIES`` of all modules of a package whose names do not start with ``_``.

    Returns:
        The entries by name, in alphabetical order.

    Raises:
        ValueError: When two entries have one name.
    """
    path = importlib.import_module(package).__path__
    names = [found.name for found in pkgutil.iter_modules(path) if not found.name.startswith("_")]
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    entries: list[Entry] = [entry for module in modules for entry in module.ENTRIES]
    collected = {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}
    if len(collected) < len(entries):
        twice = {entry.name for entry in entries if entry is not collected[entry.name]}
        raise ValueError(f"two entries of {package} have one name: {', '.join(sorted(twice))}")
    return collected
