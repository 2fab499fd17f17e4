"""What ``cclcc methods`` says: every key, with a meaning, and true defaults."""

import pytest

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.config.describe import describe_keys, describe_methods, find_recipe
from cclcc_cli.errors import RecipeError


def keys_of(method):
    return {key.name: key for key in describe_keys(find_recipe(method))}


@pytest.mark.parametrize("method", METHODS)
def test_every_key_has_a_meaning_and_every_method_a_line_and_a_source(method):
    keys = keys_of(method)
    assert all(key.meaning for key in keys.values())
    assert {"data.labeled", "model.kind", "batch.labeled", "method"} <= set(keys)
    (text,) = [m for m in describe_methods() if m.name == method]
    assert text.what.endswith(".")
    assert text.source
    assert bool(text.options) is (method != "supervised")


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_those_of_a_recipe_that_gives_none(method):
    raw = {"name": "x", "method": method, "budget": {"steps": 9},
           "data": {"name": "d", "size": 320, "labeled": 4}}
    dumped = {"plugins": [], **parse_recipe(raw, "test").model_dump(mode="json")}
    for key in keys_of(method).values():
        if key.default == "-" or key.name.startswith(("budget.", "supervised_loss.",
                                                             "clcc.patch_view.")) or key.only:
            continue
        value = dumped
        for part in key.name.split("."):
            value = value[part]
        shown = key.default.split(" (")[0]
        if isinstance(value, float):
            assert float(shown) == pytest.approx(value, rel=1e-3)
        else:
            assert shown.replace('"', "") == str(value).replace("None", "null").replace(
                "True", "true").replace("False", "false")


def test_sections_of_several_kinds_say_which_has_a_key():
    keys = keys_of("clcc")
    assert keys["clcc.terms.kind"].allowed == "two_stage | joint"
    assert keys["clcc.terms.kind"].default == "joint"
    assert keys["clcc.terms.contrast"].only == "kind: two_stage"
    assert keys["model.widths"].only == "kind: unet, kind: wide_unet, kind: residual_unet"
    assert keys["model.widths"].default == (
        "[16, 32, 64, 128, 256] (wide_unet: [32, 64, 128, 256, 512])"
    )
    assert keys["model.num_classes"].only == ""
    assert keys["optimizer.lr"].default == "0.001 (sgd: 0.01)"
    assert keys["optimizer.momentum"].only == "name: sgd"


def test_bounds_are_in_words():
    assert keys_of("unimatch")["unimatch.threshold"].allowed == "from 0.5 to 1"
    assert keys_of("clcc")["clcc.normalization"].allowed == "l1 | l2"
    assert keys_of("clcc")["clcc.symmetric"].allowed == "true | false"
    assert keys_of("clcc")["data.fold"].allowed == "from 0"
    assert keys_of("clcc")["data.selection.seed"].allowed == "from 0 to 2147483647 or run"
    assert keys_of("clcc")["data.size"].allowed == "from 16, multiple of 16"


def test_types_are_in_words():
    types = {name: key.type for name, key in keys_of("clcc").items()}
    assert types["data.labeled"] == "integer or number"
    assert types["data.fold"] == "integer or null"
    assert types["model.widths"] == "list of 5 integers"
    assert types["clcc.projector_strides"] == "list of 3 integers or null"
    assert types["clcc.patch_view"] == "section"
    assert types["clcc.terms.ramp_up"] == "share"
    assert types["clcc.normalization"] == "choice"


def test_an_unknown_method_is_refused():
    with pytest.raises(RecipeError, match="method foo: unknown; allowed: supervised, clcc"):
        find_recipe("foo")
