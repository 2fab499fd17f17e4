"""Recipes that come with cclcc: named, listed, copied, installed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cclcc_cli.config import library, load_recipe
from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.config.library import ROOT, copy_shipped, find_file, list_shipped
from cclcc_cli.config.quoted import load_quoted
from cclcc_cli.config.search_load import load_search
from cclcc_cli.errors import RecipeError


def without_places(recipe):
    """Plug-ins by their content: a copy lies elsewhere."""
    return recipe.model_copy(update={"plugins": [one.sha256 for one in recipe.plugins]})


READERS = {
    "recipe": lambda path: without_places(load_recipe(path)),
    "ablation": lambda path: load_ablation(path).recipes,
    "search": lambda path: load_search(path).probes, "figures": load_quoted,
}
"""What each kind of file comes to, its base resolved."""
SHIPPED = list_shipped()


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: one.name)
def test_each_says_what_it_is_and_its_copy_means_the_same(shipped, tmp_path, monkeypatch):
    assert re.fullmatch(r"[A-Z].*[.)]", shipped.what)
    monkeypatch.chdir(tmp_path)
    copied, *plugins = copy_shipped(shipped.name)
    assert copied == Path(shipped.path.name)
    assert [path.suffix for path in plugins] == [".py"] * len(plugins)
    read = READERS[shipped.kind]
    assert read(copied) == read(shipped.path) == read(Path(shipped.name))


def test_a_name_stands_for_what_is_asked_for_and_a_file_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_file(Path("kvasir"), "recipe") == ROOT / "kvasir.yaml"
    assert find_file(Path("kvasir"), "search") == ROOT / "searches" / "kvasir.yaml"
    assert find_file(Path("small"), "ablation") == ROOT / "ablations" / "small.yaml"
    assert find_file(Path("studies/kvasir"), "ablation") == ROOT / "studies" / "kvasir.yaml"
    (tmp_path / "kvasir").mkdir()
    assert find_file(Path("kvasir"), "recipe") == ROOT / "kvasir.yaml"
    (tmp_path / "isic").write_text("name: mine\n")
    assert find_file(Path("isic"), "recipe") == Path("isic")
    assert find_file(Path("kvasir.yaml"), "recipe") == Path("kvasir.yaml")


def test_the_base_of_an_own_file_can_be_named(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase: kvasir\nvariants: {a: {}, b: {clcc.grid: 4}}\n")
    assert [recipe.clcc.grid for recipe in load_ablation(file).recipes] == [5, 4]
    file.write_text("name: mine\nbase: kvasir.yaml\nvariants: {a: {}}\n")
    with pytest.raises(RecipeError, match=f"{tmp_path}/kvasir.yaml: no such recipe"):
        load_ablation(file)


def test_nothing_is_overwritten_and_an_unknown_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("mine")
    with pytest.raises(RecipeError, match=r"mine.yaml: is there already; name another file with"):
        copy_shipped("kvasir", Path("mine.yaml"))
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    with pytest.raises(RecipeError, match="did you mean ablations/small or searches/small"):
        copy_shipped("small")
    with pytest.raises(RecipeError, match="nothing: no recipe of this name comes with cclcc; 'ccl"):
        copy_shipped("nothing")
    with pytest.raises(RecipeError, match=r"x/y.yaml: cannot be written \(No such file"):
        copy_shipped("kvasir", Path("x/y.yaml"))


def test_a_copy_takes_its_plug_ins_along(tmp_path, monkeypatch):
    plugins = tmp_path / "shipped" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "one.yaml").write_text("name: one\nplugins: [own.py]  # from here\n")
    (plugins / "own.py").write_text("PLUGIN = None\n")
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(library, "ROOT", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path / "here")
    assert copy_shipped("plugins/one") == [Path("one.yaml"), Path("own.py")]
    assert Path("own.py").read_text() == "PLUGIN = None\n"
    with pytest.raises(RecipeError, match=r"own.py: is there already"):
        copy_shipped("plugins/one", Path("two.yaml"))
    assert not Path("two.yaml").exists()


@pytest.mark.slow
def test_what_is_installed_has_them_inside_the_package(tmp_path):
    pytest.importorskip("setuptools")
    checkout = ROOT.parent
    subprocess.run([sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", "build",
                    "--build-base", tmp_path / "base", "--build-lib", tmp_path / "lib"],
                   cwd=checkout, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "cclcc_cli", "recipes", "--json"], cwd=tmp_path, check=True,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")})
    listed = json.loads(done.stdout)
    assert [one["name"] for one in listed] == [one.name for one in SHIPPED]
    assert {Path(one["path"]).is_relative_to(tmp_path / "lib") for one in listed} == {True}
    assert (tmp_path / "lib" / "cclcc_cli" / "recipes" / "recipe.schema.json").exists()


def test_every_package_is_installed():
    checkout = ROOT.parent
    project = tomllib.loads((checkout / "pyproject.toml").read_text())
    there = {".".join(path.parent.relative_to(checkout).parts)
             for path in (checkout / "cclcc_cli").rglob("*.py")}
    assert set(project["tool"]["setuptools"]["packages"]) == there | {"cclcc_cli.recipes"}


@pytest.mark.parametrize(("name", "meant"), [
    ("kvasr", "kvasir"), ("smal", "small"), ("mine/tiny.yml", "mine/tiny.yaml"),
])
def test_a_close_name_or_a_file_beside_is_suggested(tmp_path, monkeypatch, name, meant):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "tiny.yaml").write_text("name: tiny")
    with pytest.raises(RecipeError, match=f"no such recipe; did you mean {meant}\\?"):
        load_recipe(Path(name))
