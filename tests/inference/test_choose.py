"""Words stand for run folders, ids, and groups."""

import json
import shutil

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.inference.choose import choose_runs


def names(words, root):
    return [folder.path.name for folder in choose_runs(words, root).runs]


@pytest.mark.parametrize("word", ["tiny", "supervised"])
def test_a_group_is_all_its_seeds(trained_runs, run_folders, word):
    assert names([word], trained_runs) == [folder.name for folder in run_folders]


def test_a_run_is_named_by_folder_id_or_a_beginning_of_it_once(trained_runs, run_folders):
    first, second = run_folders
    for word in (str(first), f"{first.parent.name}/{first.name}", first.name,
                 first.name[:-4], first.name.rpartition("-")[2]):
        assert names([word], trained_runs) == [first.name]
    assert names([second.name, "tiny"], trained_runs) == [second.name, first.name]


@pytest.mark.parametrize(("word", "message"), [
    ("nothing", "no run or group below .* there are: supervised, tiny"),
    ("supervised-4labels", "is the beginning of 2 runs"),
])
def test_what_stands_for_nothing_or_for_several_is_refused(trained_runs, word, message):
    with pytest.raises(RunError, match=message):
        choose_runs([word], trained_runs)


def test_unfinished_runs_of_a_group_are_left_out_and_named(trained_runs, run_folders, tmp_path):
    root = tmp_path / "runs"
    shutil.copytree(trained_runs, root)
    status = root / run_folders[1].relative_to(trained_runs) / "status.json"
    status.write_text(json.dumps({**json.loads(status.read_text()), "state": "stopped"}))
    choice = choose_runs(["tiny"], root)
    assert [folder.path.name for folder in choice.runs] == [run_folders[0].name]
    assert run_folders[1].name in choice.notes[0]
    with pytest.raises(RunError, match="this run is stopped; finish its training first"):
        choose_runs([run_folders[1].name], root)


def test_a_name_of_several_groups_is_refused_with_their_digests(
    trained_runs, run_folders, tmp_path
):
    root = tmp_path / "runs"
    shutil.copytree(trained_runs, root)
    cell = root / run_folders[1].relative_to(trained_runs) / "cell.json"
    content = json.loads(cell.read_text())
    content["recipe"]["optimizer"]["lr"] = 1.0
    cell.write_text(json.dumps({**content, "arm": "feedfeedfeed"}))
    with pytest.raises(RunError, match="matches several groups: .*feedfeed"):
        choose_runs(["tiny"], root)
    assert names(["feedfeed"], root) == [run_folders[1].name]
