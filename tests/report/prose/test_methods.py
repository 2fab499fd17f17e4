"""A methods section: what all groups share once, differences by name, nothing that is not known."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cclcc_cli.report.gather.details import read_details
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.prose.methods import write_methods
from cclcc_cli.runs.folder import RunFolder

Write = Callable[..., RunFolder]
DICE = [0.5, 0.6, 0.7]


def section(root: Path) -> dict[str, Sequence[str]]:
    """The paragraphs of each passage, of all runs below a root."""
    evidence = write_page(root, Question()).evidence
    groups, _ = read_details([found.group for found in evidence])
    comparisons = [found.comparison for found in evidence if found.comparison]
    return {passage.title: passage.paragraphs
            for passage in write_methods(groups, "test", comparisons)}


def text_of(root: Path) -> str:
    return " ".join(" ".join(paragraphs) for paragraphs in section(root).values())


def test_what_groups_share_is_said_once_and_what_differs_by_name(
    write_full_run: Write, tmp_path: Path
) -> None:
    write_full_run(DICE, method="supervised")
    write_full_run(DICE, name="slow", keys={"optimizer": {"lr": 0.0001}})
    write_full_run(DICE, name="fast")
    (training,) = section(tmp_path)["Network and training"]
    assert training.count("The network was a U-Net") == 1
    assert "(0.62 million weights)." in training
    assert ("For clcc slow 8, weights were optimised by AdamW (learning rate 0.0001, weight decay "
            "0.01); for clcc fast 8 and supervised plain 8, weights were optimised by AdamW "
            "(learning rate 0.003, weight decay 0.01), the gradient of each network being "
            "clipped to a norm of "
            "1.") in training
    assert "training was run once" in training.lower()
    methods = section(tmp_path)["Methods"]
    assert methods[-1] == "For supervised plain 8, the supervised loss alone was minimised."
    assert methods[0].startswith("For clcc fast 8 and clcc slow 8 (CLCC, ISBI 2022, ")


def test_many_who_agree_are_all_others(write_full_run: Write, tmp_path: Path) -> None:
    for name in "abcd":
        write_full_run(DICE, name=name)
    write_full_run(DICE, name="e", keys={"weak": {"flips": False, "quarter_turns": False}})
    (training,) = section(tmp_path)["Network and training"]
    assert "For clcc e 8, training images were not augmented; for all others, every" in training


def test_a_setting_of_many_values_is_left_to_the_table(
    write_full_run: Write, tmp_path: Path
) -> None:
    for number in range(12):
        write_full_run(DICE, name=f"n{number:02d}",
                       keys={"optimizer": {"lr": 0.001 * (1 + max(number, 3))}})
    (training,) = section(tmp_path)["Network and training"]
    assert "Most often, for clcc n00 8, clcc n01 8, clcc n02 8 and clcc n03 8, weights" in training
    assert "; 8 other settings are listed in the table of recipes." in training


def test_an_unreadable_recipe_is_named_and_left_out(
    write_full_run: Write, write_images_run: Write, tmp_path: Path
) -> None:
    write_full_run(DICE)
    write_images_run(DICE, name="old")
    found = section(tmp_path)
    assert found["Not described"] == [
        "The recipe of clcc old 8 cannot be read by this version of cclcc and is left out here."]
    assert "old" not in " ".join(found["Methods"])


def test_only_unreadable_recipes_leave_no_section(
    write_images_run: Write, tmp_path: Path
) -> None:
    write_images_run(DICE)
    assert list(section(tmp_path)) == ["Not described"]


@pytest.mark.parametrize(("section", "key", "value"), [
    ("weak", "flips", False), ("weak", "quarter_turns", False), ("weak", "affine", 0.25),
    ("weak", "color", 0.25), ("model", "widths", [4, 8, 8, 8, 16]),
    ("model", "dropout", [0, 0, 0, 0, 0.5]), ("model", "kind", "residual_unet"),
    ("budget", "epochs", 5), ("optimizer", "lr", 0.5), ("optimizer", "weight_decay", 0.5),
    ("optimizer", "clip_norm", 7.0), ("schedule", "warmup", 0.5), ("schedule", "decay", "constant"),
    ("schedule", "moves", "epoch"), ("supervised_loss", "boundary", {"weight": 3.0}),
    ("supervised_loss", "boundary", {"padding": "zeros"}), ("batch", "labeled", 3),
    ("batch", "unlabeled", 3), ("validation", "every", 3), ("validation", "patience", 3),
    ("evaluation", "threshold", 0.4), ("evaluation", "test_on", "logits"),
    ("evaluation", "validation_on", "logits"), ("data", "unlabeled", "all"),
    ("data", "selection", {"seed": 3}), ("data", "selection", {"kind": "contiguous"}),
    (None, "ema_decay", 0.9), ("data", "fold", 1),
])
def test_every_shared_key_is_told(
    write_full_run: Write, tiny_recipe: Callable[..., dict[str, Any]], tmp_path: Path,
    section: str | None, key: str, value: Any,
) -> None:
    write_full_run(DICE)
    plain = text_of(tmp_path)
    changed: dict[str, Any] = {key: value} if section is None else {
        section: {**tiny_recipe().get(section, {}), key: value}}
    changed.get("budget", {}).pop("steps", None)  # one of the two
    write_full_run(DICE, keys=changed)
    assert text_of(tmp_path) != plain


@pytest.mark.parametrize("keys", [
    {"encoder": "resnet18"}, {"weights": "none"}, {"weights": "w.pth"},
    {"decoder_widths": [64, 32, 16, 8, 8]}, {"upsampling": "nearest"}, {"freeze": "encoder"},
    {"freeze": "batch_norm"}, {"init": "runs/x"}, {"normalization": {"mean": [0.5, 0.5, 0.5]}},
])
def test_every_key_of_a_pretrained_network_is_told(
    write_full_run: Write, tmp_path: Path, keys: dict[str, Any]
) -> None:
    write_full_run(DICE, name="plain", keys={"model": {"kind": "timm"}})
    write_full_run(DICE, name="changed", keys={"model": {"kind": "timm", **keys}})
    (training,) = section(tmp_path)["Network and training"]
    assert "timm's encoder tf_efficientnet_lite0 with pretrained weights" in training
    assert training.count("the network was timm's encoder") == 2


def test_the_encoders_own_rate_is_told(write_full_run: Write, tmp_path: Path) -> None:
    write_full_run(DICE, keys={"optimizer": {"encoder_lr": 0.1}})
    assert ("(learning rate 0.001, 0.1 times that in the encoder, weight decay"
            in text_of(tmp_path))


def test_what_a_run_says_cannot_part_the_passages(write_full_run: Write, tmp_path: Path) -> None:
    folder = write_full_run(DICE)
    cell = json.loads((folder.path / "cell.json").read_text())
    cell["splits"]["rule"] = "by hand ¶ \n§ Software\n"
    folder.write_json("cell.json", cell)
    assert "images (by hand Software )." in section(tmp_path)["Data"][0]


def test_how_differences_were_judged_is_told_as_it_was(
    write_full_run: Write, tmp_path: Path
) -> None:
    for seed in range(3):
        write_full_run(DICE, method="supervised", seed=seed)
        for name in ("a", "b"):
            write_full_run([d + 0.1 for d in DICE], name=name, seed=seed)
    (said,) = section(tmp_path)["Statistics"]
    assert "paired by seed and by image" in said
    assert "over the 2 comparisons with a baseline" in said
    assert "within ±2 points equivalent; any other undecided" in said
    for seed in (7, 8, 9):
        write_full_run(DICE, name="c", seed=seed)
    (said,) = section(tmp_path)["Statistics"]
    assert "Where groups share no seed, differences are paired by image alone" in said
    assert "over the 3 comparisons" in said


def test_pooled_folds_and_labelled_subsets_are_told(write_full_run: Write, tmp_path: Path) -> None:
    for number in (0, 1):
        write_full_run(DICE, seed=number, keys={"data": {
            "name": "synthetic", "size": 32, "labeled": 8, "selection": {"seed": number}}})
    found = section(tmp_path)
    assert "drawn at random (label seeds 0 and 1) so that" in found["Data"][0]


def test_readings_and_leaks_are_told(write_full_run: Write, tmp_path: Path) -> None:
    folder = write_full_run(DICE)
    folder.update_status(test_reads=3)
    folder.write_json("cell.json", {**json.loads((folder.path / "cell.json").read_text()),
                                    "leaked": {"val": [], "test": ["image1"]}})
    result = json.loads((folder.path / "result.json").read_text())
    result["test"]["without_leaked"] = result["test"]["working"]
    folder.write_json("result.json", result)
    text = text_of(tmp_path)
    assert "Runs read the test split up to 3 times." in text
    assert "1 test image shows the same content as an image used for training or selection" in text


def test_the_judged_score_is_named_with_its_direction_and_rule(
    write_full_run: Write, tmp_path: Path
) -> None:
    result = write_full_run(DICE, columns={"own_hd95": [3.0, 4.0, 5.0]})
    rules = {"threshold": "t", "total_miss": "0", "hd95": "larger of the two"}
    written = json.loads((result.path / "result.json").read_text())
    result.write_json("result.json", {**written, "rules": rules})
    question = Question(metric=("own", "hd95"))
    groups, _ = read_details([found.group for found in write_page(tmp_path, question).evidence])
    told = {passage.title: passage.paragraphs
            for passage in write_methods(groups, "test", [], question.metric)}
    assert told["Statistics"][0].startswith(
        "The primary score is HD95 (original size), of which less is better. ")
    assert "HD95 is the larger of the two." in told["Evaluation"][0]
    assert section(tmp_path)["Statistics"][0].startswith("The primary score is Dice. ")
