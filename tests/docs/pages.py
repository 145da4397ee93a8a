"""The pages of the documentation and the code blocks on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
}
LANGUAGES = ("python", "yaml", "sh", "text")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: The page's path in the repository.
        line: Where the fence opens, from 1.
        language: The first word of the fence.
        title: The file that the block is an excerpt of; empty for other blocks.
        text: What is between the fences.
    """

    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, language: str = "") -> list[Block]:
    """The blocks of a page, in their order; those of one language, if it is named."""
    text = PAGES[page]
    fence = r'^```(\w*)(?: title="(.+)")?\n((?s:.*?))^```$'
    found = [
        Block(page, text[: match.start()].count("\n") + 1, match[1], match[2] or "", match[3])
        for match in re.finditer(fence, text, re.MULTILINE)
    ]
    return [block for block in found if language in ("", block.language)]


def all_blocks(language: str) -> list[Block]:
    """The blocks of one language on all pages."""
    return [block for page in PAGES for block in blocks(page, language)]


def own_code(page: str) -> list[Block]:
    """The Python blocks of a page but for the excerpts of files."""
    return [block for block in blocks(page, "python") if not block.title]
