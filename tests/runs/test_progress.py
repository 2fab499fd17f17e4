"""The progress of a training as lines."""

import pytest

from cclcc_cli.runs.progress import Clock, CpuWatch, describe_record
from cclcc_cli.runs.records import ValidationRecord
from cclcc_cli.wording import duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3723, "1:02:03")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_record_in_one_line():
    record = ValidationRecord(
        step=50, images_per_second=14.16,
        train={"total": 1.25, "supervised": 1.0, "contrast": 2.5},
        val={"dice": 0.61204, "iou": 0.5},
    )
    assert describe_record(record, 200) == (
        "step 50/200 | loss 1.2500 (supervised 1.0000, contrast 2.5000) | "
        "val Dice 61.20 IoU 50.00 | 14.2 images/s"
    )


@pytest.mark.parametrize(("threads", "seconds", "expected"), [
    (2, 24.0, "gets 40 % of its 2 threads and takes about 2 times as long"),
    (1, 3.0, "gets 10 % of its 1 thread and takes about 10 times as long"),
    (2, 36.0, None), (1, 20.0, None)])
def test_a_slow_training_is_reported_once(threads, seconds, expected):
    clocks = {"wall": 0.0, "cpu": 0.0}
    watch = CpuWatch(threads, lambda: clocks["wall"], lambda: clocks["cpu"])
    clocks.update(wall=29.0, cpu=0.1)
    assert watch.look() is None  # too early to say
    clocks.update(wall=30.0, cpu=seconds)
    warning = watch.look()
    assert (warning is None) if expected is None else (expected in warning)
    clocks.update(wall=60.0, cpu=seconds + 100)
    assert watch.look() is None


def test_time_left_counts_the_steps_of_this_session_only(monkeypatch):
    now = 100.0
    monkeypatch.setattr("cclcc_cli.runs.progress.time.monotonic", lambda: now)
    clock = Clock()
    clock.start(total_steps=1000, first_step=900)
    now = 150.0
    assert clock.left(950) == pytest.approx(50.0)
