"""The recipes that are shipped: valid, headed by their command, and comparable."""

from pathlib import Path

import pytest

from cclcc_cli.config import METHODS, load_recipe
from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.config.search_load import load_search
from cclcc_cli.report.evidence.findings import FEWEST_SEEDS
from cclcc_cli.runs.folder import find_runs
from cclcc_cli.runs.unbundle import open_bundles

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))
ABLATIONS = sorted((RECIPES[0].parent / "ablations").glob("*.yaml"))
SEARCHES = sorted((RECIPES[0].parent / "searches").glob("*.yaml"))
STUDIES = RECIPES[0].parent / "studies"
NAMES = [path.stem for path in RECIPES]


def shared_sections(name):
    recipe = load_recipe(next(p for p in RECIPES if p.stem == name))
    return recipe.model_dump(exclude={"name", "method", "clcc", "batch", "batch_norm"})


def test_the_expected_ones_are_there():
    assert {"quickstart", "kvasir", "kvasir_published", "isic", "isic_published"} <= set(NAMES)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_each_is_valid_and_headed_by_its_command(path):
    assert load_recipe(path).name == path.stem
    assert f"#   cclcc train recipes/{path.name}" in path.read_text().splitlines()


@pytest.mark.parametrize("name", ["quickstart", "kvasir", "isic"])
def test_the_baseline_differs_by_its_method_alone(name):
    assert shared_sections(f"{name}_supervised") == shared_sections(name)


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_each_ablation_is_valid_repeats_its_arms_and_is_headed_by_its_command(path):
    loaded = load_ablation(path)
    assert loaded.ablation.name == path.stem
    assert len(loaded.ablation.axes["seed"]) >= FEWEST_SEEDS
    command = f"#   cclcc ablate recipes/ablations/{path.name}"
    assert any(line.startswith(command) for line in path.read_text().splitlines())


def ablation(name):
    return load_ablation(next(path for path in ABLATIONS if path.stem == name))


def test_all_methods_are_compared_and_differ_by_their_method_alone():
    loaded = {recipe.name: recipe for recipe in ablation("all_methods").recipes if recipe.seed == 0}
    assert {r.method for r in loaded.values()} == set(METHODS)
    for name, each in loaded.items():
        own = {"name", "method", "batch", "batch_norm", "strong", each.method}
        kept = each.model_dump(exclude=own | ({"data"} if name == "fully_supervised" else set()))
        base = loaded["supervised"].model_dump(include=set(kept))
        assert kept == base, name
        assert each.batch.labeled == 4
        if each.batch.unlabeled:
            assert each.batch.unlabeled == 4


def test_the_ablations_cover_what_the_paper_varies():
    assert {r.clcc.grid for r in ablation("patch_grid").recipes} == {2, 4, 5, 10}
    ratios = {r.data.labeled for r in ablation("label_ratio").recipes}
    assert ratios == {0.05, 0.1, 0.2, 0.5, 1.0}
    terms = {(r.method, *((r.clcc.contrast_weight > 0, r.clcc.consistency_weight > 0)
                          if r.method == "clcc" else ())) for r in ablation("loss_terms").recipes}
    assert terms == {("supervised",), ("clcc", True, False), ("clcc", False, True),
                     ("clcc", True, True)}


def test_the_published_arm_is_the_published_recipe_and_the_corrected_one_the_corrected():
    arms = {point.variant: recipe for point, recipe in zip(
        ablation("published").points, ablation("published").recipes, strict=True)
        if point.values["seed"] == 0}
    for variant, name in (("published", "kvasir_published"), ("corrected", "kvasir")):
        recipe = load_recipe(next(p for p in RECIPES if p.stem == name))
        assert arms[variant].model_copy(update={"name": name}) == recipe


@pytest.mark.parametrize("path", SEARCHES, ids=lambda path: path.stem)
def test_each_search_is_valid_begins_with_its_base_and_is_headed_by_its_command(path):
    loaded = load_search(path)
    assert loaded.search.name == path.stem
    assert loaded.published
    command = f"#   cclcc search recipes/searches/{path.name}"
    assert any(line.startswith(command) for line in path.read_text().splitlines())


def test_the_search_on_kvasir_covers_loss_weights_and_patch_grid():
    loaded = load_search(next(path for path in SEARCHES if path.stem == "kvasir"))
    assert {"clcc.contrast_weight", "clcc.consistency_weight", "clcc.grid"} == set(
        loaded.search.space)
    assert loaded.search.space["clcc.grid"].choices == [2, 4, 5, 10]


STUDY_SEARCHES = sorted((STUDIES / "searches").glob("*.yaml"))


@pytest.mark.parametrize("data", ["kvasir", "isic"])
def test_a_study_compares_all_groups_alike(data):
    loaded = load_ablation(STUDIES / f"{data}.yaml")
    assert loaded.ablation.axes["seed"] == [0, 1, 2, 3, 4]
    base = load_recipe(STUDIES / f"{data}_base.yaml")
    assert base.data.selection.seed == "run"
    for recipe in loaded.recipes:
        kept = recipe.model_dump(include={"weak", "model", "budget", "optimizer", "schedule",
                                          "validation", "evaluation", "supervised_loss"})
        assert kept == base.model_dump(include=set(kept)), recipe.name
        assert recipe.batch.labeled == base.batch.labeled


def test_every_method_of_the_study_is_tuned_by_as_many_trials():
    searches = [load_search(path) for path in STUDY_SEARCHES]
    assert {search.search.trials for search in searches} == {6}
    seeds = {seed for search in searches for seed in search.search.seeds}
    studied = load_ablation(STUDIES / "kvasir.yaml")
    assert seeds.isdisjoint(studied.ablation.axes["seed"])
    assert {s.base.method for s in searches} == {r.method for r in studied.recipes}


def test_the_bundle_of_the_study_can_be_read():
    with open_bundles([STUDIES / "results.tar.xz"]) as opened:
        assert len(find_runs(opened.root)) >= 6
