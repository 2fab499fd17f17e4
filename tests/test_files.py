"""Files are whole or not there."""

import pytest

from cclcc_cli.files import write_atomic


def test_replaces_content_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    for content in (b"old", b"new"):
        write_atomic(path, content)
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_failure_keeps_the_old_and_leaves_no_temporary_file(tmp_path):
    path = tmp_path / "a.json"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "text")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
