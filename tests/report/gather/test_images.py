"""Scores of single images: read exactly, and never believed where they are unsound."""

import json

import numpy as np
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.gather.images import ImageValues, read_images
from cclcc_cli.report.gather.runs import gather_runs

DICE = ("working", "dice")


def read(root, split="test", metric=DICE):
    return read_images(gather_runs(root).runs, split, metric)


@pytest.mark.parametrize("split", ["val", "test"])
def test_every_score_is_read_as_it_was_written(write_images_run, tmp_path, split):
    folder = write_images_run([0.1, 1 / 3, 0.0])
    reading = read(tmp_path, split, ("own", "dice"))
    assert reading.notes == ()
    assert reading.scores[folder.path].stems == ("image0", "image1", "image2")
    assert reading.scores[folder.path].values.tolist() == [0.1, 1 / 3, 0.0]


def test_seeds_are_stacked_by_stem_not_by_place(write_images_run, tmp_path):
    write_images_run([0.1, 0.2, 0.3])
    write_images_run([0.6, 0.4, 0.5], seed=1, stems=["image2", "image0", "image1"])
    reading = read(tmp_path)
    stack = stack_runs(reading.runs, reading.scores)
    assert stack.folds[None].images.values.tolist() == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]


def test_runs_without_such_a_split_stay_and_have_no_stack(make_run):
    run = make_run(scores={})
    reading = read_images([run], "test", DICE)
    assert reading.runs == (run,)
    assert stack_runs(reading.runs, reading.scores) is None


def test_the_group_of_each_image_is_read_where_the_table_has_it(write_images_run, tmp_path):
    """Runs from before it was written have none: what one run knows holds for its group."""
    old = write_images_run([0.2, 0.4])
    new = write_images_run([0.3, 0.5], seed=1)
    (new.path / "test_images.csv").write_text(
        "stem,group,dice,own_dice\nimage0,7,0.3,0.3\nimage1,image1,0.5,0.5\n")
    reading = read(tmp_path)
    assert reading.scores[old.path].groups is None
    assert reading.scores[new.path].groups == ("7", "image1")
    assert reading.scores[new.path].of(["image1"]).groups == ("image1",)
    assert stack_runs(reading.runs, reading.scores).folds[None].images.groups == ("7", "image1")


def test_some_images_in_another_order():
    scores = ImageValues(("a", "b", "c"), np.array([[1.0, 2, 3], [4, 5, 6]]))
    assert scores.of(["c", "a"]).values.tolist() == [[3, 1], [6, 4]]


@pytest.mark.parametrize(("table", "reason"), [
    (None, "is missing"),
    ("", "cannot be read ("),
    ("stem,dice\n", "holds no image"),
    ("stem,iou\na,0.3\n", "cannot be read ('dice' is not in list)"),
    ("stem,dice\na,0.2\nb,0.3\nc\n", "cannot be read (list index out of range)"),
    ("stem,dice\na,0.2\nb,0.3\nc,much\n", "cannot be read (could not convert"),
    ("stem,dice\na,0.2\nb,nan\nc,0.4\n", "dice of b is not a finite number"),
    ("stem,dice\na,0.2\na,0.3\nc,0.4\n", "lists an image twice"),
    ("stem,dice\na,0.2\nb,0.3\n", "its mean dice is 0.250000, in result.json 0.300000"),
    ("stem,dice\nx,0.2\ny,0.3\nz,0.4\n", "other images than in"),
    (b"\xff\xfe\x00", "cannot be read ("),
    ("stem,dice\n" + "a" * 200_000 + ",0.3\n", "cannot be read (field larger than field limit"),
])
def test_an_unsound_table_is_named_and_its_run_left_out(
    write_images_run, tmp_path, table, reason
):
    names = ["a", "b", "c"]
    write_images_run([0.2, 0.3, 0.4], stems=names)
    torn = write_images_run([0.2, 0.3, 0.4], seed=1, stems=names)
    path = torn.path / "test_images.csv"
    if table is None:
        path.unlink()
    else:
        path.write_bytes(table if isinstance(table, bytes) else table.encode())

    reading = read(tmp_path)

    assert [run.seed for run in reading.runs] == [0]
    (note,) = reading.notes
    assert note.startswith(f"left out: {path}: {reason}")
    assert note.endswith("; cclcc train --fresh trains it again")


def test_nothing_sound_is_an_error(write_images_run, tmp_path):
    (write_images_run([0.5]).path / "test_images.csv").unlink()
    with pytest.raises(RunError, match="no run with sound scores .*/test_images.csv: is missing"):
        read(tmp_path)


def test_sizes_of_lesions_and_patients_come_with_the_scores(write_images_run, tmp_path):
    shares, groups = [0.2, 0.1, 0.0], ["p1", "p2", "p1"]
    for seed, order in enumerate(([0, 1, 2], [2, 0, 1])):
        write_images_run([[0.5, 0.6, 0.7][n] for n in order], seed=seed,
                         stems=["abc"[n] for n in order],
                         columns={"foreground": [shares[n] for n in order],
                                  "group": [groups[n] for n in order]})
    reading = read(tmp_path)
    stack = stack_runs(reading.runs, reading.scores).folds[None].images
    assert stack.foreground.tolist() == shares
    assert stack.groups == ("p1", "p2", "p1")
    part = stack.of(["c", "b"])
    assert (part.foreground.tolist(), part.groups) == ([0.0, 0.1], ("p1", "p2"))


def test_tables_from_before_are_read_and_borrow_from_a_newer_seed(write_images_run, tmp_path):
    write_images_run([0.5, 0.6])
    assert read(tmp_path).scores.popitem()[1].foreground is None
    write_images_run([0.5, 0.6], seed=1, columns={"foreground": [0.2, 0.1]})
    reading = read(tmp_path)
    stack = stack_runs(reading.runs, reading.scores).folds[None].images
    assert (stack.foreground.tolist(), stack.groups) == ([0.2, 0.1], None)


@pytest.mark.parametrize(("columns", "reason"), [
    ({"foreground": [0.2, 1.5]}, "foreground is not a share of the image everywhere"),
    ({"foreground": [0.2, "nan"]}, "foreground is not a share of the image everywhere"),
    ({"foreground": [0.2, ""]}, "cannot be read ("),
    ({"group": ["a", ""]}, "an image has no group"),
])
def test_unsound_sizes_and_groups_leave_a_run_out(write_images_run, tmp_path, columns, reason):
    write_images_run([0.5, 0.6])
    write_images_run([0.5, 0.6], seed=1, columns=columns)
    reading = read(tmp_path)
    assert [run.seed for run in reading.runs] == [0]
    assert reason in reading.notes[0]


def test_a_run_older_than_the_score_stays_without_it_and_where_all_are_it_is_said(
    write_images_run, tmp_path
):
    def forget(folder):
        result = json.loads((folder.path / "result.json").read_text())
        del result["test"]["working"]["nsd"]
        folder.write_json("result.json", result)

    nsd = ("working", "nsd")
    forget(write_images_run([0.5, 0.6]))
    with pytest.raises(RunError, match=r"--metric nsd: none of 1 run has NSD@1% of its test "
                       r"images, such as .*clcc-plain-8-0: they are older"):
        read(tmp_path, metric=nsd)
    write_images_run([0.5, 0.6], seed=1, columns={"nsd": [0.3, 0.4]})
    reading = read(tmp_path, metric=nsd)
    assert (len(reading.runs), len(reading.scores), reading.notes) == (2, 1, ())
    stack = stack_runs(reading.runs, reading.scores)
    assert stack.folds[None].images.values.tolist() == [[0.3, 0.4]]
