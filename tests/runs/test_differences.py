"""How two runs differ, and which unfinished ones a changed recipe leaves behind."""

import pytest

from cclcc_cli.runs.differences import differences, left_behind
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import RunRecord


def make(sha="1" * 64, threads=1, **keys):
    return RunRecord.model_validate({
        "digest": "d" * 64, "arm": "a" * 64, "split_digest": "5" * 64,
        "recipe": {"name": "r", "method": "sharpen", "seed": 0, **keys,
                   "plugins": [{"source": "/home/ann/sharpen.py", "sha256": sha}]},
        "data": {"name": "polyps", "size": 64, "digest": "d" * 64},
        "runtime": {"device": "cpu", "threads": threads}, "labeled": {"count": 8}})


def test_a_plugin_counts_by_its_file_and_digest():
    assert differences(make(), make(sha="2" * 64, ema_decay=0.9)) == [
        "plugins.sharpen.py 11111111 -> 22222222", "ema_decay none -> 0.9"]


@pytest.mark.parametrize(("other", "state", "named"), [
    (make(sha="2" * 64), "stopped", ["plugins.sharpen.py 22222222 -> 11111111"]),
    (make(threads=2), "failed", ["runtime.threads 2 -> 1"]),
    (make(sha="2" * 64), "finished", None),
    (make(ema_decay=0.9), "stopped", None),  # another recipe was meant
])
def test_unfinished_runs_of_the_same_recipe_are_left_behind(tmp_path, other, state, named):
    folder = RunFolder(tmp_path / "sharpen-8labels-seed0-other")
    folder.write_record("cell.json", other)
    folder.update_status(state=state)
    found = left_behind(tmp_path / "sharpen-8labels-seed0-dddddddd", make())
    assert list(found.values()) == ([] if named is None else [named])
