"""The recipes that are shipped: valid, headed by their command, and comparable."""

from pathlib import Path

import pytest

from cclcc_cli.config import METHODS, load_recipe

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
NAMES = [path.stem for path in RECIPES]


def shared_sections(name):
    recipe = load_recipe(next(p for p in RECIPES if p.stem == name))
    return recipe.model_dump(exclude={"name", "method", "clcc", "batch"})


def test_the_expected_ones_are_there():
    assert {"quickstart", "kvasir", "kvasir_published", "isic", "isic_published"} <= set(NAMES)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_each_is_valid_and_headed_by_its_command(path):
    assert load_recipe(path).name == path.stem
    assert f"#   cclcc train recipes/{path.name}" in path.read_text().splitlines()


@pytest.mark.parametrize("name", ["quickstart", "kvasir", "isic"])
def test_the_baseline_differs_by_its_method_alone(name):
    assert shared_sections(f"{name}_supervised") == shared_sections(name)


def rival_arms():
    lines = (RECIPES[0].parent / "rivals.txt").read_text().splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_the_arms_of_the_rivals_cover_every_method_and_differ_by_it_alone():
    recipe = RECIPES[0].parent / "rivals.yaml"
    loaded = {name: load_recipe(recipe, [f"name={name}", *keys]) for name, *keys in rival_arms()}
    assert {r.method for r in loaded.values()} == set(METHODS)
    for name, each in loaded.items():
        own = {"name", "method", "batch", "strong", each.method}
        kept = each.model_dump(exclude=own | ({"data"} if name == "fully_supervised" else set()))
        base = loaded["supervised"].model_dump(include=set(kept))
        assert kept == base, name
        assert each.batch.labeled == 4
        if each.batch.unlabeled:
            assert each.batch.unlabeled == 4
