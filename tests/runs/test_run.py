"""A run, trained: what its folder holds, and that stopping changes nothing."""

import csv
import json
import os
import signal
from dataclasses import asdict

import pytest
import torch

from cclcc_cli.config import METHODS, parse_recipe
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import DataError, Interrupted, RunBusyError, RunError, TrainingDiverged
from cclcc_cli.metrics.scores import ALL_METRICS, SCORES, file_column
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.runs.holder import Holder
from cclcc_cli.runs.masks import read_masks
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.pruner import Pruned
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import Runtime

TIMES = {"seconds", "time", "images_per_second"}


class Meddler(TextDisplay):
    """A display that does something once a step is reached."""

    def __init__(self, step=-1, action=lambda: None):
        self.lines = []
        super().__init__(self.lines.append)
        self._step, self._action = step, action

    def recorded(self, record):
        super().recorded(record)
        if record.step == self._step:
            self._action()


class Sleeper(Meddler):
    """Another machine takes the folder before the record of a step has been written down."""

    def checked(self, step, _terms):
        if step == self._step:
            self._action()


@pytest.fixture
def train(tiny_data, tiny_recipe, tmp_path):
    def run(method="clcc", root="runs", display=None, fresh=False, workers=0,
            precision="fp32", **keys):
        recipe = parse_recipe(tiny_recipe(method, **keys), "test")
        return train_run(
            recipe, data_root=tiny_data, runs_root=tmp_path / root, fresh=fresh,
            runtime=Runtime("cpu", precision, workers), display=display or Meddler(),
        )

    return run


def outcome(done):
    """Everything a run computed, as bytes and plain values without times."""
    folder = done.folder
    records = [{k: v for k, v in r.plain().items() if k not in TIMES}
               for r in folder.records()]
    last = torch.load(folder.last_checkpoint, weights_only=True)
    last["progress"]["seconds"] = 0
    return {
        "last": flatten(last),
        "best": folder.best_checkpoint.read_bytes(),
        "test": folder.images_table("test").read_bytes(),
        "val": folder.images_table("val").read_bytes(),
        "masks": folder.test_masks.read_bytes(),
        "result": json.loads((folder.path / "result.json").read_text()),
        "records": records,
        "overlays": [p.read_bytes() for p in sorted(folder.overlays.glob("*.png"))],
    }


def flatten(value):
    """Tensors as bytes."""
    if isinstance(value, torch.Tensor):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: flatten(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [flatten(v) for v in value]
    return value


@pytest.mark.parametrize("method", ["supervised", "clcc"])
def test_a_finished_folder_holds_the_truth(train, tiny_data, method):
    done = train(method)
    folder = done.folder
    assert done.trained
    assert folder.path.parent.name == "synthetic-32"
    assert folder.status.state == "finished"
    assert folder.status.test_reads == 1
    assert [r.step for r in folder.records()] == [4, 8, 12]
    assert set(folder.records()[0].train) >= {"total", "supervised"}
    assert folder.run.labeled.plain() == {"count": 4, "share": 4 / 24, "of": 24}
    assert folder.environment.packages["torch"] == torch.__version__
    assert "grid: 2" in (folder.path / "recipe.yaml").read_text() or method == "supervised"
    rows = list(csv.DictReader(folder.images_table("test").read_text().splitlines()))
    assert len(rows) == 3
    mean = sum(float(row["dice"]) for row in rows) / 3
    assert folder.result.test.working["dice"] == pytest.approx(mean)
    assert list(rows[0]) == ["stem", "foreground", *map(file_column, ALL_METRICS)]
    store = load_store(store_path(tiny_data, "synthetic", 32))
    for row, place in zip(rows, store.positions([row["stem"] for row in rows]), strict=True):
        assert float(row["foreground"]) == (store.masks[place] > 0).sum() / 32**2
    for split, key in (("test", "rules"), ("val", "validation_rules")):
        assert getattr(folder.result, split).own.keys() == set(SCORES)
        assert "1% of the image's diagonal" in getattr(folder.result, key)["nsd"]
    assert len(list(folder.overlays.glob("*.png"))) == 3
    assert "step 12/12" in folder.log.read_text()


def test_tables_of_images_name_the_patients_that_the_store_was_given(
    tiny_data, tiny_recipe, tmp_path
):
    stems = [row.stem for row in load_store(store_path(tiny_data, "synthetic", 32)).rows]
    listed = tmp_path / "groups.csv"
    listed.write_text("stem,group\n" + "".join(f"{stem},patient{n // 3}\n"
                                              for n, stem in enumerate(stems)))
    path = store_path(tmp_path / "data", "patients", 32)
    prepare(path, SyntheticSource(30, 0), SplitRule(groups=listed))
    recipe = tiny_recipe("supervised", data={"name": "patients", "size": 32, "labeled": 4},
                         budget={"steps": 1}, validation={"every": 1})
    folder = train_run(parse_recipe(recipe, "test"), data_root=tmp_path / "data",
                      runs_root=tmp_path / "runs", fresh=False, display=Meddler(),
                      runtime=Runtime("cpu", "fp32", 0)).folder
    group_of = {row.stem: row.group for row in load_store(path).rows}
    for split in ("val", "test"):
        rows = list(csv.DictReader(folder.images_table(split).read_text().splitlines()))
        assert list(rows[0])[:3] == ["stem", "group", "foreground"]
        assert {row["stem"]: row["group"] for row in rows} == {
            row["stem"]: group_of[row["stem"]] for row in rows}
        assert all(row["group"].startswith("patient") for row in rows)


def test_the_masks_that_are_kept_are_those_that_were_scored(train, tiny_data):
    """Dice from masks and truth, without the network, is what the table says."""
    folder = train("supervised").folder
    store = load_store(store_path(tiny_data, "synthetic", 32))
    rows = list(csv.DictReader(folder.images_table("test").read_text().splitlines()))
    masks = read_masks(folder)
    assert masks.stems == tuple(row["stem"] for row in rows)
    truth = store.masks[store.positions(masks.stems)] > 0
    for mask, target, row in zip(masks.of(masks.stems), truth, rows, strict=True):
        total = mask.sum() + target.sum()
        dice = 2 * (mask & target).sum() / total if total else 1.0
        assert float(row["dice"]) == pytest.approx(dice)


def test_the_best_checkpoint_is_the_one_with_the_highest_validation_dice(train):
    done = train()
    best = max(done.folder.records(), key=lambda r: r.val["dice"])
    assert done.result.best.plain() == {"step": best.step, "dice": best.val["dice"]}
    assert done.result.val.working["dice"] == pytest.approx(best.val["dice"])


def test_a_finished_run_is_not_trained_again_but_afresh_if_asked(train):
    first = train()
    before = outcome(first)
    again = train(name="another-name")  # a name determines nothing
    assert not again.trained
    assert again.folder.path == first.folder.path
    anew = train(fresh=True)
    assert anew.trained
    assert outcome(anew) == before


def test_a_finished_run_whose_records_are_damaged_is_refused_by_name(train):
    done = train("supervised")
    for name in ("cell.json", "metrics.jsonl"):
        path = done.folder.path / name
        whole = path.read_bytes()
        path.write_text("[]")
        with pytest.raises(RunError, match=f"{name}: .*cannot be read .*--fresh"):
            train("supervised")
        path.write_bytes(whole)
    assert not train("supervised").trained
    (done.folder.path / "cell.json").unlink()
    with pytest.raises(RunError, match="cell.json: is missing"):
        train("supervised")
    assert train("supervised", fresh=True).trained


def test_a_stopped_run_that_other_threads_leave_behind_is_named(tiny_data, tiny_recipe, tmp_path):
    display = Meddler()
    for threads, state in ((1, "stopped"), (2, "finished")):
        done = train_run(
            parse_recipe(tiny_recipe("supervised"), "test"), data_root=tiny_data,
            runs_root=tmp_path, runtime=Runtime("cpu", "fp32", cpu_threads=threads),
            display=display)
        done.folder.update_status(state=state)
    (note,) = (line for line in display.lines if line.startswith("note: "))
    assert "stopped at step 12, for it differs in runtime.threads 1 -> 2: " in note


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"supervised", "clcc"}))
def test_every_rival_stopped_and_started_again_ends_the_same(train, method):
    """Noise, boxes, shares and points are drawn from states that the checkpoint holds."""
    whole = outcome(train(method, root="whole"))
    stopper = Meddler(8, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Interrupted):
        train(method, display=stopper)
    assert outcome(train(method)) == whole


@pytest.mark.parametrize("method", [name for name, kind in METHODS.items() if kind.weights])
def test_a_run_with_weight_0_ends_with_supervised_scores_and_weights(train, tiny_recipe, method):
    """The same labelled images, views and weights: unlabelled ones change no draw."""
    section = tiny_recipe(method).get(method, {}) | dict.fromkeys(METHODS[method].weights, 0.0)
    weightless = outcome(train(method, **{method: section}))
    supervised = outcome(train("supervised"))
    for key in ("best", "test", "val", "masks", "overlays"):
        assert weightless[key] == supervised[key]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_and_started_again_ends_the_same(train, signal_number):
    whole = outcome(train(root="whole", ema_decay=0.9))
    stopper = Meddler(4, lambda: os.kill(os.getpid(), signal_number))
    with pytest.raises(Interrupted) as caught:
        train(display=stopper, ema_decay=0.9)
    assert caught.value.exit_code == 128 + signal_number
    done = train(ema_decay=0.9)
    assert any("continuing from step 4" in line for line in done.folder.log.read_text().split("\n"))
    assert outcome(done) == whole
    assert done.folder.status.sessions == 2


@pytest.mark.parametrize("step", [4, 8, 12])
def test_a_crash_between_record_and_checkpoint_ends_the_same(train, step):
    """The worst moment: the record is written, the checkpoint that covers it is not."""

    class PowerCut(Exception):
        pass

    def cut():
        raise PowerCut

    whole = outcome(train(root="whole"))
    with pytest.raises(PowerCut):
        train(display=Meddler(step, cut))
    done = train()
    assert outcome(done) == whole
    assert all(record.images_per_second > 0 for record in done.folder.records())


@pytest.mark.parametrize("method", ["supervised", "clcc"])
def test_workers_change_nothing(train, method):
    alone = outcome(train(method, root="alone"))
    assert outcome(train(method, workers=2)) == alone


def test_bf16_trains_and_keeps_float32_weights(train):
    """Emulated where the hardware lacks it: slow, but the same path."""
    half = train(precision="bf16")
    network = torch.load(half.folder.best_checkpoint, weights_only=True)["network"]
    assert {v.dtype for v in network.values() if v.is_floating_point()} == {torch.float32}


def test_seeds_and_options_get_folders_of_their_own(train):
    folders = {
        train("supervised", **keys).folder.path
        for keys in ({}, {"seed": 1}, {"optimizer": {"lr": 0.01}}, {"budget": {"steps": 8}})
    }
    assert len(folders) == 4


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(train, tmp_path):
    with pytest.raises(TrainingDiverged, match=r"not finite at step .* lower optimizer.lr"):
        train(
            "supervised", optimizer={"lr": 1e30}, schedule={"warmup": 0.9},
            budget={"steps": 40}, validation={"every": 1},
        )
    (folder,) = (p.parent for p in tmp_path.glob("runs/*/*/cell.json"))
    assert json.loads((folder / "status.json").read_text())["state"] == "failed"
    last = torch.load(folder / "last.pt", weights_only=True)
    assert all(v.isfinite().all() for v in last["sums"].values())
    assert last["progress"]["step"] >= 1


def test_patience_stops_early(train):
    done = train(optimizer={"lr": 1e-12}, budget={"steps": 40}, validation={"every": 1,
                                                                            "patience": 3})
    assert done.result.steps < 40
    assert not train(optimizer={"lr": 1e-12}, budget={"steps": 40},
                     validation={"every": 1, "patience": 3}).trained


def test_two_processes_cannot_train_one_run(train):
    done = train()
    with done.folder.locked(), pytest.raises(RunError, match="another process is training"):
        train()


def test_labels_for_all_leave_nothing_unlabelled(train):
    data = {"name": "synthetic", "size": 32, "labeled": 1.0}
    with pytest.raises(RunError, match=r"leaves none unlabelled for clcc; set data.unlabeled=all"):
        train(data=data)
    assert train(data={**data, "unlabeled": "all"}).trained


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"labeled": 99}, "99"),
        ({"selection": {"kind": "nested", "seed": 77}}, "seed 77"),
        ({"selection": {"kind": "contiguous", "start": 23}}, "beyond"),
        ({"size": 64}, "64"),
        ({"name": "nothing"}, "cclcc prepare nothing"),
    ],
)
def test_data_that_does_not_suit_is_refused_before_anything_is_written(
    train, tmp_path, data, message
):
    with pytest.raises(DataError, match=message):
        train(data={"name": "synthetic", "size": 32, "labeled": 4, **data})
    assert not (tmp_path / "runs").exists()


def test_the_published_test_threshold_is_stricter(train, tiny_data):
    done = train(evaluation={"test_on": "logits"})
    assert "probability 0.622459" in done.result.rules["threshold"]
    assert "probability 0.5" in done.result.validation_rules["threshold"]
    assert load_store(store_path(tiny_data, "synthetic", 32)).splits.test


def test_a_sleeper_whose_folder_was_taken_leaves_it_as_it_is(train, tmp_path):
    whole = train(root="whole")
    folder = RunFolder(tmp_path / "runs" / "synthetic-32" / whole.folder.path.name)
    before = {}

    def take():
        taken = Holder("elsewhere", 1, 0.0, "t", "another kernel")
        (folder.path / ".owner.json").write_text(json.dumps(asdict(taken)))
        before.update({path.name: path.read_bytes() for path in folder.path.glob("*.*")})

    with pytest.raises(RunBusyError, match="process 1 on elsewhere"):
        train(display=Sleeper(8, take))
    assert {"last.pt", "best.pt", "metrics.jsonl", "status.json"} <= before.keys()
    assert {path.name: path.read_bytes() for path in folder.path.glob("*.*")} == before
    (folder.path / ".owner.json").unlink()
    assert outcome(train()) == outcome(whole)


class ScriptedPruner:
    """Ends training after certain steps, and remembers what it heard."""

    def __init__(self, prune_after=()):
        self.heard, self.prune_after = [], prune_after

    def resumed(self, records):
        self.heard.append(("from", [r.step for r in records]))
        return "as asked" if records and records[-1].step in self.prune_after else None

    def validated(self, record, images):
        self.heard.append(("after", record.step, len(images)))
        mean = sum(image["dice"] for image in images) / len(images)
        assert mean == pytest.approx(record.val["dice"], abs=1e-12)
        return "as asked" if record.step in self.prune_after else None

    def completed(self, records):
        self.heard.append(("complete", [r.step for r in records]))


@pytest.fixture
def prunable(tiny_data, tiny_recipe, tmp_path):
    def run(pruner, root="runs", **keys):
        return train_run(
            parse_recipe(tiny_recipe(**keys), "test"), data_root=tiny_data,
            runs_root=tmp_path / root, runtime=Runtime("cpu", "fp32"), display=Meddler(),
            pruner=pruner,
        )

    return run


def test_a_searchs_training_leaves_the_test_split_unread_and_continues_to_the_same_bytes(
    prunable, train
):
    pruner = ScriptedPruner()
    searched = prunable(pruner)
    assert pruner.heard == [("from", []), ("after", 4, 3), ("after", 8, 3),
                           ("complete", [4, 8, 12])]
    folder = searched.folder
    assert searched.trained
    assert searched.result.test is None
    assert not folder.images_table("test").exists()
    assert (folder.status.state, folder.status.test_reads) == ("validated", 0)
    assert folder.state == "validated"
    again = ScriptedPruner()
    assert not prunable(again).trained
    assert again.heard == [("complete", [4, 8, 12])]
    costs = json.loads((folder.path / "costs.json").read_text())
    read = train()
    assert read.folder.path == folder.path
    assert folder.status.test_reads == 1
    assert json.loads((folder.path / "costs.json").read_text()) == costs
    direct = train(root="direct")
    assert outcome(read) == outcome(direct)
    # A search that comes to a run whose test split was read takes it as it is.
    assert not prunable(ScriptedPruner()).trained
    assert folder.status.test_reads == 1


def test_a_pruned_training_continues_to_the_same_bytes(prunable, train, tmp_path):
    with pytest.raises(Pruned, match=r"pruned at step 8 of 12 \(as asked\)"):
        prunable(ScriptedPruner([8]))
    (folder,) = find_runs(tmp_path / "runs")
    assert folder.state == "pruned"
    assert folder.status.test_reads == 0
    again = ScriptedPruner([8])  # the same trial, killed before its end was recorded
    with pytest.raises(Pruned):
        prunable(again)
    assert again.heard == [("from", [4, 8])]
    assert outcome(train()) == outcome(train(root="direct"))


def test_the_last_validation_prunes_nothing(prunable):
    assert prunable(ScriptedPruner([12])).folder.state == "validated"
