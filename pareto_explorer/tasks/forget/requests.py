"""Forget requests: which training samples must be forgotten, as search-space files say it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from pareto_explorer.errors import InputError, bare, brief, unknown

__all__ = [
    "Authors",
    "Confused",
    "ForgetRequest",
    "GaussianPoison",
    "Indices",
    "Mislabelled",
    "Mixture",
    "RandomSubset",
    "Subclass",
    "WholeClass",
    "parse_forget",
]

_FIELD = "task.forget"
_LISTED = 50_000  # positions that a search-space file, and so sweep.yaml, may spell out


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Mislabelled(_Request):
    """A fraction of the training labels was corrupted; the corrupted samples are to be forgotten.

    Corrupted labels are uniform over the wrong classes, so they always differ from the truth.
    """

    kind: Literal["mislabelled"] = "mislabelled"
    fraction: float = Field(default=0.1, gt=0, lt=1)


class RandomSubset(_Request):
    """A fraction of the training samples, drawn uniformly without replacement."""

    kind: Literal["random"] = "random"
    fraction: float = Field(default=0.1, gt=0, lt=1)


class WholeClass(_Request):
    """All training samples of one class.

    Tasks drop the class from validation and test, as the field does, so that the two accuracies
    are over the classes that remain; the held-out set keeps it, since empirical
    reference distributions of the class come from its held-out samples.

    ``adjacent`` names the retained class that is semantically close to the forgotten one; left
    out, it is the rest of the superclass where the task has superclasses, and otherwise the class
    nearest to it by the training inputs.
    """

    kind: Literal["class"] = "class"
    label: int
    adjacent: int | None = None


class Subclass(_Request):
    """Part of one class: a true subclass, or one cluster of the class's training inputs.

    ``subclass`` gives a true subclass by name or number, where the task knows some. Otherwise
    ``label`` gives the class, whose k-means clusters of the raw inputs are numbered by size: part 0
    is the largest.

    Validation and test keep the whole class, which still exists. The rest of the class is the
    adjacent part of the retain set.
    """

    kind: Literal["subclass"] = "subclass"
    label: int | None = None
    parts: int = Field(default=2, ge=2)
    part: int = Field(default=0, ge=0, validate_default=True)
    subclass: int | str | None = Field(default=None, validate_default=True)

    @field_validator("part")
    @classmethod
    def _part_exists(cls, part: int, info: ValidationInfo) -> int:
        parts = info.data.get("parts", part + 1)
        if part >= parts:
            raise ValueError(f"should be less than parts, which is {parts}")
        return part

    @field_validator("subclass", mode="before")
    @classmethod
    def _one_way_to_say_it(cls, subclass: object, info: ValidationInfo) -> object:
        if type(subclass) not in (int, str, type(None)):
            raise ValueError("should be the name or the number of a subclass")
        if subclass is None and info.data.get("label", 0) is None:
            raise ValueError("should name a true subclass, or else label a class")
        if subclass is not None and info.data.get("label") is not None:
            raise ValueError("should stand alone; leave out label, which asks for a k-means part")
        return subclass

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        unused = ("subclass",) if self.subclass is None else ("label", "parts", "part")
        return {name: value for name, value in fields.items() if name not in unused}


class Mixture(_Request):
    """One class of which a fraction is replaced by random samples: easy to forget, or hard.

    With ``hard_probability`` 0 the whole class is forgotten; with 1, as many samples drawn from all
    of the training data. In between, that fraction of the class is retained after all and replaced
    by samples drawn from everything else, the released ones included. Validation and test keep the
    class at every ``hard_probability``, so that metrics are over the same samples.

    Source: the hard probability of HAMU (arXiv 2606.02119; ``hamu/data/vision.py`` of its code).
    """

    kind: Literal["mixture"] = "mixture"
    label: int
    hard_probability: float = Field(default=0.5, ge=0, le=1)


class Indices(_Request):
    """Samples named by their position, counted from 0.

    A path names a file: ``.txt`` or ``.csv`` with integers between white space or commas, ``.csv``
    with a header where ``column`` names the column, ``.json`` with one list, or ``.npy`` with one
    vector of integers. A ``.npy`` vector may also hold the label y of every sample, with -y - 1 in
    place of those to forget, which is how Unlearn-Sparse, SalUn and their descendants mark them.

    ``counted_in`` says what positions count: ``training``, the task's training set (the 45,000 of
    CIFAR), or ``published``, the training set as it was published (the 50,000), of which the task
    keeps a part for validation.
    """

    kind: Literal["indices"] = "indices"
    indices: tuple[int, ...] | Path
    column: str | None = None
    counted_in: Literal["training", "published"] = "training"

    @field_validator("indices", mode="before")
    @classmethod
    def _list_or_path(cls, value: object) -> object:
        if isinstance(value, str | Path):
            return Path(value)
        if not isinstance(value, list | tuple) or not all(type(i) is int for i in value):
            raise ValueError("should be a list of integers or the path of a file that holds them")
        if len(value) > _LISTED:
            raise ValueError(f"has more than {_LISTED:,} positions; put them into a .npy file")
        return tuple(value)

    @field_validator("column")
    @classmethod
    def _column_of_a_table(cls, column: str | None, info: ValidationInfo) -> str | None:
        source = info.data.get("indices")
        if column is not None and not (isinstance(source, Path) and source.suffix == ".csv"):
            raise ValueError("should come with indices that name a .csv file")
        return column


class GaussianPoison(_Request):
    """A random subset to whose inputs noise was added before any model was trained on them.

    A model that never saw the noise knows nothing of it, whatever the model: the metric
    ``poison_score`` has an exact null, which needs no retrained model.

    ``noise`` is the standard deviation in units of the inputs.

    Source: Pawelczyk et al., "Machine unlearning fails to remove data poisoning attacks" (arXiv
    2406.17216).
    """

    kind: Literal["gaussian_poison"] = "gaussian_poison"
    fraction: float = Field(default=0.1, gt=0, lt=1)
    noise: float = Field(default=0.25, gt=0, allow_inf_nan=False)


class Confused(_Request):
    """Samples of two classes whose labels were swapped, ``count`` of them, half of either class.

    A model that never saw the swapped labels confuses the two classes no more than a retrained one.

    Source: interclass confusion of Goel et al., "Towards adversarial evaluations for inexact
    machine unlearning" (arXiv 2201.06640).
    """

    kind: Literal["confused"] = "confused"
    classes: tuple[int, int]
    count: int = Field(ge=2, multiple_of=2)

    @field_validator("classes", mode="before")
    @classmethod
    def _two_classes(cls, value: object) -> object:
        named = list(value) if isinstance(value, list | tuple) else []
        if len(named) != 2 or not all(type(label) is int for label in named):
            raise ValueError("should be two classes, for example [3, 5]")
        if named[0] == named[1]:
            raise ValueError("should be two different classes")
        return tuple(named)


class Authors(_Request):
    """All that is said about some authors, drawn uniformly without replacement.

    Retained authors who share a city or a teacher with one of them are the adjacent set. For the
    task `authors` only.
    """

    kind: Literal["authors"] = "authors"
    count: int = Field(default=10, ge=1)


ForgetRequest = Annotated[
    Mislabelled
    | RandomSubset
    | WholeClass
    | Subclass
    | Mixture
    | Indices
    | GaussianPoison
    | Confused
    | Authors,
    Field(discriminator="kind"),
]

_KINDS: dict[str, type[ForgetRequest]] = {
    "mislabelled": Mislabelled,
    "random": RandomSubset,
    "class": WholeClass,
    "subclass": Subclass,
    "mixture": Mixture,
    "indices": Indices,
    "gaussian_poison": GaussianPoison,
    "confused": Confused,
    "authors": Authors,
}


def parse_forget(value: object) -> ForgetRequest:
    """Reads a forget request from its YAML form, for example ``{kind: class, label: 3}``.

    Args:
        value: The mapping, or a request, which is returned as it is.

    Raises:
        InputError: When the request is malformed; the text names the field.
    """
    if isinstance(value, _Request):
        return value  # type: ignore[return-value]
    if not isinstance(value, Mapping):
        raise InputError(
            f"{_FIELD}: {brief(value)} is not a mapping; write for example"
            " {kind: mislabelled, fraction: 0.1}."
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise unknown(f"{_FIELD}.kind", kind, _KINDS)
    request = _KINDS[kind]
    try:
        return request.model_validate(dict(value))
    except ValidationError as error:
        raise _plain(error, request) from None


def _plain(error: ValidationError, request: type[_Request]) -> InputError:
    """Turns pydantic's first complaint into one sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return unknown(f"{_FIELD}: field", name, request.model_fields)
    if first["type"] == "missing":
        return InputError(f"{_FIELD}.{name}: is missing; kind {_kind(request)} needs it.")
    reason = first["msg"].removeprefix("Value error, ")
    reason = reason.removeprefix("Input ")
    return InputError(f"{_FIELD}.{bare(name)}: {brief(first['input'])} {reason}.")


def _kind(request: type[_Request]) -> str:
    return str(request.model_fields["kind"].default)
