"""Names and kinship of classes: what a task knows beyond its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.core.positions import integers

__all__ = ["Groups"]


@dataclass(frozen=True, eq=False)
class Groups:
    """Classes by name, the subclasses inside them and the superclasses around them.

    Everything is optional: a task gives what it knows. A task on coarse labels knows the subclass
    of every sample; a task on fine labels knows the superclass of every class.

    Attributes:
        class_names: Name of each class, in the order of the labels.
        superclass_of: Superclass of each class, a number.
        subclass_names: Name of each subclass, in the order of its numbers.
        subclass_of: Subclass of each training sample, (n,); every subclass lies in one class.

    Raises:
        InputError: When the lengths differ or a subclass has no name.
    """

    class_names: tuple[str, ...] = ()
    superclass_of: tuple[int, ...] = ()
    subclass_names: tuple[str, ...] = ()
    subclass_of: Tensor | None = None

    def __post_init__(self) -> None:
        names, superclasses = len(self.class_names), len(self.superclass_of)
        if names and superclasses and names != superclasses:
            raise InputError(
                f"groups: {names} class names do not match the superclasses of {superclasses}"
                " classes; give one of each per class."
            )
        if self.subclass_of is None:
            return
        object.__setattr__(self, "subclass_of", integers("groups.subclass_of", self.subclass_of))
        known = len(self.subclass_names)
        outside = self.subclass_of[(self.subclass_of < 0) | (self.subclass_of >= known)]
        if len(outside):
            raise InputError(
                f"groups.subclass_of: {int(outside[0])} is not among the {known} subclasses that"
                " have names; name all of them."
            )

    def classes_of(self, labels: Tensor) -> list[str]:
        """Names the classes that occur among ``labels`` (k,), in the order of their numbers."""
        return [self.class_names[label] for label in torch.unique(labels).tolist()]

    def take(self, index: Tensor) -> Groups:
        """Follows ``Samples.take``: keeps the samples at ``index`` (k,), in that order."""
        if self.subclass_of is None:
            return self
        return replace(self, subclass_of=self.subclass_of[index])

    def subclass(self, wanted: int | str, field: str) -> Tensor:
        """Finds the training samples of a subclass that is given by number or name.

        Args:
            wanted: The subclass.
            field: What the text of an error begins with.

        Returns:
            Ascending positions, (k,).

        Raises:
            InputError: When the subclass is not known or has no samples.
        """
        if self.subclass_of is None:
            raise InputError(
                f"{field}: {wanted!r} cannot be found, since this task knows no subclasses; give"
                " label, parts and part for a k-means part of a class."
            )
        if isinstance(wanted, str):
            if wanted not in self.subclass_names:
                raise unknown(field, wanted, self.subclass_names)
            wanted = self.subclass_names.index(wanted)
        if not 0 <= wanted < len(self.subclass_names):
            raise InputError(
                f"{field}: {wanted} is no subclass of this task; choose from 0 to"
                f" {len(self.subclass_names) - 1}, or a name."
            )
        members = (self.subclass_of == wanted).nonzero().squeeze(1)
        if len(members) == 0:
            raise InputError(
                f"{field}: {self.subclass_names[wanted]} has no training samples to forget."
            )
        return members

    def siblings(self, label: int) -> list[int]:
        """Lists the other classes of the superclass of ``label``; none where it is not known."""
        if not 0 <= label < len(self.superclass_of):
            return []
        own = self.superclass_of[label]
        return [k for k, other in enumerate(self.superclass_of) if other == own and k != label]
