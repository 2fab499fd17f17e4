"""Ablation files: what a design lays out, what a variant's recipe holds, and bad files."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cclcc_cli.config import load_recipe
from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.config.definition import Definition, define
from cclcc_cli.config.design import WHOLE, lay_out
from cclcc_cli.errors import RecipeError

BASE = {
    "method": "clcc", "data": {"name": "scenes", "size": 320, "labeled": 0.1},
    "budget": {"steps": 100}, "batch": {"labeled": 4, "unlabeled": 2}, "clcc": {"grid": 5},
}


@pytest.fixture
def load(tmp_path):
    def write_and_load(**keys):
        path = tmp_path / "ablation.yaml"
        path.write_text(json.dumps({"name": "a", "base": BASE, **keys}))  # JSON is YAML, in order
        return load_ablation(path)

    return write_and_load


def places(arrangement):
    return [point.place for point in arrangement.points]


VARIANTS = {"clcc": {}, "grid4": {"clcc.grid": 4}, "plain": {"method": "supervised"}}


def test_the_full_grid_crosses_everything(load):
    done = load(variants=VARIANTS, axes={"data.labeled": [0.1, 0.2], "seed": [0, 1]})
    assert len(done.points) == 3 * 2 * 2
    assert places(done)[1] == "clcc labeled=0.1 seed=1"
    assert [r.seed for r in done.recipes[:4]] == [0, 1, 0, 1]
    assert {r.data.labeled for r in done.recipes} == {0.1, 0.2}


def test_one_factor_at_a_time_starts_from_the_baseline_and_repeats_seeds(load):
    done = load(
        design="one_factor", baseline={"data.labeled": 0.2},
        variants={"clcc": {}, "other": {"clcc.symmetric": True}},
        axes={"data.labeled": [0.1, 0.2], "clcc.grid": [4, 5], "seed": [0, 1]},
    )
    assert places(done)[::2] == [
        "clcc labeled=0.1 grid=4 seed=0", "clcc labeled=0.2 grid=4 seed=0",
        "clcc labeled=0.2 grid=5 seed=0", "other labeled=0.2 grid=4 seed=0",
    ]
    assert all("seed=1" in place for place in places(done)[1::2])


def test_leave_one_out_takes_all_parts_and_all_but_each(load):
    done = load(design="leave_one_out", variants={
        "grid": {"clcc.grid": 4}, "both_ways": ["clcc.symmetric=true"]})
    assert [(p.variant, r.clcc.grid, r.clcc.symmetric)
            for p, r in zip(done.points, done.recipes, strict=True)] == [
        ("all", 4, True), ("without_grid", 5, True), ("without_both_ways", 4, False)]


def test_exclusions_leave_out_what_matches_all_their_keys(load):
    done = load(variants=VARIANTS, axes={"seed": [0, 1, 2]},
                exclude=[{"variant": "plain", "seed": [1, 2]}])
    assert len(done.points) == 9 - 2
    assert "plain seed=0" in places(done)


def test_another_method_drops_the_keys_that_only_the_former_had(load):
    recipe = load(variants=VARIANTS).recipes[2]
    assert recipe.method == "supervised"
    assert (recipe.batch.labeled, recipe.batch.unlabeled) == (4, 0)
    assert recipe.budget.steps == 100


def test_a_key_that_the_variant_itself_sets_is_never_dropped(load):
    with pytest.raises(RecipeError, match="plain: recipe: clcc: unknown key"):
        load(variants={"plain": {"method": "supervised", "clcc.grid": 4}})


def test_the_base_can_be_a_file_beside_it(tmp_path, load):
    (tmp_path / "base.yaml").write_text(json.dumps({"name": "b", **BASE}))
    (recipe,) = load(base="base.yaml").recipes
    assert recipe.model_copy(update={"name": "b"}) == load_recipe(tmp_path / "base.yaml")


def test_keys_of_the_base_are_changed_from_the_command_line(tmp_path, load):
    load(variants=VARIANTS)
    changed = load_ablation(tmp_path / "ablation.yaml", ["budget.steps=7", "clcc.grid=2"]).recipes
    assert {recipe.budget.steps for recipe in changed} == {7}
    assert [r.clcc.grid for r in changed[:2]] == [2, 4]  # a variant's own value stays
    with pytest.raises(RecipeError, match="budget.stepz: unknown key"):
        load_ablation(tmp_path / "ablation.yaml", ["budget.stepz=7"])


def test_a_recipe_is_named_by_what_no_column_of_a_report_shows(load):
    done = load(variants=VARIANTS, axes={"clcc.temperature": [0.1], "seed": [3]},
                exclude=[{"variant": "plain"}])
    assert [r.name for r in done.recipes] == ["clcc-temperature0.1", "grid4-temperature0.1"]


names = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)
keys = st.sampled_from(["seed", "data.fold", "x", "y.z"])
all_axes = st.dictionaries(keys, st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True),
                           max_size=3)


@settings(deadline=None)
@given(names, all_axes)
def test_laws_of_every_design(variants, axes):
    """Nothing twice; one factor lies inside the grid; each group sees the same repetitions."""
    baseline = {"variant": variants[0], **{key: values[0] for key, values in axes.items()}}
    full = [p.place for p in lay_out("full", variants, axes, baseline)]
    one = [p.place for p in lay_out("one_factor", variants, axes, baseline)]
    out = [p.place for p in lay_out("leave_one_out", variants, axes, baseline)]
    runs = 1
    for values in axes.values():
        runs *= len(values)
    assert len(set(full)) == len(full) == len(variants) * runs
    assert len(set(out)) == len(out) == (len(variants) + 1) * runs
    assert len(set(one)) == len(one)
    assert set(one) <= set(full)
    repeats = len(axes.get("seed", [0])) * len(axes.get("data.fold", [0]))
    factors = sum(len(v) - 1 for k, v in axes.items() if k not in ("seed", "data.fold"))
    assert len(one) == repeats * (1 + len(variants) - 1 + factors)
    assert any(p.startswith(WHOLE) for p in out)


BAD = {
    "no base": ({"base": None}, "base = None: give a recipe file, or the recipe's keys"),
    "no such file": ({"base": "no.yaml"}, "no.yaml: no such recipe"),
    "a bad base": ({"base": {**BASE, "seed": -1}}, "base: seed = -1: input should be greater"),
    "unknown key": ({"axis": {}}, "axis: unknown key; did you mean axes?"),
    "name": ({"name": "a b"}, "name = 'a b': string should match"),
    "design": ({"design": "half"}, "design = 'half': input should be 'full', 'one_factor' or"),
    "variant's name": ({"variants": {"a b": {}}}, "a b"),
    "variant's key": ({"variants": {"a": {"clcc.grib": 3}}}, "did you mean grid?"),
    "variant's value": ({"variants": {"a": {"clcc.grid": 7}}}, "allowed for this data.size: 2, 4"),
    "variant's method": ({"variants": {"a": {"method": "clc"}}}, "method = clc: unknown; allowed"),
    "no pair": ({"variants": {"a": ["clcc.grid"]}}, "clcc.grid: write it as key.subkey=value"),
    "a pair twice": ({"variants": {"a": ["seed=1", "seed=2"]}}, "seed is set twice"),
    "through a value": ({"variants": {"a": {"data.size.x": 1}}}, "data.size is a value, it has"),
    "name as a key": ({"variants": {"a": {"name": "x"}}}, "'name' is made from the variant's"),
    "axis without values": ({"axes": {"seed": []}}, "seed = []: give a list of one or more"),
    "axis of one value": ({"axes": {"seed": 3}}, "seed = 3: give a list of one or more values"),
    "value twice": ({"axes": {"seed": [1, 1]}}, "seed has 1 twice"),
    "method as axis": ({"axes": {"method": ["clcc"]}}, "make each method a variant"),
    "no baseline": ({"baseline": 3}, "baseline = 3: give a variant's name, or keys and values"),
    "axis value": ({"axes": {"seed": [0, -1]}}, "seed=-1: recipe: seed = -1: input should be"),
    "baseline": ({"baseline": "b"}, "baseline: variant = 'b': not in this ablation; allowed: base"),
    "exclude's key": ({"exclude": [{"sed": 1}]}, "exclude: sed is neither 'variant' nor an axis"),
    "exclude's value": ({"axes": {"seed": [0]}, "exclude": [{"seed": 1}]}, "seed = 1: not in this"),
    "exclude all": ({"axes": {"seed": [0]}, "exclude": [{"seed": 0}]}, "leaves nothing to run"),
    "empty exclude": ({"exclude": [{}]}, "an item without keys would leave out everything"),
    "exclude nothing": (
        {"axes": {"seed": [0, 1], "clcc.grid": [4, 5]}, "design": "one_factor",
         "variants": {"a": {}, "b": {"clcc.symmetric": True}},
         "exclude": [{"variant": "b", "clcc.grid": 5}]}, "matches nothing of this design"),
    "nothing to leave out": ({"design": "leave_one_out"}, "needs variants, the parts to leave"),
    "margin": ({"margin": 0}, "margin = 0: input should be greater than 0"),
    "mixed label seeds": ({"axes": {"data.selection.seed": [0, "run"]}},
                          "data.selection.seed = [0, 'run']: numbers repeat a group with other"),
    "threads": ({"threads": 0}, "threads = 0: input should be greater than or equal to 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_line(load, case):
    keys, expected = BAD[case]
    with pytest.raises(RecipeError) as caught:
        load(**keys)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_margin_and_labelled_subsets_reach_the_definition(load):
    """A whole number of points is a number; subsets repeat a group and its name."""
    done = load(margin=1, variants={"a": {}, "b": {"clcc.symmetric": True}}, design="one_factor",
                axes={"data.selection.seed": [0, 1], "seed": [0, 1, 2]})
    assert define(done)["margin"] == 1.0
    assert define(load())["margin"] == 2.0
    assert len(done.points) == 2 * 2 * 3
    assert {recipe.name for recipe in done.recipes} == {"a", "b"}
    assert places(done)[4] == "a data.selection.seed=1 seed=1"
    old = {key: value for key, value in define(done).items() if key != "margin"}
    assert Definition.model_validate(old).margin == 2.0  # a plan from before there was one


def test_all_problems_are_told_at_once_and_a_repeated_one_once(load):
    with pytest.raises(RecipeError) as caught:
        load(variants={"a": {"clcc.grid": 7}, "b": {"optimizer.lr": 0}},
             axes={"seed": [0, 1]})
    first, second = str(caught.value).splitlines()
    assert "a seed=0 and 1 more: recipe: clcc.grid = 7" in first
    assert "b seed=0 and 1 more: recipe: optimizer.lr = 0" in second


def test_a_missing_or_empty_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match="x.yaml: no such ablation"):
        load_ablation(tmp_path / "x.yaml")
    (tmp_path / "x.yaml").write_text("")
    with pytest.raises(RecipeError, match="an ablation starts with 'name:' and 'base:'"):
        load_ablation(tmp_path / "x.yaml")
