"""Plug-ins: what they offer is checked like what the package has; what they are is kept."""

import json
from pathlib import Path

import pytest
import torch

from cclcc_cli.config import METHODS, load_recipe, parse_recipe
from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.config.describe import describe_keys, describe_methods
from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.plugins import locate, recipe_classes, scores_of
from cclcc_cli.config.recipes import example_of
from cclcc_cli.errors import RecipeError
from cclcc_cli.methods import build_method
from cclcc_cli.methods.plugin_contract import run_plugin_contract

EXAMPLE = Path(__file__).parents[2] / "recipes" / "plugins" / "sharpen.py"
PARTS = '''
"""A network, a loss and a score."""

from typing import Literal

from torch import nn

from cclcc_cli.config.plugins import Plugin, PluginNetwork
from cclcc_cli.config.schema import LossSection, Positive
from cclcc_cli.losses.overlap import bce_dice_loss, soft_dice_loss
from cclcc_cli.metrics.scores import Score
from cclcc_cli.models.network import Network


class FlatOptions(PluginNetwork):
    kind: Literal["flat"]
    width: int = 8


class Flat(Network):
    def __init__(self, config):
        super().__init__()
        self.feature_channels = config.width
        self.body = nn.Sequential(nn.Conv2d(3, config.width, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(config.width, config.num_classes, 1)

    def features(self, images):
        return self.body(images)


class TverskyOptions(LossSection):
    kind: Literal["dice_alone"]
    smooth: Positive = 1.0


def dice_alone(logits, target, config):
    return soft_dice_loss(logits, target, config.smooth).mean()


def f2(probs, mask, target):
    tp = (mask & target).sum(dim=(1, 2, 3)).double()
    errors = 4 * (~mask & target).sum(dim=(1, 2, 3)) + (mask & ~target).sum(dim=(1, 2, 3))
    return (5 * tp + 1e-9) / (5 * tp + errors + 1e-9)


PLUGIN = Plugin(networks={FlatOptions: Flat}, losses={TverskyOptions: dice_alone},
                scores={Score("f2", "F2"): f2})
'''


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    return tmp_path / "parts.py"


@pytest.fixture
def written(tmp_path):
    """A recipe file beside the example."""
    (tmp_path / "sharpen.py").write_bytes(EXAMPLE.read_bytes())

    def write(**keys):
        raw = {**example_of(METHODS["supervised"]), "method": "sharpen",
               "batch": {"labeled": 2, "unlabeled": 2}, "plugins": ["sharpen.py"], **keys}
        (tmp_path / "recipe.yaml").write_text(json.dumps(raw))
        return tmp_path / "recipe.yaml"

    return write


def test_a_file_is_found_from_the_recipes_folder_and_kept_with_its_digest(written, tmp_path):
    recipe = load_recipe(written(sharpen={"weight": 0.5}))
    (source,) = recipe.plugins
    assert source == locate("sharpen.py", tmp_path)
    assert source.source == str(tmp_path / "sharpen.py")
    assert recipe.options.weight == 0.5
    (tmp_path / "again.yaml").write_text(dump_recipe(recipe))
    assert load_recipe(tmp_path / "again.yaml") == recipe
    assert type(build_method(recipe)).__name__ == "Sharpen"


def test_a_recipe_without_plugins_does_not_speak_of_them():
    recipe = parse_recipe(example_of(METHODS["clcc"]), "test")
    assert "plugins" not in recipe.model_dump()
    assert "plugins" not in dump_recipe(recipe)


def test_a_plugin_that_nothing_comes_from_is_not_kept(written):
    path = written(method="supervised", batch={"labeled": 2})
    assert load_recipe(path).plugins == ()


@pytest.mark.parametrize(("keys", "message"), [
    ({"sharpen": {"wait": 1.0}}, "sharpen.wait: unknown key; did you mean weight?"),
    ({"sharpen": {"weight": -1.0}}, "sharpen.weight = -1.0: input should be greater than"),
    ({"method": "sharp"}, "method = sharp: unknown; allowed: supervised, clcc, .*, sharpen"),
    ({"plugins": "sharpen.py"}, "plugins = 'sharpen.py'"),
    ({"plugins": ["other.py"]}, "plugins: .*other.py: there is no such file"),
    ({"plugins": ["others"]}, "plugins: others: unknown; give a file that ends in .py, or"),
])
def test_what_is_wrong_is_told_as_of_the_packages_own(written, keys, message):
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(written(**keys))
    assert str(caught.value).startswith(str(written()))


@pytest.mark.parametrize(("text", "message"), [
    ("PLUGIN = 3", "its PLUGIN is missing or is no cclcc_cli.config.plugins.Plugin"),
    ("import nothing_of_this_name", "cannot be loaded: ModuleNotFoundError: No module named"),
    ("x = (", "cannot be loaded: SyntaxError"),
    ("import sys\n\nsys.exit(0)", r"sharpen.py:3: cannot be loaded: SystemExit: 0"),
    (EXAMPLE.read_text().replace("methods={SharpenRecipe: Sharpen}", "methods=[Sharpen]"),
     "methods must be a mapping from a recipe class to what is built from it, not a list"),
    (EXAMPLE.read_text().replace("methods={SharpenRecipe: Sharpen}", "methods={'a': Sharpen}"),
     "methods must map a recipe class to something that can be called; 'a' does not"),
    (EXAMPLE.read_text().replace("methods={SharpenRecipe: Sharpen}",
                                 "scores={'a': lambda *_: None}"),
     "scores must map a Score to something that can be called; 'a' does not"),
    (EXAMPLE.read_text().replace('Literal["sharpen"]', 'Literal["clcc"]'),
     "SharpenRecipe: method clcc: the package has it already"),
    (EXAMPLE.read_text().replace('Literal["sharpen"]', "str"),
     "SharpenRecipe: method must be declared as Literal"),
    (EXAMPLE.read_text().replace("sharpen: SharpenOptions", "options_: SharpenOptions"),
     "SharpenRecipe: has no section sharpen for its options"),
    (PARTS.replace('Literal["flat"]', 'Literal["unet"]'), "FlatOptions: kind unet: the package"),
    (PARTS.replace('Score("f2"', 'Score("dice"'), "score dice: the package has it already"),
])
def test_a_file_that_cannot_serve_is_refused_in_a_line(written, tmp_path, text, message):
    path = written()
    (tmp_path / "sharpen.py").write_text(text)
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_has_changed_is_refused(written, tmp_path):
    resolved = load_recipe(written()).model_dump(mode="json")
    (tmp_path / "sharpen.py").write_text(EXAMPLE.read_text() + "\n# changed\n")
    with pytest.raises(RecipeError, match=r"there: plugins: .*sharpen.py: has changed \(sha256"):
        parse_recipe(resolved, "there")


def test_networks_losses_and_scores_are_built_from_their_sections(parts):
    raw = example_of(METHODS["mean_teacher"], plugins=[str(parts)], model={"kind": "flat"},
                     supervised_loss={"kind": "dice_alone", "smooth": 2.0})
    recipe = parse_recipe(raw, "test")
    method = build_method(recipe)
    assert type(method.student).__name__ == "Flat"
    assert [row.key for row in scores_of(recipe)] == ["f2"]
    assert recipe.supervised_loss.clause == "dice_alone (smooth 2.0)"
    assert parse_recipe(recipe.model_dump(mode="json"), "again") == recipe
    logits = torch.zeros(1, 1, 1, 1)
    from cclcc_cli.methods.supervision import supervised_loss

    # 1 - (2 * 0.5 + 2) / (0.5 + 1 + 2)
    found = supervised_loss(logits, torch.ones_like(logits), recipe.supervised_loss)
    assert found.item() == pytest.approx(1 - 3 / 3.5)


@pytest.mark.parametrize(("keys", "message"), [
    ({"model": {"kind": "flat", "widths": [1]}}, "model.widths: unknown key; it belongs"),
    ({"model": {"kind": "flaw"}}, "model.kind = flaw: unknown; allowed: unet, .*, flat"),
    ({"supervised_loss": {"kind": "dice"}}, "supervised_loss.kind = dice: unknown"),
    ({"supervised_loss": {"kind": "dice_alone", "smooth": 0.0}}, "supervised_loss.smooth = 0.0"),
])
def test_sections_of_plugins_are_checked_like_others(parts, keys, message):
    with pytest.raises(RecipeError, match=message):
        parse_recipe(example_of(METHODS["supervised"], plugins=[str(parts)], **keys), "test")


def test_bcp_and_methods_that_reach_inside_refuse_what_they_cannot_use(parts):
    for method, keys, message in (
        ("bcp", {"supervised_loss": {"kind": "dice_alone"}}, "bcp takes BCE"),
        ("urpc", {"model": {"kind": "flat"}}, "model.kind = flat does not give; set urpc.scales"),
    ):
        with pytest.raises(RecipeError, match=message):
            parse_recipe(example_of(METHODS[method], plugins=[str(parts)], **keys), "test")


def test_their_keys_and_methods_are_described(parts):
    sources = (locate(str(EXAMPLE), Path()), locate(str(parts), Path()))
    classes = recipe_classes(sources)
    assert [m.name for m in describe_methods(classes)] == [*METHODS, "sharpen"]
    keys = {key.name: key for key in describe_keys(classes["sharpen"])}
    assert keys["sharpen.temperature"].default == "0.5"
    assert "flat" in keys["model.kind"].allowed
    assert keys["model.width"].only == "kind: monai, kind: flat"


def test_only_some_groups_of_an_ablation_need_the_plugin(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(json.dumps({
        "name": "two", "base": example_of(METHODS["supervised"]),
        "variants": {"plain": {}, "sharp": {"method": "sharpen", "plugins": ["sharpen.py"]}},
    }))
    (tmp_path / "sharpen.py").write_bytes(EXAMPLE.read_bytes())
    plain, sharp = load_ablation(path).recipes
    assert (plain.plugins, len(sharp.plugins)) == ((), 1)


def test_an_installed_package_offers_one_by_its_entry_point(tmp_path, monkeypatch):
    (tmp_path / "sharpness").mkdir()
    (tmp_path / "sharpness" / "__init__.py").write_bytes(EXAMPLE.read_bytes())
    info = tmp_path / "sharpness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sharpness\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cclcc.plugins]\nsharp = sharpness:PLUGIN\n")
    monkeypatch.syspath_prepend(tmp_path)
    raw = example_of(METHODS["supervised"], plugins=["sharp"], method="sharpen",
                     batch={"labeled": 2, "unlabeled": 2})
    recipe = parse_recipe(raw, "test")
    assert recipe.plugins[0].source == "sharp"
    (tmp_path / "sharpness" / "more.py").write_text("")  # all of the package counts
    with pytest.raises(RecipeError, match="sharp: has changed"):
        parse_recipe(recipe.model_dump(mode="json"), "test")


def test_the_contract_of_every_part_is_checked(parts):
    found = list(run_plugin_contract(locate(str(parts), Path())))
    assert {subject for subject, _ in found} == {"network flat", "loss dice_alone", "score f2"}
    assert [(s, f) for s, f in found if f.problem] == []


@pytest.mark.parametrize(("old", "new", "subject", "problem"), [
    ("padding=1)", "padding=0)", "network flat", "features() gives"),
    (".mean()\n", "\n", "loss dice_alone", "Error"),
    (".double()", "", "score f2", "float32"),
    ("PLUGIN = Plugin(", "PLUGIN = Plugin() or Plugin(", "plug-in", "its PLUGIN is empty"),
])
def test_broken_parts_are_found(parts, old, new, subject, problem):
    assert old in PARTS
    parts.write_text(PARTS.replace(old, new))
    broken = [(s, f.problem) for s, f in run_plugin_contract(locate(str(parts), Path()))
              if f.problem]
    assert any(s == subject and problem in text for s, text in broken), broken
