"""The loop: what it records, keeps and saves, with a validation whose scores are scripted."""

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.files import write_atomic
from cclcc_cli.methods import build_method
from cclcc_cli.training.checkpoint import load_checkpoint, pack_checkpoint
from cclcc_cli.training.loop import Trainer
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan


class Recorder:
    def __init__(self):
        self.records = []

    def checked(self, step, terms):
        pass

    def save(self, path, checkpoint):
        write_atomic(path, checkpoint)

    def recorded(self, record):
        self.records.append(record)


@pytest.fixture
def trainer(tiny_recipe, tmp_path):
    def build(dices, stop=lambda: False, **keys):
        torch.manual_seed(0)
        recipe = parse_recipe(tiny_recipe("supervised", **keys), "test")
        scores = iter(dices)
        generator = torch.Generator().manual_seed(1)

        def batches(first_step):
            for _ in range(first_step, 12):
                yield RawBatch(
                    torch.randint(256, (2, 32, 32, 3), generator=generator, dtype=torch.uint8),
                    torch.ones(2, 32, 32, dtype=torch.uint8),
                )

        return Trainer(
            build_method(recipe), recipe, build_plan(recipe, 4, 2), Runtime("cpu", "fp32"),
            batches=batches, validate=lambda _network: {"dice": next(scores)},
            folder=tmp_path, stop_requested=stop, observer=Recorder(),
        )

    return build


def test_records_come_as_planned_with_mean_terms(trainer):
    made = trainer([0.1, 0.2, 0.3])
    assert made.run()
    records = made._observer.records
    assert [(r["step"], r["epoch"], r["val"]["dice"]) for r in records] == [
        (4, 2.0, 0.1), (8, 4.0, 0.2), (12, 6.0, 0.3)
    ]
    assert records[0]["train"].keys() == {"total", "supervised"}
    assert 0 < records[0]["train"]["total"] < 3


@pytest.mark.parametrize(("dices", "best"), [([0.1, 0.3, 0.2], 8), ([0.3, 0.3, 0.3], 4)])
def test_the_best_is_the_first_of_the_highest(trainer, tmp_path, dices, best):
    trainer(dices).run()
    assert load_checkpoint(tmp_path / "best.pt")["step"] == best


def test_a_checkpoint_with_the_former_name_of_a_count_is_read(trainer, tmp_path):
    made = trainer([0.1, 0.2, 0.3])
    made.run()
    saved = load_checkpoint(tmp_path / "last.pt")
    saved["progress"]["judging_pixels"] = 7 + saved["progress"].pop("forward_only_pixels")
    write_atomic(tmp_path / "last.pt", pack_checkpoint(saved))
    again = trainer([])
    again.resume()
    assert again.costs()["images_per_step"]["judging"] == round(7 / 32**2 / 12, 3)
    assert again.progress.forward_only_pixels == 7


def test_patience_counts_validations_without_gain(trainer):
    made = trainer([0.5, 0.4, 0.3], validation={"every": 4, "patience": 1})
    assert made.run()
    assert made.progress.step == 8


def test_asked_to_stop_it_saves_where_it_is(trainer, tmp_path):
    calls = iter([False] * 5 + [True])
    made = trainer([0.1], stop=lambda: next(calls))
    assert not made.run()
    assert load_checkpoint(tmp_path / "last.pt")["progress"]["step"] == 5
    again = trainer([0.2, 0.3])
    again.resume()
    assert again.progress.step == 5
    assert again.run()
