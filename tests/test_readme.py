"""What the READMEs name is there, and nothing of its kind is left out."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_recipes_and_rooms_it_names_exist():
    recipes = re.findall(r"`((?:ablations|studies)/[a-z_]+\.yaml)`", README)
    rooms = re.findall(r"\]\(([\w/.]+\.md)\)", README)
    assert recipes
    assert len(rooms) >= 8
    assert [name for name in recipes if not (ROOT / "recipes" / name).exists()] == []
    assert [name for name in rooms if not (ROOT / name).exists()] == []


def test_commands_it_names_exist():
    from cclcc_cli.cli.app import COMMANDS

    used = set(re.findall(r"(?m)^cclcc ([a-z-]+)", README))
    assert len(used) >= 4
    assert used <= {name for _, name, _, _ in COMMANDS}


def test_it_is_short():
    assert len(README.splitlines()) <= 160


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
