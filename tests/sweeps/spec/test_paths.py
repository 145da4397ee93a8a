"""Paths in the search-space file."""

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.spec.domains import Domain
from pareto_explorer.sweeps.trials.refusals import representatives
from pareto_explorer.unlearning import make_method

FAMILY = {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": "kl_uniform"}


def spec_of(*families, steps=66, **search):
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "budget": {"steps": steps},
            "families": list(families),
            "search": {"configurations": 4} | search,
        }
    )


def test_a_path_becomes_knobs():
    path = {"knob": "weight", "from": 0.9, "to": 0.1, "levels": 3, "scale": "log"}
    spec = spec_of(FAMILY | {"path": path, "lr": 0.1})
    (family,) = spec.family_list()
    assert family.knobs == {
        "lr": 0.1,
        "path": "weight",
        "path_from": 0.9,
        "path_to": 0.1,
        "path_levels": 3,
        "path_scale": "log",
    }
    assert family.levels == (3,)
    assert family.name == "weighted_sum/kl_uniform/path"
    (trial,) = spec.plan()
    method = make_method(trial.config)
    assert (method.path, method.path_from, method.path_levels) == ("weight", 0.9, 3)
    assert spec.to_mapping()["families"] == [FAMILY | {"path": path, "lr": 0.1}]


def test_ends_and_levels_may_be_drawn():
    path = {"knob": "weight", "from": {"uniform": [0.5, 0.95]}, "levels": {"choice": [3, 11]}}
    spec = spec_of(FAMILY | {"path": path})
    (family,) = spec.family_list()
    assert family.knobs["path_from"] == Domain("uniform", (0.5, 0.95))
    assert family.levels == (3, 11)
    assert len({plan.knobs["path_from"] for plan in spec.plan()}) == 4
    for plan in spec.plan():
        make_method(plan.config)


def test_a_path_is_for_those_that_step_on_two_gradients():
    entry = {"method": ["fine_tune", "l1_sparse"], "path": {"knob": "lr", "from": 0.1, "to": 0.01}}
    with pytest.raises(InputError, match=r"^families\.0\.path: 'path' is not known"):
        spec_of(entry)


def test_a_presets_value_of_the_knob_gives_way():
    path = {"knob": "lr", "from": 0.1, "to": 0.01}
    (family,) = spec_of({"preset": "raul_uniform", "path": path}).family_list()
    assert "lr" not in family.knobs
    assert family.knobs["optimizer"] == "adamw"
    with pytest.raises(InputError, match=r"^families\.0\.lr: given, and moves along the path"):
        spec_of({"preset": "raul_uniform", "path": path, "lr": 0.2})


def test_families_without_a_path_are_as_they_were():
    (family,) = spec_of(FAMILY, steps=7, configurations=1).family_list()
    assert family.levels == ()
    assert family.name == "weighted_sum/kl_uniform"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ({"knob": "wieght"}, "families.0.path.knob: 'wieght' is not known; did you mean 'weight'?"),
        ({"knb": "weight"}, "families.0.path: 'knb' is not known; did you mean 'knob'?"),
        ({"levels": 3}, "families.0.path.knob: None must be the name of a knob, for example"),
        ({"knob": "weight", "to": 1.5}, "families.0.path.to: 1.5 must be a number from 0 to 1."),
        (
            {"knob": "weight", "from": {"uniform": [0.5, 1.5]}},
            "families.0.path.from: 1.5 must be a number from 0 to 1.",
        ),
        ({"knob": "lr"}, "families.0.path.from: missing; say at which value lr begins."),
        (
            {"knob": "weight", "to": 0, "scale": "log"},
            "families.0.path.to: 0 has no logarithm; take a value above 0, or linear at "
            "families.0.path.scale.",
        ),
        (
            {"knob": "weight", "levels": {"randint": [3, 11]}},
            "families.0.path.levels: randint given, and not every number in a range divides",
        ),
        (
            {"knob": "weight", "levels": 7},
            "budget.steps: 66 given, which the 7 levels of the path of "
            "'weighted_sum/kl_uniform/path' do not divide; take a multiple of 7, such as 70.",
        ),
        (
            {"knob": "weight", "levels": {"choice": [11, 60]}},
            "budget.steps: 66 given, which the 60 levels",
        ),
    ],
)
def test_a_path_that_does_not_fit_is_refused(path, message):
    with pytest.raises(InputError) as caught:
        spec_of(FAMILY | {"path": path})
    assert str(caught.value).startswith(message)


def test_words_of_a_path_without_a_knob_are_refused():
    message = "^families.0.path.levels: 3 given, and nothing moves; name a knob at families.0.path"
    with pytest.raises(InputError, match=message):
        spec_of(FAMILY | {"path_levels": 3})


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ({"path": {"knob": "nonsense", "from": {"normal": [0.5, 0.1]}}}, r"path\.knob: 'nonsense'"),
        (
            {"path": {"knob": "weight", "from": {"normal": [0.5, 0.1]}}, "weight": 0.3},
            r"families\.0\.weight: given, and moves",
        ),
        ({"path": {"knob": "weight", "levels": 0}}, r"families\.0\.path\.levels: 0 must be"),
        (
            {"path": {"knob": "weight", "from": 0.6}, "path_from": 0.7},
            r"families\.0\.path_from: 0\.7 given beside path\.from",
        ),
        (
            {
                "path": {"knob": "lr", "from": 0.1, "to": 0.01},
                "auto_lr": {"choice": [False, True]},
            },
            r"families\.0\.path\.knob: lr moves along it, and auto_lr",
        ),
    ],
)
def test_what_no_trial_could_take_is_refused_before_any(family, message):
    with pytest.raises(InputError, match=message):
        spec_of(FAMILY | family)


@pytest.mark.parametrize("low", [{"loguniform": [0.01, 0.1]}, {"normal": [0.05, 0.01]}])
def test_what_stands_for_a_family_has_ends_that_it_may_have(low):
    path = {"knob": "lr", "from": low, "to": {"choice": [0.001, 0.002, 0.003]}}
    spec = spec_of(FAMILY | {"path": path}, budget_per_family={"samples": 10}, configurations=None)
    (trial,) = representatives(spec.family_list())
    assert 0.01 <= trial.knobs["path_from"] <= 0.1
    assert trial.knobs["path_to"] == 0.002
    make_method(trial.config)
