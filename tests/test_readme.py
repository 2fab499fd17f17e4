"""What the READMEs name is there, and nothing of its kind is left out."""

import re
import tomllib
from pathlib import Path

from cclcc_cli.config import METHODS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def named(path, pattern):
    return set(re.findall(pattern, (ROOT / path).read_text(encoding="utf-8")))


def test_the_map_of_rooms_is_that_of_the_package():
    text = (ROOT / "cclcc_cli" / "README.md").read_text(encoding="utf-8")
    block = text.split("```")[1]
    rooms = {word.rstrip("/") for line in block.splitlines() if not line.startswith(" ")
             for word in re.findall(r"[a-z_]+/(?=\s)", line)}
    there = {path.name for path in (ROOT / "cclcc_cli").iterdir()
             if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms == there
    files = set(re.findall(r"`((?:[a-z]+/)+[a-z_]+\.py)`", text))
    absent = {name for name in files if not any(
        (root / name).exists() for root in (ROOT, ROOT / "cclcc_cli"))}
    assert not absent


def test_every_benchmark_and_every_mark_is_told():
    assert named("benchmarks/README.md", r"(?m)`([a-z_]+\.py)`(?= \||\s`)") >= {
        path.name for path in (ROOT / "benchmarks").glob("*.py")}
    marks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "tool"]["pytest"]["ini_options"]["markers"]
    assert named("tests/README.md", r"\| `([a-z]+)` \|") == {
        mark.partition(":")[0] for mark in marks}
