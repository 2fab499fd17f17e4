"""``cclcc methods``: the list, one recipe, and both for scripts."""

import json

from cclcc_cli.config import METHODS


def test_lists_every_method_with_its_source(cclcc):
    done = cclcc("methods")
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert names == list(METHODS)
    assert done.stdout.count("source: ") == len(METHODS)
    assert "arXiv:1907.07034" in done.stdout


def test_shows_one_recipe_with_defaults_and_meanings(cclcc):
    done = cclcc("methods", "clcc")
    assert done.stdout.startswith("clcc: Whole image and patches teach each other")
    (row,) = [line for line in done.stdout.splitlines() if " clcc.temperature " in line]
    assert [run.strip() for run in row.strip("│").split("│")] == [
        "clcc.temperature", "0.07", "above 0", "Divides similarities."
    ]


def test_json_suits_a_script(cclcc):
    assert [m["name"] for m in json.loads(cclcc("methods", "--json").stdout)] == list(METHODS)
    keys = {key["name"]: key for key in json.loads(cclcc("methods", "ict", "--json").stdout)}
    assert keys["ict.mix_alpha"]["default"] == "0.2"
