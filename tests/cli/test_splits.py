"""``cclcc splits`` as it is typed."""

import json


def test_lists_are_written_and_summed_up(cclcc, tiny_data, tmp_path):
    done = cclcc("splits", "synthetic", "--data", str(tiny_data), "--out", "lists",
                 "--labels", "0.25,10")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "lists    lists: 19 files"
    assert lines[1].startswith("splits   24 train, 3 val, 3 test; train, val, test cut by seed 0")
    assert lines[2] == "labels   0.25 (6), 10, each for 5 seeds"
    assert (tmp_path / "lists" / "labeled_6_of_24_seed4.txt").is_file()


def test_json_names_every_file(cclcc, tiny_data, tmp_path):
    done = cclcc("splits", "synthetic", "--data", str(tiny_data), "--out", "lists", "--json")
    there = sorted(p.name for p in (tmp_path / "lists").iterdir())
    assert sorted(json.loads(done.stdout)["files"]) == there


def test_bad_input_is_one_line_and_leaves_nothing(cclcc, tiny_data, tmp_path):
    for words, message in (
        (["--labels", "x"], "error: --labels x: x is neither a count"),
        (["--labels", "25"], "error: labeled = 25: asks for 25 labelled images"),
        (["--size", "64"], "error: no store for synthetic at 64 pixels"),
    ):
        done = cclcc("splits", "synthetic", "--data", str(tiny_data), "--out", "lists", *words)
        assert done.returncode == 2
        assert done.stderr.startswith(message)
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == []
