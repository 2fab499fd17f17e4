"""The reference of recipes is what the code says, and editors accept what the code accepts."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.config.document import ROOT, dump_schema, insert, recipe_schema

SHIPPED = [*ROOT.glob("*.yaml"), *ROOT.glob("studies/*_base.yaml")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_made_from_the_code():
    assert insert(README) == README, "out of date; run: make docs"


def test_the_schema_is_made_from_the_code():
    kept = (ROOT / "recipe.schema.json").read_text(encoding="utf-8")
    assert dump_schema() == kept, "out of date; run: make docs"


def values(section, prefix=""):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from values(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.mark.parametrize("method", METHODS)
def test_each_key_stands_once_with_the_default_that_a_recipe_gets(method):
    """Read off the Markdown, against a recipe that gives only what is required."""
    rows = {}
    for line in README.split("## An ablation")[0].splitlines():
        if line.startswith("| `"):
            key, _, default, _, meaning = re.split(r"(?<!\\) \| ", line.strip("| "), maxsplit=4)
            assert meaning
            assert rows.setdefault(key.strip("`"), default.strip("`")) == default.strip("`")
    raw = {"name": "x", "method": method, "budget": {"steps": 9},
           "data": {"name": "d", "size": 320, "labeled": 4}}
    dumped = dict(values(parse_recipe(raw, "test").model_dump(mode="json")))
    assert set(dumped) <= set(rows)
    for key, value in dumped.items():
        if rows[key] == "required" or key == "budget.steps":
            continue
        shown = YAML(typ="safe").load(rows[key].split(" (")[0])
        if isinstance(value, float):
            assert shown == pytest.approx(value, rel=1e-3), key
        else:
            assert str(shown) == str(value), key


def fits(value, schema, whole):
    """Whether a value fits a schema of the few words that ours is written in."""
    if "$ref" in schema:
        return fits(value, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "oneOf" in schema:
        return sum(fits(value, one, whole) for one in schema["oneOf"]) == 1
    if "anyOf" in schema:
        return any(fits(value, one, whole) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kinds = {"object": isinstance(value, dict), "array": isinstance(value, list),
             "string": isinstance(value, str), "boolean": isinstance(value, bool),
             "null": value is None, "number": number,
             "integer": number and float(value).is_integer()}
    if not kinds[schema["type"]]:
        return False
    if schema["type"] == "object":
        properties = schema["properties"]
        return (set(schema.get("required", ())) <= set(value) <= set(properties)
                and schema["additionalProperties"] is False
                and all(fits(value[key], properties[key], whole) for key in value))
    if schema["type"] == "array":
        items = schema.get("prefixItems", [schema.get("items")] * len(value))
        return len(items) == len(value) and all(map(lambda v, s: fits(v, s, whole), value, items))
    return not number or (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and not value <= schema.get("exclusiveMinimum", value - 1)
        and not value >= schema.get("exclusiveMaximum", value + 1))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_schema_accepts_every_shipped_recipe(path):
    assert fits(YAML(typ="safe").load(path), recipe_schema(), recipe_schema())


@pytest.mark.parametrize("change", [
    {"seed": -1}, {"sead": 1}, {"method": "meanteacher"}, {"data": {"name": "x", "size": 320}},
    {"optimizer": {"momentum": 0.9}}, {"schedule": {"warmup": 2}}, {"batch": {"labeled": 2.5}},
])
def test_the_schema_refuses_what_the_code_refuses(change):
    good = YAML(typ="safe").load(ROOT / "kvasir.yaml")
    assert not fits({**good, **change}, recipe_schema(), recipe_schema())
    with pytest.raises(Exception, match="test: "):
        parse_recipe({**good, **change}, "test")


def test_the_readme_names_the_schema():
    assert "# yaml-language-server: $schema=recipe.schema.json" in README
    assert Path(ROOT / "recipe.schema.json").exists()
