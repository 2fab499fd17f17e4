"""The news of a training as lines."""

import pytest

from cclcc_cli.experiments.progress import Clock, describe_record, duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3723, "1:02:03")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_record_in_one_line():
    record = {
        "step": 50, "images_per_second": 14.16,
        "train": {"total": 1.25, "supervised": 1.0, "contrast": 2.5},
        "val": {"dice": 0.61204, "iou": 0.5},
    }
    assert describe_record(record, 200) == (
        "step 50/200 | loss 1.2500 (supervised 1.0000, contrast 2.5000) | "
        "val Dice 61.20 IoU 50.00 | 14.2 images/s"
    )


def test_time_left_counts_the_steps_of_this_session_only(monkeypatch):
    now = 100.0
    monkeypatch.setattr("cclcc_cli.experiments.progress.time.monotonic", lambda: now)
    clock = Clock()
    clock.start(total_steps=1000, first_step=900)
    now = 150.0
    assert clock.left(950) == pytest.approx(50.0)
