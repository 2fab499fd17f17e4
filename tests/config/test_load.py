"""Recipes: read, changed, checked; and thirty bad ones, each with its one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.config import load_recipe
from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.methods.clcc import ClccRecipe
from cclcc_cli.config.methods.supervised import SupervisedRecipe
from cclcc_cli.errors import RecipeError

GOOD = """
name: good
method: clcc
data: {name: scenes, size: 320, labeled: 0.1}
budget: {epochs: 300}
schedule: {warmup: 1/3}
clcc: {terms: {kind: two_stage, contrast: 1/3}}
"""


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


def test_defaults_are_filled_in(good):
    recipe = load_recipe(good)
    assert isinstance(recipe, ClccRecipe)
    assert recipe.clcc.temperature == 0.07
    assert recipe.optimizer.name == "adamw"


def test_overrides_apply_from_left_to_right(good):
    recipe = load_recipe(good, ["seed=1", "clcc.grid=4", "seed=2", "optimizer={name: sgd}"])
    assert (recipe.seed, recipe.clcc.grid, recipe.optimizer.name) == (2, 4, "sgd")


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("3", 3.0), ("0.5", 0.5)])
def test_numbers_are_read_as_people_write_them(good, text, value):
    assert load_recipe(good, [f"optimizer.lr={text}"]).optimizer.lr == value


def test_a_count_of_labels_is_not_a_share(good):
    assert load_recipe(good, ["data.labeled=1"]).data.labeled == 1
    assert isinstance(load_recipe(good, ["data.labeled=1.0"]).data.labeled, float)


@given(parts=st.integers(1, 50), whole=st.integers(50, 99), seed=st.integers(0, 2**31 - 1))
def test_a_written_recipe_reads_back_equal(tmp_path_factory, parts, whole, seed):
    path = tmp_path_factory.mktemp("recipe") / "r.yaml"
    path.write_text(GOOD)
    recipe = load_recipe(path, [f"schedule.warmup={parts}/{whole}", f"seed={seed}"])
    path.write_text(dump_recipe(recipe))
    assert load_recipe(path) == recipe


def test_changing_the_method_needs_its_own_keys_only(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.rsplit("clcc:", 1)[0].replace("method: clcc", "method: supervised"))
    assert isinstance(load_recipe(path), SupervisedRecipe)


BAD_KEYS = {
    "data.labeled=1.5": "data.labeled = 1.5: give a count such as 80, or a share above 0",
    "data.labeled=0": "data.labeled = 0: give a count",
    "data.labeled=ten": "data.labeled = 'ten': give a count",
    "data.labeled=true": "data.labeled = True: give a count",
    "data.size=100": "data.size = 100: input should be a multiple of 16",
    "data.name=a/b": "data.name = 'a/b': string should match pattern",
    "data.name=": "data.name = None: input should be a valid string",
    "data=5": "data = 5: must be a section of keys, not a single value",
    "data.selection.kind=foo": "data.selection.kind = foo: unknown; allowed: nested, contiguous",
    "data.selection.start=3": "data.selection.start: unknown key; it belongs to another kind",
    "clcc.grid=7": "clcc.grid = 7 does not cut 320 pixels into patches whose side is a multiple "
    "of 16; allowed for this data.size: 2, 4, 5, 10, 20",
    "clcc.grib=5": "clcc.grib: unknown key; did you mean grid?",
    "clcc.temperature=0": "clcc.temperature = 0: input should be greater than 0",
    "clcc.temperature=.inf": "clcc.temperature = inf: input should be a finite number",
    "clcc.symmetric=maybe": "clcc.symmetric = 'maybe': input should be a valid boolean",
    "clcc.projector_strides=[4,4,2]": "must multiply to the patch side 64",
    "clcc.terms.ramp_up=0.2": "clcc.terms.ramp_up: unknown key; it belongs to another kind",
    "clcc.normalization=l3": "clcc.normalization = 'l3': input should be 'l1' or 'l2'",
    "model.widths=[16,32]": "model.widths: has too few numbers",
    "method=clc": "method = clc: unknown; allowed: supervised, clcc, mean_teacher, uamt, cps",
    "method=supervised": "clcc: unknown key; there are: batch, budget",
    "budget.steps=3": "budget: give either steps or epochs",
    "budget.epochs=2.5": "budget.epochs = 2.5: input should be a valid integer",
    "schedule.warmup=2/1": "schedule.warmup = '2/1': must lie from 0 to 1",
    "schedule.warmup=1/0": "schedule.warmup = '1/0': give a number from 0 to 1, or a fraction",
    "optimizer.name=adam": "optimizer.name = adam: unknown; allowed: adamw, sgd",
    "optimizer.momentum=0.9": "optimizer.momentum: unknown key; it belongs to another kind",
    "supervised_loss.boundary.kernel=30": "kernel must be odd, not 30",
    "validation.every=500": "validation.every = 500 is longer than the budget of 300",
    "evaluation.threshold=1": "evaluation.threshold = 1: input should be less than 1",
    "seed=-1": "seed = -1: input should be greater than or equal to 0",
    "name.x=3": "name is a value, it has no keys inside",
    "seed": "--set seed: write it as key.subkey=value",
    "clcc.temperature=[": "is not valid YAML",
}


@pytest.mark.parametrize("override", BAD_KEYS, ids=str)
def test_a_bad_key_gets_one_line(good, override):
    with pytest.raises(RecipeError) as caught:
        load_recipe(good, [override])
    assert BAD_KEYS[override] in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_FILES = {
    "empty": (b"", "holds no keys"),
    "a list": (b"- 1\n- 2\n", "holds no keys"),
    "not yaml": (b"a: [1, 2\nb: 3\n", "is not valid YAML"),
    "a key twice": (b"name: a\nname: b\n", 'found duplicate key "name"'),
    "not text": (b"\xff\xfe\x00", "is not UTF-8 text"),
    "no method": (b"name: a\n", "method: is missing; allowed: supervised, clcc"),
    "a tag": (b"name: !!python/object:os.system {}\n", "is not valid YAML"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_gets_one_line(tmp_path, case):
    content, expected = BAD_FILES[case]
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"nowhere.yaml: no such recipe; 'cclcc recipes'"):
        load_recipe(tmp_path / "nowhere.yaml")
    with pytest.raises(RecipeError, match="is a folder"):
        load_recipe(tmp_path)


def test_all_problems_are_told_at_once(good):
    with pytest.raises(RecipeError) as caught:
        load_recipe(good, ["seed=-1", "clcc.grib=3", "optimizer.lr=0"])
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith(str(good)) for line in lines)
