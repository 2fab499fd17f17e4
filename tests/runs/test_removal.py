"""What may be removed, and that nothing else is."""

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.runs import removal
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.runs.removal import check_removable, remove_run


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "data-32" / "clcc-4labels-seed0-0123abcd")
    folder.write_json("cell.json", {"digest": "0123abcdef"})
    folder.update_status(state="finished")
    return folder


def refusal(path):
    with pytest.raises(RunError) as caught:
        check_removable([path])
    assert path.exists() or path.is_symlink() or "no such" in str(caught.value)
    return str(caught.value)


def test_a_run_folder_is_removed_without_a_trace(folder, tmp_path):
    (one,) = check_removable([folder.path, folder.path])
    remove_run(one)
    assert list((tmp_path / "runs").rglob("*")) == [folder.path.parent]


def test_one_that_is_trained_is_refused(folder):
    with folder.locked():
        assert "is being trained (process" in refusal(folder.path)
        with pytest.raises(RunError):
            remove_run(folder)
    assert (folder.path / "cell.json").exists()


@pytest.mark.parametrize("content", ['{"digest": "99999999"}', "{}", "[]", "{", '{"digest": 3}'])
def test_what_does_not_bear_its_own_digest_is_refused(folder, content):
    (folder.path / "cell.json").write_text(content)
    assert "not a run folder" in refusal(folder.path)


def test_other_folders_files_and_links_are_refused(folder, tmp_path):
    assert "not a run folder" in refusal(tmp_path)
    assert "not a run folder" in refusal(folder.path.parent)
    assert "no such run folder" in refusal(folder.path / "cell.json")
    assert "no such run folder" in refusal(tmp_path / "nowhere")
    link = tmp_path / folder.path.name
    link.symlink_to(folder.path)
    assert "is a link" in refusal(link)


def test_all_refusals_are_told_at_once(folder, tmp_path):
    with pytest.raises(RunError) as caught:
        check_removable([folder.path, tmp_path / "a", tmp_path / "b"])
    assert len(str(caught.value).splitlines()) == 2
    assert folder.path.exists()


def test_killed_before_the_deletion_it_is_no_run_any_more_and_the_next_removal_sweeps_it(
    folder, tmp_path, monkeypatch
):
    other = RunFolder(folder.path.with_name("x-0123abcd"))
    other.write_json("cell.json", {"digest": "0123abcdef"})

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(removal.shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            remove_run(folder)
    assert [f.path for f in find_runs(tmp_path / "runs")] == [other.path]
    remove_run(other)
    assert not (tmp_path / "runs" / ".removed").exists()
