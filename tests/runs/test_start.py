"""What a training starts from: part of its identity by content, and given to whom."""

import io
import json

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import RunError
from cclcc_cli.methods import build_method
from cclcc_cli.runs.build import build_trainer
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.progress import CompositeDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.runs.start import start_from_run
from cclcc_cli.training.distributed.context import SINGLE_PROCESS
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan
from tests.training.distributed.pair import Deaf

timm = pytest.importorskip("timm")

CPU = Runtime("cpu", "fp32", threads=1)
TIMM = {"kind": "timm", "encoder": "test_resnet", "weights": "none",
        "decoder_widths": [8, 8, 8, 8, 8]}


@pytest.fixture
def spec(tiny_data, tiny_recipe):
    store = load_store(store_path(tiny_data, "synthetic", 32))

    def build(method="supervised", **keys):
        return RunSpec(parse_recipe(tiny_recipe(method, **keys), "test"), store, CPU)

    return build


@pytest.fixture
def run(tiny_data, tiny_recipe, tmp_path):
    def train(method="supervised", **keys):
        recipe = parse_recipe(tiny_recipe(method, **keys), "test")
        return train_run(recipe, data_root=tiny_data, runs_root=tmp_path / "runs", runtime=CPU,
                        display=CompositeDisplay([])).folder

    return train


def weights_file(path, seed):
    torch.manual_seed(seed)
    content = io.BytesIO()  # torch.save to a path writes its name into the file
    torch.save(timm.create_model("test_resnet").state_dict(), content)
    path.write_bytes(content.getvalue())
    return str(path)


def test_a_file_counts_by_its_content_and_not_by_its_path(spec, tmp_path):
    first = weights_file(tmp_path / "a.pth", 0)
    again = weights_file(tmp_path / "again.pth", 0)
    other = weights_file(tmp_path / "b.pth", 1)
    digests = [spec(model=TIMM | {"weights": w}).digest for w in (first, again, other, "none")]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    weights_file(tmp_path / "a.pth", 1)
    assert spec(model=TIMM | {"weights": first}).digest == digests[2]


def test_timms_own_weights_count_by_their_name(spec):
    names = ("test_resnet", "test_resnet.r160_in1k")
    started = [spec(model=TIMM | {"weights": "imagenet", "encoder": n}).start for n in names]
    assert started[0] == started[1]
    assert started[0]["weights"]["tag"] == "r160_in1k"


def test_a_network_that_starts_by_chance_has_no_start(spec):
    assert "start" not in spec().identity
    assert "start" not in spec(model=TIMM).identity


def test_sides_the_encoder_does_not_take_are_refused_before_anything_is_written(spec):
    clcc = {"grid": 2, "projector_widths": [8, 8, 8]}
    with pytest.raises(RunError, match="does not take images or patches of 16 pixels"):
        spec("clcc", model=TIMM | {"encoder": "test_convnext"}, clcc=clcc).check_data()


def test_one_image_of_one_pixel_in_the_deepest_map_is_refused(spec):
    with pytest.raises(RunError, match="32 leaves a single pixel in the network's deepest"):
        spec(model=TIMM, batch={"labeled": 1}).check_data()
    spec(model=TIMM, batch={"labeled": 2}).check_data()
    two = {"labeled": 2, "unlabeled": 2}
    for method in ("ict", "bcp"):  # which make one image of two
        with pytest.raises(RunError, match=f"{method} passes single images"):
            spec(method, model=TIMM, batch=two).check_data()
    spec("ict", model=TIMM, batch=two, batch_norm="joint").check_data()
    spec(batch={"labeled": 1}).check_data()


@pytest.mark.parametrize("model", [{"widths": [4, 8, 8, 8, 8]}, TIMM], ids=["unet", "timm"])
def test_a_run_starts_from_anothers_best_weights(run, model):
    first = run(model=model, budget={"steps": 4})
    second = run(model=model | {"init": str(first.path)}, budget={"steps": 4})
    start = json.loads((second.path / "cell.json").read_text())["start"]["init"]
    assert start["run"] == json.loads((first.path / "cell.json").read_text())["digest"]
    assert first.path != second.path
    best = torch.load(first.best_checkpoint, weights_only=True)["network"]
    recipe = parse_recipe(json.loads((second.path / "cell.json").read_text())["recipe"], "test")
    method = build_method(recipe)
    start_from_run(method, first.path)
    assert all(torch.equal(v, best[k]) for k, v in method.student.state_dict().items())


def test_copies_follow_the_student_and_a_peer_does_not(run, tiny_recipe):
    first = run(model=TIMM, budget={"steps": 4})
    for name, copied in (("mean_teacher", True), ("bcp", True), ("cps", False)):
        method = build_method(parse_recipe(tiny_recipe(name, model=TIMM), "test"))
        start_from_run(method, first.path)
        other = method.teacher.network if copied else method.other
        pairs = zip(method.student.state_dict().values(), other.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs) is copied


def test_another_network_is_refused_by_its_first_difference(run, tiny_recipe):
    first = run(model=TIMM, budget={"steps": 4})
    wider = TIMM | {"decoder_widths": [16, 8, 8, 8, 8]}
    for model, message in (
        (wider, r"decoder.0.fuse.0.weight is \(8, .* there and \(16, .* here"),
        ({}, "decoder.0.fuse.0.bias is missing there"),
    ):
        method = build_method(parse_recipe(tiny_recipe("supervised", model=model), "test"))
        with pytest.raises(RunError, match=message):
            start_from_run(method, first.path)


def test_weights_of_a_run_with_other_images_are_refused(run, spec):
    first = run(model=TIMM, budget={"steps": 4})
    model = TIMM | {"init": str(first.path), "normalization": {"mean": [0.1, 0.2, 0.3]}}
    with pytest.raises(RunError, match="by the default, this one by .*0.1, 0.2, 0.3"):
        spec(model=model).check_data()


def test_an_unfinished_run_and_a_folder_that_is_none_are_refused(run, spec, tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        spec(model={"init": str(tmp_path)}).check_data()
    first = run(model=TIMM, budget={"steps": 4})
    first.update_status(state="stopped")
    with pytest.raises(RunError, match="this run is stopped; finish it first"):
        spec(model={"init": str(first.path)}).check_data()


@pytest.mark.parametrize("optimizer", [{"name": "adamw"}, {"name": "sgd", "lr": 0.01}],
                         ids=["adamw", "sgd"])
@pytest.mark.parametrize("freeze", ["none", "batch_norm", "encoder"])
def test_stopped_and_gone_on_with_it_ends_with_the_same_bits(spec, tmp_path, optimizer, freeze):
    """Groups of learning rates, frozen parts, the teacher and the average included."""
    slower = {} if freeze == "encoder" else {"encoder_lr": 0.1}
    made = spec("mean_teacher", model=TIMM | {"freeze": freeze}, optimizer=optimizer | slower,
                ema_decay=0.9)
    plan = build_plan(made.recipe, len(made.labeled), made.recipe.batch.labeled)
    states = []
    for name, stops in (("whole", [13]), ("stopped", [5, 13])):
        (tmp_path / name).mkdir()
        for session, last in enumerate(stops):
            looks = iter(range(12))
            trainer = build_trainer(
                made, plan, tmp_path / name, observer=Deaf(), context=SINGLE_PROCESS,
                stop_requested=lambda looks=looks, last=last: next(looks, 0) >= last,
            )
            if session:
                trainer.resume()
            trainer.run()
        states.append(torch.load(tmp_path / name / "last.pt", weights_only=True))
    whole, stopped = states
    assert stopped["progress"]["step"] == whole["progress"]["step"] == 12
    for part in ("method", "average"):
        tensors = [{k: v for k, v in s[part].items() if isinstance(v, torch.Tensor)}
                   for s in states]
        assert all(torch.equal(v, tensors[1][k]) for k, v in tensors[0].items())
    assert [g["factor"] for g in whole["optimizer"]["param_groups"]] == (
        [1.0] if freeze == "encoder" else [0.1, 1.0])
