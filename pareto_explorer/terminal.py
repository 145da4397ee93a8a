"""What commands print, made fit for a terminal: control characters visible, nothing unprintable."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from collections.abc import Iterable
from io import TextIOWrapper

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

__all__ = ["Terminal", "accept_any_encoding", "say", "visible"]

_PLAIN = {
    "·": "-", "–": "-", "—": "-", "−": "-", "…": "...", "‖": "||", "×": "x", "±": "+/-",
    "≤": "<=", "≥": ">=", "→": "->", "∇": "grad", "Σ": "sum", "√": "sqrt", "∞": "inf",
    "α": "alpha", "β": "beta", "γ": "gamma", "ε": "epsilon", "λ": "lambda", "ρ": "rho", "τ": "tau",
}  # fmt: skip
"""Characters of this package's own texts that some encodings lack, in ASCII."""

_UNWRAPPED = 10_000
"""More columns than any line has."""


def visible(text: str) -> str:
    r"""A text on one line, with characters that a terminal would act on written as escapes.

    These are control characters, line ends among them, and what reorders or hides text.

    >>> print(visible("a\x1b[2Jb\u202e"))
    a\x1b[2Jb\u202e
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def say(text: str, *, stderr: bool = False) -> None:
    """Prints one line."""
    print(visible(text), file=sys.stderr if stderr else sys.stdout, flush=True)


class Terminal(Console):
    """A console for texts as they are: no markup in them, nothing to act on.

    What goes to a pipe or a file is not wrapped, whatever the width of the terminal behind it.

    Args:
        stderr: Writes to standard error instead of standard output.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(file=sys.stderr if stderr else sys.stdout, markup=False, emoji=False)
        if not self.is_terminal and not self.is_jupyter:
            self.width = _UNWRAPPED

    def tell(self, text: str) -> None:
        """Prints a sentence, on a terminal in lines that end between words."""
        self.print(visible(text), highlight=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Renders as any console does; what is no control code of the console's own is text."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                lines = map(visible, segment.text.split("\n"))
                yield Segment("\n".join(lines), segment.style)


def accept_any_encoding() -> None:
    """Lets standard output and error print what their encoding lacks as something readable."""
    codecs.register_error(__name__, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=__name__)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """ASCII for the letters that cannot be encoded: a usual substitute, or else an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(map(_ascii, letters)), error.end


def _ascii(letter: str) -> str:
    plain = _PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    return plain if plain.isascii() else letter.encode("unicode_escape").decode()
