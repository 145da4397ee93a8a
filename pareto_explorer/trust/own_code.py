"""A user's own code, named ``package.module:name``: finding it, and what marks it as what it is.

Whoever names such code runs it, for importing a module does. A search-space file that a user
sweeps is code, as a script is; a run directory is data, and `sweeps.again.trust` asks before what
one names is imported.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from pareto_explorer.errors import InputError

__all__ = ["INSTALLED", "find", "is_own", "reason", "returns", "takes"]

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of packages that were installed."""


def find(name: str, where: str) -> Any:
    """Imports what ``package.module:name`` names; nothing is called.

    Args:
        name: The name.
        where: Begins the message of an error.

    Raises:
        InputError: The module cannot be imported, or has no such attribute.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        hint = _hidden(module.partition(".")[0])
        raise InputError(
            f"{where}: {name!r} cannot be imported ({reason(error)}){hint}."
        ) from error


def _hidden(name: str) -> str:
    """What hides a module of the working directory, where Python looks last; empty if nothing."""
    own = [path for path in (Path.cwd() / f"{name}.py", Path.cwd() / name) if path.exists()]
    module = sys.modules.get(name)
    if not own or module is None:
        return ""
    places = [*(getattr(module, "__path__", None) or ()), getattr(module, "__file__", None)]
    found = [place for place in places if place]
    if any(Path(place).is_relative_to(Path.cwd()) for place in found):
        return ""
    return f"; {found[0] if found else 'Python'} has this name already: rename {str(own[0])!r}"


def reason(error: BaseException) -> str:
    """What went wrong, and where in the user's code."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(frame.filename)
    ours = file.is_relative_to(Path(__file__).parent) or "importlib" in frame.filename
    return text if ours else f"{text}, {file.name} line {frame.lineno}"


def returns(found: object, *kinds: type) -> bool:
    """Whether something is a class of one of the kinds, or annotated to return one of them."""
    function = _inner(found)
    if isinstance(function, type):
        return any(kind in function.__mro__ for kind in kinds)
    return _is(_annotations(function).get("return"), kinds)


def takes(found: object, kind: type) -> bool:
    """Whether one of a function's arguments is annotated as of a kind.

    Of a class, that is asked of calling its objects.
    """
    function = _inner(found)
    if isinstance(function, type):
        function = vars(function).get("forward") or function.__call__
    return any(
        _is(annotation, (kind,))
        for name, annotation in _annotations(function).items()
        if name != "return"
    )


def is_own(found: object) -> bool:
    """Whether something is defined neither by Python, nor here, nor by an installed package."""
    module = str(getattr(_inner(found), "__module__", ""))
    if module.partition(".")[0] in (*sys.stdlib_module_names, "pareto_explorer", "", "None"):
        return False
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return not INSTALLED & set(Path(file).parts)


def _inner(found: object) -> Any:
    while isinstance(found, partial):
        found = found.func
    return found


def _annotations(function: Any) -> Mapping[str, Any]:
    """Annotations, as text where a name in one of them is for type checkers only."""
    if not inspect.isfunction(function):
        return {}
    try:
        return get_type_hints(function)
    except Exception:  # whatever an annotation raises
        return inspect.get_annotations(function)


def _is(annotation: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(annotation, str):
        last = annotation.strip("\"' ").rpartition(".")[2]
        return last in {kind.__name__ for kind in kinds}
    return isinstance(annotation, type) and any(kind in annotation.__mro__ for kind in kinds)
