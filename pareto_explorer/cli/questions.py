"""Questions that a sweep can answer, and the search space that asks one of them of a task."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pareto_explorer.cli.space_text import flow, mapping_text

__all__ = ["QUESTIONS", "Question", "written_space"]

Family = Mapping[str, Any]

_SIX = (0, 1, 2, 3, 4, 5)
_LOSS = "bounded_cross_entropy"
_LINES = {"weighted_sum": ("weight", (0.05, 0.95)), "cup": ("intensity", (0.01, 0.99))}
"""Aggregators that a knob of their own moves along the front."""


@dataclass(frozen=True)
class _Setting:
    """What suits a kind of task.

    Attributes:
        options: Of the task; by default a tenth of the data is forgotten, drawn at random.
        a_class: What is forgotten instead where the answer depends on right labels.
        note: What to see to before it runs.
        steps: Steps of a run.
        batch_size: Samples of a batch.
        losses: Forget losses to compare.
        baselines: Methods to compare with.
        optimizer: Of the families, where it is not the default one.
        rates: Ranges of learning rates as the shipped search spaces of the task have them, by
            aggregator and forget loss or by method; where there is none it is ``sweep``.
    """

    options: Mapping[str, Any]
    a_class: Mapping[str, Any] | None = None
    note: str = ""
    steps: int = 60
    batch_size: int = 64
    losses: Sequence[str] = ("kl_uniform", "kl_heldout", _LOSS, "random_labels")
    baselines: Sequence[str] = (
        "fine_tune",
        "gradient_ascent",
        "random_labelling",
        "salun",
        "scrub",
    )
    optimizer: str = ""
    rates: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def descent(self, aggregator: str, loss: str = _LOSS) -> Family:
        """A family of Jacobian descent; what moves it along the front is drawn."""
        rates = self.rates.get(f"{aggregator}/{loss}", self.rates.get(aggregator))
        parts = {"method": "jacobian_descent", "aggregator": aggregator, "forget_loss": loss}
        knobs: dict[str, Any] = {}
        if aggregator in _LINES:
            knob, bounds = _LINES[aggregator]
            knobs[knob] = {"uniform": list(bounds)}
        return {**parts, **knobs, **self.step(rates)}

    def baseline(self, method: str) -> Family:
        """A family of another method."""
        rates = self.rates.get(method)
        return {"method": method, **(self.step(rates) if rates else {"lr": "sweep"})}

    def step(self, rates: tuple[float, float] | None) -> dict[str, Any]:
        """The optimiser, and its learning rate from a range."""
        own = {"optimizer": self.optimizer} if self.optimizer else {}
        return {**own, "lr": {"loguniform": list(rates)} if rates else "sweep"}


_RANDOM = {"kind": "random", "fraction": 0.1}
_FIRST_CLASS = {"kind": "class", "label": 0}
_TEXT_LOSSES = ("npo", "simnpo", _LOSS, "kl_uniform", "undial")
_PRETRAINED = "root and model.path: where the data and the pretrained model are on disk"
_IMAGES = _Setting(
    {"forget": _RANDOM}, _FIRST_CLASS, "`check` says where its data go", steps=180, batch_size=256
)
_LANGUAGE = _Setting(
    {},
    None,
    _PRETRAINED,
    batch_size=16,
    losses=_TEXT_LOSSES,
    baselines=("fine_tune", "rmu"),
    optimizer="adamw",
    rates={"upgrad": (1e-5, 3e-4), "mgda": (1e-5, 3e-4), "ngdiff": (1e-5, 3e-4)}
    | {"weighted_sum": (1e-5, 3e-4), "cup": (1e-5, 3e-4), "fine_tune": (1e-5, 3e-4)}
    | {"pareto_line": (1e-5, 3e-4)},
)
_SETTINGS: Mapping[str, _Setting] = {
    "digits": _Setting(
        {"forget": {"kind": "mislabelled", "fraction": 0.1}},
        {"kind": "class", "label": 3},
        rates={
            "upgrad": (0.01, 1.0),
            "upgrad/kl_uniform": (0.003, 0.3),
            "mgda": (0.08, 0.8),
            "weighted_sum": (0.01, 1.0),
            "cup": (0.01, 0.3),
            "ngdiff": (0.001, 0.1),
            "fine_tune": (0.05, 0.8),
            "pareto_line": (0.03, 0.1),
        },
    ),
    "text": _Setting(
        {"forget": {"kind": "subclass", "subclass": "football_club"}},
        rates={
            "upgrad": (0.001, 0.1),
            "mgda": (0.03, 0.3),
            "cup": (0.0003, 0.01),
            "salun": (0.003, 0.1),
            "scrub": (0.01, 0.3),
            "fine_tune": (0.003, 0.1),
        },
    ),
    "authors": _Setting(
        {"forget": {"kind": "authors", "count": 10}},
        batch_size=32,
        losses=_TEXT_LOSSES,
        baselines=("fine_tune", "rmu"),
        optimizer="adamw",
        rates={
            "upgrad": (0.0001, 0.001),
            "upgrad/kl_uniform": (0.00003, 0.0003),
            "mgda": (0.00005, 0.0005),
            "weighted_sum": (0.00003, 0.0003),
            "weighted_sum/simnpo": (0.0001, 0.001),
            "cup": (0.00005, 0.0005),
            "ngdiff": (0.00005, 0.0005),
            "fine_tune": (0.0003, 0.003),
            "pareto_line": (0.0001, 0.001),
        },
    ),
    "tofu": _LANGUAGE,
    "corpus": _LANGUAGE,
}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "image_folder": {"root": "data/mine", "forget": _RANDOM},
    "textures": {"subclasses": 2, "forget": _RANDOM},
    "tofu": {"root": "data/TOFU", "split": "forget10", "model": {"path": "models/mine"}},
    "corpus": {"root": "data/texts", "model": {"path": "models/mine"}},
}


@dataclass(frozen=True)
class Question:
    """A question, and what of a search space asks it.

    Attributes:
        text: The question.
        families: From what suits the task, the families with a comment above each group.
        objectives: What is compared.
        about: A comment on the objectives.
        search: How the families are searched.
        how: A comment on the search.
        budget: In place of the task's: from steps of a run and samples of a batch.
        seeds: Training seeds.
        right_labels: Whether the question makes no sense for samples with wrong labels.
    """

    text: str
    families: Callable[[_Setting], Sequence[tuple[str, Sequence[Family]]]]
    objectives: str = "retrain_gap"
    about: str = (
        "distance to the retrained model on the forget set, and on everything else; both are best "
        "at 0"
    )
    search: Mapping[str, Any] = field(
        default_factory=lambda: {"mode": "compare", "configurations": 8, "seed": 0}
    )
    how: str = "the same number of configurations for every family, with the same draws"
    budget: tuple[int, int] | None = None
    seeds: Sequence[int] = _SIX
    right_labels: bool = False


def _aggregators(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    names = ("upgrad", "mgda", "ngdiff", "weighted_sum", "cup")
    return [
        ("one forget loss, another rule for each family", [of.descent(name) for name in names]),
        ("the control: nothing is unlearned", [{"method": "none"}]),
    ]


def _forget_losses(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    return [
        ("one rule, another forget loss for each", [of.descent("upgrad", x) for x in of.losses]),
        ("the control: nothing is unlearned", [{"method": "none"}]),
    ]


def _baselines(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    return [
        ("multi-objective", [of.descent(name) for name in ("upgrad", "weighted_sum", "cup")]),
        ("baselines", [of.baseline(method) for method in of.baselines]),
        ("the control: nothing is unlearned", [{"method": "none"}]),
    ]


def _best_front(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    rules = ("upgrad", "weighted_sum", "cup", "ngdiff")
    return [
        ("all of them in one search", [of.descent(rule) for rule in rules]),
        ("and another forget loss", [of.descent("upgrad", of.losses[0])]),
        ("and a baseline", [of.baseline("fine_tune")]),
    ]


def _one_run(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    step = of.step(of.rates.get("pareto_line"))
    along = {"method": "jacobian_descent", "forget_loss": _LOSS}
    paths = [
        {**along, "aggregator": rule, "path": {"knob": knob}, **step}
        for rule, (knob, _) in _LINES.items()
    ]
    short = {"budget": {"steps": _LONG // 5, "evaluate_every": _LONG // 15}}
    sweep = {"name": "weighted_sum/sweep", **of.descent("weighted_sum"), **step, **short}
    return [
        ("one run whose preference falls in eleven levels", paths),
        (
            "one run that trains a line of models",
            [{"method": "pareto_line", "forget_loss": _LOSS, "points": 11, **step}],
        ),
        ("a sweep: ten runs of a fifth of the steps", [sweep]),
    ]


def _indistinguishable(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    return [
        ("multi-objective", [of.descent(name) for name in ("upgrad", "weighted_sum")]),
        ("baselines", [of.baseline(method) for method in (of.baselines[0], of.baselines[-1])]),
        ("the control: nothing is unlearned", [{"method": "none"}]),
    ]


def _without_retraining(of: _Setting) -> Sequence[tuple[str, Sequence[Family]]]:
    return [
        ("multi-objective", [of.descent(name) for name in ("upgrad", "weighted_sum", "cup")]),
        ("a baseline", [of.baseline("fine_tune")]),
        ("the control: nothing is unlearned", [{"method": "none"}]),
    ]


_LONG = 330
"""Steps of a run that makes a front; levels, and runs of a fifth, divide them."""

QUESTIONS: Mapping[str, Question] = {
    "aggregators": Question("Which aggregator has the better front?", _aggregators),
    "forget-losses": Question(
        "Which forget loss, or reference distribution, has the better front?",
        _forget_losses,
        right_labels=True,
    ),
    "baselines": Question("Do multi-objective methods beat the baselines?", _baselines),
    "best-front": Question(
        "What is the best front that 40 configurations can reach?",
        _best_front,
        search={"mode": "explore", "sampler": "tpe", "configurations": 40, "seed": 0},
        how="one multi-objective search over all families; it does not compare them",
        seeds=(0, 1, 2),
    ),
    "one-run": Question(
        "Has one run the front of a sweep?",
        _one_run,
        how="as many samples for every family: two long runs, ten short ones",
        budget=(_LONG, _LONG),
    ),
    "indistinguishable": Question(
        "Which models could an attacker not tell from retrained ones, and what do they cost?",
        _indistinguishable,
        objectives="indistinguishable",
        about="how often an attacker who has the models of the other training seeds is right, and "
        "the distance to the retrained model on what is retained; four seeds at least",
    ),
    "without-retraining": Question(
        "Which front can be had where nothing can be retrained?",
        _without_retraining,
        objectives="oracle_free",
        about="distances to the original model's accuracy on data that it never saw; for samples "
        "that are forgotten at random, with their right labels",
        right_labels=True,
    ),
}
"""What ``init`` can ask, by name."""


def written_space(task: str, question: str, path: str) -> str:
    """The search space that asks a question of a task, with comments.

    Args:
        task: A registered task, or ``module:function``.
        question: One of ``QUESTIONS``.
        path: The file that it becomes, quoted for the commands in its first lines.
    """
    asked, of = QUESTIONS[question], _setting(task)
    options = {"name": task, **_OPTIONS.get(task, of.options)}
    if asked.right_labels and "forget" in options:
        options["forget"] = _asked_of(task, question, of)
    steps, every = asked.budget or (of.steps, of.steps // 3)
    budget = {"steps": steps, "batch_size": of.batch_size, "evaluate_every": every}
    search = asked.search
    if asked.budget:  # each step reads two batches, forward and backward
        samples = 2 * 4 * steps * of.batch_size
        search = {"budget_per_family": {"samples": samples}, "seed": 0}
    seeds = "six training seeds are the fewest that can tell two families apart"
    parts = [
        f"# {asked.text}\n#\n# Look at it, then run it:\n"
        f"#   pareto-explorer check {path}\n#   pareto-explorer sweep {path}\n",
        _note(f"`pareto-explorer list {task}` explains its options") if ":" not in task else "",
        _note(of.note) if of.note else "",
        "task:\n" + mapping_text(options, "  "),
        _note(seeds if asked.seeds == _SIX else "every trial runs once for each training seed"),
        f"replicates: {flow({'training_seeds': list(asked.seeds)})}\n",
        _note("every method gets as many steps, and is measured every so many"),
        f"budget: {flow(budget)}\n",
        _note(asked.about),
        f"objectives: {asked.objectives}\n",
        _note("ranges are knobs that are drawn; `sweep` is the default range, which list shows"),
        "families:\n",
    ]
    for comment, families in asked.families(of):
        parts += [f"  # {comment}\n", *(mapping_text(one, "    ", "  - ") for one in families)]
    parts += [
        _note(asked.how),
        f"search: {flow(search)}\n",
        _note("what one trial books; gpu: 0.25 lets four of them share a card"),
        "resources: {cpu: 1, gpu: 0}\n",
    ]
    return "".join(parts)


def _setting(task: str) -> _Setting:
    own = _Setting({}, None, "the function gets what stands here beside its name as arguments")
    return own if ":" in task else _SETTINGS.get(task, _IMAGES)


def _asked_of(task: str, question: str, of: _Setting) -> Any:
    """The forget request of a question that is about samples with right labels."""
    if question == "without-retraining":
        return of.options["forget"] if task == "authors" else _RANDOM
    return of.a_class or of.options["forget"]


def _note(text: str) -> str:
    """A sentence as a comment."""
    return (
        textwrap.fill(
            f"{text[0].upper()}{text[1:]}.",
            width=100,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        ).rstrip()
        + "\n"
    )
