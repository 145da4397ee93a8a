"""Docstrings as Markdown: doctests become code, and roles such as ``:class:`` plain names."""

from __future__ import annotations

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"^>>> .*\n?(?:^(?!$).*\n?)*", re.MULTILINE)
_FLAGS = re.compile(r"\s*# doctest:.*")
_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`~?([^`]+)`")


def markdown(docstring: str) -> str:
    """A docstring with its unindented doctests fenced and its roles as code."""
    text = _ROLE.sub(r"`\1`", docstring)
    return _DOCTEST.sub(lambda m: f"```python\n{_FLAGS.sub('', m[0]).rstrip()}\n```\n", text)


class Docstrings(griffe.Extension):
    """Puts every docstring into Markdown as it is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for all that lies in the package."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called for the package itself."""
        self.on_object(obj=pkg)
