"""Search files: the published setting first, every extreme a valid recipe, and bad files."""

import json

import pytest

from cclcc_cli.config.search import OBJECTIVES
from cclcc_cli.config.search_load import load_search
from cclcc_cli.errors import RecipeError

BASE = {
    "method": "clcc", "data": {"name": "scenes", "size": 320, "labeled": 0.1},
    "budget": {"steps": 100}, "batch": {"labeled": 4, "unlabeled": 2},
    "clcc": {"grid": 5, "contrast_weight": 0.1},
}
WEIGHT = {"kind": "log", "low": 0.01, "high": 1}


@pytest.fixture
def load(tmp_path):
    def write_and_load(**keys):
        path = tmp_path / "search.yaml"
        content = {"name": "s", "base": BASE, "space": {"clcc.contrast_weight": WEIGHT},
                   "trials": 10, **keys}
        path.write_text(json.dumps(content))  # JSON is YAML, in order
        return load_search(path)

    return write_and_load


def test_the_bases_own_setting_is_listed_first_then_what_the_file_lists(load):
    done = load(space={"clcc.contrast_weight": WEIGHT, "clcc.grid": [4, 5], "schedule.warmup":
                       {"low": 0, "high": 0.5}}, enqueue=[{"clcc.grid": 4}])
    own = {"clcc.contrast_weight": 0.1, "clcc.grid": 5, "schedule.warmup": 0.0}
    assert done.listed == (own, {**own, "clcc.grid": 4})
    assert done.published
    assert not load(enqueue_base=False).published


def test_keys_of_the_base_are_changed_from_the_command_line(tmp_path, load):
    load()
    changed = load_search(tmp_path / "search.yaml", ["clcc.grid=4", "clcc.contrast_weight=0.2"])
    assert changed.listed == ({"clcc.contrast_weight": 0.2},)
    assert changed.recipe(changed.listed[0], "x").clcc.grid == 4


def test_a_variant_of_the_base_may_be_of_another_method(load):
    done = load(variant={"method": "cps", "cps.images": "all"},
                space={"cps.cross_weight": WEIGHT})
    assert (done.base.method, done.base.cps.images, done.base.budget.steps) == ("cps", "all", 100)
    with pytest.raises(RecipeError, match="variant: cps.image: unknown key"):
        load(variant={"method": "cps", "cps.image": "all"}, space={"cps.cross_weight": WEIGHT})


def test_a_setting_is_laid_over_the_base(load):
    recipe = load().recipe({"clcc.contrast_weight": 0.5, "clcc.grid": 4}, "t")
    assert (recipe.clcc.contrast_weight, recipe.clcc.grid, recipe.name) == (0.5, 4, "t")
    assert load().base.clcc.contrast_weight == 0.1


def test_sections_are_choices_and_conditions_reach_into_them(load):
    space = {"clcc.terms": [{"kind": "joint"}, {"kind": "two_stage"}],
             "clcc.terms.ramp_up": {"low": 0, "high": 0.5, "when": {"clcc.terms":
                                                                      {"kind": "joint"}}}}
    base = {**BASE, "clcc": {**BASE["clcc"], "terms": {"kind": "joint", "ramp_up": 0.25}}}
    done = load(space=space, base=base)
    assert done.listed == ({"clcc.terms": {"kind": "joint"}, "clcc.terms.ramp_up": 0.25},)
    assert done.recipe(done.listed[0], "t").model_copy(update={"name": "s"}) == done.base


def test_a_grid_lists_every_point_once_and_has_no_more_trials(load):
    done = load(space={"clcc.grid": [2, 4, 5]}, sampler="grid", trials=100)
    assert [point["clcc.grid"] for point in done.listed] == [5, 2, 4]
    assert done.num_trials == 3
    assert load(space={"clcc.grid": [2, 4, 5]}, sampler="grid", trials=2).num_trials == 2


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_score_on_validation_can_be_the_objective(load, name):
    loss = name in ("mae", "hd95", "assd")
    assert load(objective=name).search.direction == ("minimize" if loss else "maximize")
    assert load(objective=f"val.{name}").search.objective == name


def test_repetitions(load):
    assert load().search.repetitions == [{}]
    assert load(seeds=[3, 4]).search.repetitions == [{"seed": 3}, {"seed": 4}]
    assert load(folds=[0]).search.repetitions == [{"data.fold": 0}]


def one(key, value):
    return {"space": {key: value}}


BAD = {
    "test split": ({"objective": "test.dice"}, "= 'test.dice': a search never reads the"),
    "objective": ({"objective": "loss"}, "objective = 'loss': unknown; allowed: dice, iou"),
    "no space": ({"space": {}}, "space: give one or more"),
    "unknown key": (one("clcc.grib", [4]), "space: clcc.grib = 4: recipe: clcc.grib: unknown key; "
                    "did you mean grid?"),
    "foreign key": (one("fixmatch.threshold", [0.9]), "fixmatch: unknown key"),
    "bad choice": (one("clcc.grid", [5, 7]), "space: clcc.grid = 7: recipe: clcc.grid = 7"),
    "bad bound": (one("clcc.temperature", {"low": 0, "high": 1}), "clcc.temperature = 0.0: recipe"),
    "step": (one("clcc.grid", {"low": 2, "high": 5, "step": 4}), "space.clcc.grid: step = 4.0"),
    "bounds turned": (one("seed.x", {"low": 2, "high": 1}), "low = 2.0 must be below high = 1.0"),
    "log of 0": (one("x", {"kind": "log", "low": 0, "high": 1}), "a logarithm needs it above 0"),
    "kind": (one("x", {"kind": "normal", "low": 0}), "normal: unknown; allowed: uniform, log, int"),
    "choice twice": (one("x", [1, True]), "choices have True twice"),
    "no dimension": (one("x", 3), "give a list of values, or a mapping such as"),
    "seed": (one("seed", [0, 1]), "seed cannot be searched: the luckiest seed is no better"),
    "data": (one("data.name", ["a"]), "data.name cannot be searched"),
    "section with it": (one("data", [{"name": "a"}]), "data cannot be searched"),
    "rules": (one("evaluation.total_miss", ["zero"]), "it is how the objective is measured"),
    "budget": (one("budget.steps", [100, 200]), "gives trials unequal budgets; leave it out, or"),
    "condition": (one("clcc.grid", {"choices": [5], "when": {"x": 1}}),
                  "when: x is no key above it; allowed: none"),
    "condition's value": (
        {"space": {"clcc.grid": [4, 5], "clcc.contrast_weight": {**WEIGHT, "when":
                                                                 {"clcc.grid": 3}}}},
        "when: clcc.grid = 3 is not among 4, 5"),
    "grid": ({"sampler": "grid"}, "sampler.kind = grid needs values that can be counted"),
    "sampler": ({"sampler": "cma"}, "sampler.kind = cma: unknown; allowed: tpe, gp, random, grid"),
    "pruner": ({"pruner": {"kind": "hyperbant"}}, "hyperbant: unknown; allowed: none, median"),
    "both": ({"seeds": [0], "folds": [0]}, "seeds, folds: give one of the two"),
    "seed twice": ({"seeds": [1, 1]}, "seeds = [1, 1]: has a number twice"),
    "trials": ({"trials": 0}, "trials = 0: input should be greater than or equal to 1"),
    "pruned by distance": ({"objective": "hd95", "pruner": "median"},
                           "pruner.kind = median: hd95 is computed at the end"),
    "pruned unequal": ({"pruner": "median", "unequal_budgets": True},
                       "pruner.kind = median: trials of unequal budgets"),
    "base outside": (one("clcc.contrast_weight", {"kind": "log", "low": 0.2, "high": 1}),
                     "the base's own clcc.contrast_weight = 0.1 lies outside 0.2 to 1.0; widen"),
    "base's choice": (one("clcc.grid", [2, 4]), "own clcc.grid = 5 is not among 2, 4; widen"),
    "listed key": ({"enqueue": [{"clcc.grid": 4}]}, "enqueue.0: clcc.grid: is no key of the space"),
    "listed value": ({"enqueue": [{"clcc.contrast_weight": 2}]}, "lies outside 0.01 to 1.0"),
    "listed twice": ({"enqueue": [{}]}, "is listed twice, or is the base's own"),
    "unknown": ({"sed": 1}, "sed: unknown key"),
    "base": ({"base": {**BASE, "seed": -1}}, "base: seed = -1"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_line(load, case):
    keys, expected = BAD[case]
    with pytest.raises(RecipeError) as caught:
        load(**keys)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_problems_are_told_at_once(load):
    with pytest.raises(RecipeError) as caught:
        load(space={"clcc.grid": [5, 7], "clcc.tau": [1], "optimizer.lr": {"low": -1, "high": 1}})
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(RecipeError) as caught:  # both bounds
        load(space={"clcc.grid": {"low": 2, "high": 5}})
    assert [line.partition("clcc.grid = ")[2][:3] for line in str(caught.value).splitlines()] == [
        "2.0", "5.0"]
    with pytest.raises(RecipeError) as caught:
        load(objective="test", trials=0, sampler="no")
    assert len(str(caught.value).splitlines()) == 3
