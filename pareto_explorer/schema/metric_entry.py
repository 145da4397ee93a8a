"""What is known of a metric, but for the function that computes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

__all__ = ["PARTS", "MetricEntry", "OnTokens"]

PARTS = {
    "non_members": "two held-out sequences or more",
    "forget_answers": "right and wrong answers to the questions of the forget set",
    "utility_answers": "right and wrong answers to questions that it should still answer",
    "compressed": "the compressed sizes of the forgotten and the held-out answers",
    "speech": "generated answers (generate: last or every)",
}
"""What some tasks have and others have not, by the name that a metric needs it by, in words."""


@dataclass(frozen=True)
class OnTokens:
    """What a metric is where samples are sequences with a label per token.

    Attributes:
        caption: What it measures in a few words.
        meaning: The same in one sentence.
        over: The metrics of which it is the mean distance to the retrained model's.
        needs: What the task must have for it, of `PARTS`.
        source: Paper and section, where it is another one than of classes.
    """

    caption: str
    meaning: str
    over: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class MetricEntry:
    """A metric: what is known of it but for the function that computes it.

    Attributes:
        name: The column's name.
        direction: Which way is better; "none" where equality with the retrained model is the aim.
        label: The name as a reader would write it.
        caption: What it measures in a few words, which fit under the axis of a figure.
        meaning: The same in one sentence.
        source: Paper and section, or "standard".
        reads_test: Whether it is measured on the test set, or on other samples that only report.
        twin: The metric that measures the same on the validation set in place of the test set.
        over: The metrics of which it is the mean distance to the retrained model's.
        needs_retrained: Whether it is there only where a model was retrained.
        needs_adjacent: Whether it is there only where the forget request names samples close to
            those that it forgets.
        request: The kind of forget request that it is there for; empty where it is for all.
        least_seeds: How many training seeds it takes at least: 1 where a model has a value by
            itself, more where it compares the models of all replicates. Then it is measured only
            where a sweep asks for it.
        tokens_only: Whether it is measured only where samples are sequences with a label per token.
        on_tokens: What it is there, if it is measured on classes as well; None: it is not.
        needs: What the task must have for it, of `PARTS`.
    """

    name: str
    direction: Literal["min", "max", "none"]
    label: str
    caption: str
    meaning: str
    source: str
    reads_test: bool = False
    twin: str | None = None
    over: tuple[str, ...] = ()
    needs_retrained: bool = False
    needs_adjacent: bool = False
    request: str = ""
    least_seeds: int = 1
    tokens_only: bool = False
    on_tokens: OnTokens | None = None
    needs: tuple[str, ...] = ()

    def read_on_tokens(self) -> MetricEntry | None:
        """The row as it reads where samples are sequences; None where it is not measured there."""
        if self.tokens_only:
            return self
        if self.on_tokens is None:
            return None
        changed = {name: value for name, value in asdict(self.on_tokens).items() if value}
        return replace(self, **{"over": (), **changed}, tokens_only=True, on_tokens=None)
