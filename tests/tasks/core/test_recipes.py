from __future__ import annotations

import pytest

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import RECIPES, Recipe, parse_recipe

DEFAULT = Recipe(epochs=7, lr=0.05)


def test_an_absent_recipe_is_the_tasks_own() -> None:
    assert parse_recipe(None, DEFAULT) is DEFAULT
    assert parse_recipe(RECIPES["fast"], DEFAULT) is RECIPES["fast"]


def test_a_recipe_is_known_by_its_name() -> None:
    published = parse_recipe("published", DEFAULT)
    assert (published.epochs, published.batch_size, published.lr) == (182, 256, 0.1)
    assert (published.schedule, published.milestones) == ("multistep", (91, 136))
    assert (published.momentum, published.weight_decay, published.nesterov) == (0.9, 5e-4, False)
    assert parse_recipe("fast", DEFAULT).epochs <= 30


def test_fields_change_the_named_recipe_or_the_tasks_own() -> None:
    named = parse_recipe({"name": "published", "epochs": 160}, DEFAULT)
    assert (named.epochs, named.milestones, named.batch_size) == (160, (91, 136), 256)
    own = parse_recipe({"optimizer": "adamw", "lr": 1, "schedule": "cosine"}, DEFAULT)
    assert own == Recipe(epochs=7, lr=1.0, optimizer="adamw", schedule="cosine")
    assert isinstance(own.lr, float)


def test_another_schedule_drops_the_milestones_of_the_named_recipe() -> None:
    recipe = parse_recipe({"name": "published", "schedule": "cosine"}, DEFAULT)
    assert (recipe.schedule, recipe.milestones) == ("cosine", ())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, r"task\.recipe: 3 is no recipe; give a name \(fast, published\)"),
        ("fats", r"task\.recipe: 'fats' is not known; did you mean 'fast'\?"),
        ({"name": ["fast"]}, r"task\.recipe: \['fast'\] is not known"),
        ({"epoch": 3}, r"task\.recipe: field: 'epoch' is not known; did you mean 'epochs'\?"),
        ({"epochs": 3.5}, r"task\.recipe\.epochs: 3\.5 must be an integer"),
        ({"epochs": True}, r"task\.recipe\.epochs: True must be an integer"),
        ({"epochs": 0}, r"task\.recipe\.epochs: 0 must be at least 1"),
        ({"lr": "0.1"}, r"task\.recipe\.lr: '0\.1' must be a number"),
        ({"lr": -1}, r"task\.recipe\.lr: -1\.0 must be positive"),
        ({"nesterov": 1}, r"task\.recipe\.nesterov: 1 must be true or false"),
        ({"optimizer": "adam"}, r"task\.recipe\.optimizer: 'adam' .* did you mean 'adamw'"),
        ({"schedule": "cosinus"}, r"task\.recipe\.schedule: 'cosinus' .* mean 'cosine'"),
        ({"schedule": None}, r"task\.recipe\.schedule: None must be one of one_cycle"),
        ({"milestones": 3}, r"task\.recipe\.milestones: 3 must be a list of epochs"),
        ({"milestones": [3]}, r"milestones: \[3\] with schedule 'one_cycle'"),
        ({"schedule": "multistep"}, r"milestones: \[\] with schedule 'multistep'"),
        ({"schedule": "multistep", "milestones": [0, 2]}, r"\[0, 2\] must be ascending"),
        ({"schedule": "multistep", "milestones": [4, 4]}, r"\[4, 4\] must be ascending"),
        (
            {"name": "published", "epochs": 20},
            r"task\.recipe\.milestones: \[91, 136\] must be below the 20 epochs; .* \[10, 15\]",
        ),
    ],
)
def test_what_is_wrong_is_named(value: object, text: str) -> None:
    with pytest.raises(InputError, match=text):
        parse_recipe(value, DEFAULT)
