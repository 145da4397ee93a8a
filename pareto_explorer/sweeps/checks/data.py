"""What can be seen in a task's data before anything is trained on them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pareto_explorer.tasks import IGNORED, Samples, UnlearningTask
from pareto_explorer.text import count, plural

__all__ = ["Finding", "SetFacts", "check_data"]

_SCALE = 4.0
"""Largest ratio between the magnitudes of two sets that is not worth a word."""

_NAMED = 5
"""How many classes a sentence names."""


@dataclass(frozen=True)
class Finding:
    """Something that a check has found.

    Attributes:
        level: ``error``: the sweep cannot run, or not as written; ``warning``: it can, but look.
        text: One sentence that names the field.
        raised: Whether it is what a user's code raised here, which another device may not.
    """

    level: Literal["error", "warning"]
    text: str
    raised: bool = False


@dataclass(frozen=True)
class SetFacts:
    """One set of a task.

    Attributes:
        name: ``retain``, ``forget``, ``heldout``, ``validation`` or ``test``.
        samples: How many samples it has.
        classes: The labels that occur, ascending; none of sequences.
        labelled: Mean number of labelled tokens in a sequence; 0 for other samples.
        shape: Shape of one input.
        dtype: Type of the inputs, such as ``uint8``.
        lowest: Smallest input value.
        highest: Largest input value.
        repeated: Samples whose input occurs earlier in the same set, bit by bit.
    """

    name: str
    samples: int
    classes: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: str
    lowest: float
    highest: float
    repeated: int
    labelled: float = 0.0

    @property
    def magnitude(self) -> float:
        """Largest absolute value of the inputs."""
        return max(abs(self.lowest), abs(self.highest))


def check_data(task: UnlearningTask) -> tuple[list[SetFacts], list[Finding]]:
    """Describes every set and looks for what usually goes wrong.

    What makes a task impossible (labels outside the classes, inputs that are not finite, a sample
    in two roles) is refused when the task is built; this looks at what is left.

    Args:
        task: The task, on the CPU.

    Returns:
        Facts of the sets that have samples, and the findings.
    """
    sets = {
        "retain": task.retain,
        "forget": task.forget,
        "heldout": task.heldout,
        "validation": task.validation,
        "test": task.test,
    }
    facts = {name: _describe(name, samples) for name, samples in sets.items() if len(samples)}
    findings = [
        *_inputs(facts),
        *(() if task.tokens else _classes(task.n_classes, facts)),
        *_duplicates(task, sets, facts),
    ]
    return list(facts.values()), findings


def _describe(name: str, samples: Samples) -> SetFacts:
    inputs = samples.inputs
    digests = _digests(inputs)
    return SetFacts(
        name=name,
        samples=len(samples),
        classes=() if samples.tokens else tuple(torch.unique(samples.labels).tolist()),
        shape=tuple(inputs.shape[1:]),
        dtype=str(inputs.dtype).removeprefix("torch."),
        lowest=float(inputs.min()),
        highest=float(inputs.max()),
        repeated=len(digests) - len(set(digests)),
        labelled=_labelled(samples),
    )


def _labelled(samples: Samples) -> float:
    if not samples.tokens:
        return 0.0
    return (samples.labels != IGNORED).sum(1).double().mean().item()


def _inputs(facts: Mapping[str, SetFacts]) -> Iterator[Finding]:
    retain = facts["retain"]
    for own in facts.values():
        if own.dtype != retain.dtype:
            yield Finding(
                "error",
                f"{own.name}: its inputs are {own.dtype}, those of the retain set {retain.dtype}; "
                "a model takes inputs as they are stored, so store all sets alike.",
            )
        elif own.labelled:
            continue
        elif own.lowest == own.highest:
            yield Finding(
                "warning", f"{own.name}: every input value is {own.lowest:g}; is this the data?"
            )
        elif retain.magnitude and not (1 / _SCALE <= own.magnitude / retain.magnitude <= _SCALE):
            yield Finding(
                "warning",
                f"{own.name}: inputs from {own.lowest:g} to {own.highest:g}, but from "
                f"{retain.lowest:g} to {retain.highest:g} in the retain set; scale all sets alike.",
            )
    floating = retain.dtype.startswith(("float", "bfloat"))
    if floating and len(retain.shape) == 3 and retain.lowest >= 0 and 16 < retain.highest <= 255:
        yield Finding(
            "warning",
            f"inputs: floating-point images from {retain.lowest:g} to {retain.highest:g} look "
            "like pixels; models that normalise inside take uint8, or values from 0 to 1.",
        )


def _classes(n_classes: int, facts: Mapping[str, SetFacts]) -> Iterator[Finding]:
    retained, forgotten = set(facts["retain"].classes), set(facts["forget"].classes)
    absent = set(range(n_classes)) - retained - forgotten
    if absent:
        yield Finding(
            "warning",
            f"train: {_named(absent)} of {n_classes} {_has(absent)} no sample; lower n_classes "
            "unless such logits are meant.",
        )
    if len(retained) == 1:
        yield Finding(
            "warning",
            f"retain: {_named(retained)} alone is left; a model that always names it is perfect.",
        )
    for name in ("validation", "test"):
        own = set(facts[name].classes)
        if retained - own:
            missing = retained - own
            yield Finding(
                "warning",
                f"{name}: {_named(missing)} {_has(missing)} no sample, though the retain set has "
                "some; its accuracy says nothing about them.",
            )
        if own - retained:
            gone = own - retained
            yield Finding(
                "warning",
                f"{name}: {_named(gone)} {_has(gone)} samples, but none in the retain set; a model "
                "that forgets well errs on them, so the field leaves such classes out.",
            )
    missing = forgotten - set(facts["heldout"].classes)
    if missing:
        yield Finding(
            "warning",
            f"heldout: {_named(missing)} of the forget set {_has(missing)} no sample there; "
            "empirical reference distributions have nothing to say about them.",
        )


def _duplicates(
    task: UnlearningTask, sets: Mapping[str, Samples], facts: Mapping[str, SetFacts]
) -> Iterator[Finding]:
    shared: Mapping[str, int] = task.facts.get("shared_inputs", {})
    for pair, number in shared.items():
        if pair == "total":
            continue
        what = (
            "what is forgotten is still trained on"
            if pair == "retain and forget"
            else "numbers from one of them leak into the other"
        )
        both = f"{count(number, 'distinct input')} {plural(number, 'is', 'are')} in both"
        yield Finding("warning", f"{pair}: {both}; {what}.")
    for own in facts.values():
        if own.repeated:
            yield Finding(
                "warning",
                f"{own.name}: {own.repeated} of {own.samples} inputs "
                f"{plural(own.repeated, 'repeats', 'repeat')} an earlier one.",
            )
    conflicts = _conflicts(sets["retain"]) if facts["retain"].repeated else 0
    if conflicts:
        come = plural(conflicts, "comes", "come")
        yield Finding(
            "warning",
            f"retain: {count(conflicts, 'distinct input')} {come} with different labels; no model "
            "can fit them all.",
        )


def _conflicts(samples: Samples) -> int:
    labels: dict[bytes, set[bytes]] = defaultdict(set)
    for digest, label in zip(_digests(samples.inputs), _digests(samples.labels), strict=True):
        labels[digest].add(label)
    return sum(len(own) > 1 for own in labels.values())


def _digests(inputs: Tensor) -> list[bytes]:
    rows = inputs.cpu().contiguous().view(torch.uint8).reshape(len(inputs), -1).numpy()
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]


def _named(classes: Iterable[int]) -> str:
    found: Sequence[int] = sorted(classes)
    if len(found) == 1:
        return f"class {found[0]}"
    names = ", ".join(map(str, found[:_NAMED]))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"classes {names}{more}"


def _has(classes: Sequence[int] | set[int]) -> str:
    return plural(len(classes), "has", "have")
