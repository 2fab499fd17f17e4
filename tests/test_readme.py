"""The README names every key of a recipe, and no other."""

import re
from pathlib import Path

from cclcc_cli.config import METHODS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def leaves(schema, node, prefix=""):
    """Dotted names of all keys that hold values."""
    if "$ref" in node:
        yield from leaves(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], prefix)
    elif options := node.get("oneOf") or node.get("anyOf"):
        sections = [o for o in options if "$ref" in o]
        for option in sections:
            yield from leaves(schema, option, prefix)
        if not sections:
            yield prefix
    elif "properties" in node:
        for name, child in node["properties"].items():
            yield from leaves(schema, child, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix


def test_the_table_of_keys_is_complete_and_true():
    table = README.split("## Keys of a recipe")[1].split("## File map")[0]
    documented = {
        name for line in table.splitlines() if line.startswith("| `")
        for name in re.findall(r"`([a-z_.]+)`", line.split("|")[1])
    }
    keys = set()
    for recipe in METHODS.values():
        schema = recipe.model_json_schema()
        keys |= set(leaves(schema, schema))
    assert documented == keys


def test_recipes_and_commands_it_names_exist():
    for name in re.findall(r"recipes/([a-z_]+\.yaml)", README):
        assert (Path(__file__).parents[1] / "recipes" / name).exists()
