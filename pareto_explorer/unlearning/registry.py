"""From names to methods: the lookups that search spaces and lists are built on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.trust.own_code import find, is_own, returns, takes
from pareto_explorer.unlearning.aggregators import Rule, Weighting
from pareto_explorer.unlearning.core.entries import Entry, arguments, collect, keyword_only
from pareto_explorer.unlearning.core.knobs import Knob
from pareto_explorer.unlearning.core.losses import ForgetBatch
from pareto_explorer.unlearning.methods import GradientMethod, Method, OneShot
from pareto_explorer.unlearning.methods._continuation import Path, read_path

__all__ = [
    "AGGREGATORS",
    "FORGET_LOSSES",
    "METHODS",
    "UNMARKED",
    "WEIGHTINGS",
    "Entry",
    "Knob",
    "is_part",
    "knobs_of",
    "make_method",
    "path_of",
    "resolve",
]

METHODS = collect("pareto_explorer.unlearning.methods")
AGGREGATORS = collect("pareto_explorer.unlearning.aggregators")
FORGET_LOSSES = collect("pareto_explorer.unlearning.forget_losses")
#: The former name of :data:`AGGREGATORS`.
WEIGHTINGS = AGGREGATORS

_PARTS = {"method": METHODS, "aggregator": AGGREGATORS, "forget_loss": FORGET_LOSSES}
UNMARKED = {
    "method": "is no method, so it is not called; derive it from "
    "pareto_explorer.unlearning.Method.",
    "aggregator": "is no aggregator, so it is not called; derive it from "
    "Weighting or Rule of pareto_explorer.unlearning, or from torchjd.aggregation.Weighting.",
    "forget_loss": "is no forget loss, so it is not called; annotate its batch as "
    "pareto_explorer.unlearning.ForgetBatch.",
}
"""What to say of each part that ``is_part`` does not take for one."""


def resolve(part: str, name: object, where: str | None = None) -> Entry:
    """Looks a name up.

    Args:
        part: ``method``, ``aggregator`` or ``forget_loss``.
        name: A registered name, or ``package.module:name`` of a user's own object: an
            :class:`Entry`, a class whose constructor arguments are its knobs (a method's
            ``aggregator`` and ``forget_loss`` are not knobs), or, for a forget loss, a function
            of a batch whose keyword-only arguments are its knobs. Knobs need defaults.
        where: Begins the message of an error; the part by default.

    Raises:
        InputError: When there is no such thing.
    """
    if isinstance(name, str) and ":" in name:
        return _imported(part, name, where or part)
    if not isinstance(name, str) or name not in _PARTS[part]:
        raise unknown(where or part, name, _PARTS[part])
    return _PARTS[part][name]


def is_part(part: str, found: object) -> bool:
    """Whether something says of itself that it is a part of a family.

    Args:
        part: ``method``, ``aggregator`` or ``forget_loss``.
        found: An :class:`Entry`; for a method, a class that derives from :class:`Method`, or a
            function that is annotated to return one; for an aggregator, likewise with
            :class:`Rule` or :class:`Weighting`, ours or TorchJD's; for a forget loss, what has an
            argument annotated as :class:`ForgetBatch`.
    """
    if isinstance(found, Entry):
        return True
    if part == "forget_loss":
        return takes(found, ForgetBatch)
    if part == "method":
        return returns(found, Method, GradientMethod, OneShot)
    from torchjd import aggregation  # with its solvers: for code of a user's own only

    return returns(found, Weighting, Rule, aggregation.Weighting)


def knobs_of(
    method: str, aggregator: str | None = None, forget_loss: str | None = None
) -> dict[str, Knob]:
    """Returns all knobs of a family by name.

    Raises:
        InputError: When a name is unknown, when the method lacks a part that it needs, or when a
            part is given that it does not take.
    """
    return _merged(_parts(method, aggregator, forget_loss))


def make_method(config: Mapping[str, Any]) -> Method:
    """Builds a method from a configuration.

    Args:
        config: ``method``, ``aggregator`` and ``forget_loss`` as :func:`knobs_of` takes them, and
            values of knobs; those left out keep their defaults.

    Raises:
        InputError: When a name or a knob is unknown, a value is out of its range, or a package
            that a part solves with is missing.
    """
    chosen = dict(config)
    names = [chosen.pop(part, None) for part in _PARTS]
    parts = _parts(*names)
    knobs = _merged(parts)
    for name, value in chosen.items():
        if name not in knobs:
            raise unknown("knob", name, knobs)
        knobs[name].validate(value, name)
    path = path_of(parts["method"].name, chosen, knobs)
    if path is not None:
        chosen[path.knob] = path.first

    def build(part: str, **others: Any) -> Any:
        entry = parts[part]
        values = {knob.name: chosen.get(knob.name, knob.default) for knob in entry.knobs}
        try:
            return entry.build(**others, **values)
        except ImportError as error:
            raise InputError(
                f"{part}: {entry.name!r} needs a missing package ({error})."
            ) from error

    needed = {part: build(part) for part in parts if part != "method"}
    return cast("Method", build("method", **needed))


def path_of(
    method: str,
    chosen: Mapping[str, Any],
    knobs: Mapping[str, Knob],
    named: Callable[[str], str] = str,
) -> Path | None:
    """Reads the path along which a knob of a configuration moves.

    Args:
        method: The method.
        chosen: Values by knob, without those that keep their defaults.
        knobs: What :func:`knobs_of` gives.
        named: What messages call a knob.

    Returns:
        The path; ``None`` where nothing moves.

    Raises:
        InputError: The path does not go with the other knobs.
    """
    if method != "jacobian_descent":
        return None
    fixed = {knob.name for knob in METHODS[method].knobs} - {"lr"}
    return read_path(chosen, knobs, fixed, named)


def _parts(method: object, aggregator: object, forget_loss: object) -> dict[str, Entry]:
    """Looks up what a family consists of."""
    entries = {"method": resolve("method", method)}
    for part, name in (("aggregator", aggregator), ("forget_loss", forget_loss)):
        needed = part in entries["method"].needs
        if needed and name is None:
            raise InputError(
                f"{part}: method {method!r} needs one; choose from {', '.join(_PARTS[part])}."
            )
        if name is not None and not needed:
            raise InputError(f"{part}: method {method!r} takes none; remove {name!r}.")
        if needed:
            entries[part] = resolve(part, name)
    return entries


def _merged(parts: Mapping[str, Entry]) -> dict[str, Knob]:
    """Collects the knobs of all parts, whose names must differ."""
    knobs: dict[str, Knob] = {}
    for part, entry in parts.items():
        for knob in entry.knobs:
            if knob.name in knobs:
                raise InputError(
                    f"{part}: {entry.name!r} has a knob {knob.name!r}, as another part of the "
                    "family has; rename it."
                )
            knobs[knob.name] = knob
    return knobs


def _imported(part: str, path: str, where: str) -> Entry:
    """Makes an entry of a user's own object."""
    found = find(path, where)
    if isinstance(found, Entry):
        return found
    if not callable(found):
        raise InputError(f"{where}: {path!r} is neither a class nor a function.")
    if not (is_part(part, found) or is_own(found)):
        raise InputError(
            f"{where}: {path!r} belongs to Python or to an installed package and {UNMARKED[part]}"
        )
    of_batch = part == "forget_loss" and not inspect.isclass(found)
    taken = keyword_only(found) if of_batch else arguments(found)
    needs = frozenset(taken) & {"aggregator", "forget_loss"} if part == "method" else frozenset()
    defaults = {key: argument.default for key, argument in taken.items() if key not in needs}
    for key, default in defaults.items():
        if default is inspect.Parameter.empty:
            raise InputError(f"{where}: {path!r} has no default for {key!r}; give it one.")
    knobs = tuple(Knob(key, default, None, "") for key, default in defaults.items())
    summary = (inspect.getdoc(found) or "").split("\n")[0]
    return Entry(path, partial(partial, found) if of_batch else found, knobs, summary, path, needs)
