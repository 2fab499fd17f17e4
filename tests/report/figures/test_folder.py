"""Figures on disk: whole, with captions, without leftovers of a former report."""

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.figures.figure import Drawn, Figure
from cclcc_cli.report.figures.folder import write_figures

ONE = Figure("effects", "Effects", "What is seen.", b"png", b"pdf")
TWO = Figure("losses", "Losses", "More.", b"png2", b"pdf2")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_figure_is_two_files_and_a_caption(tmp_path):
    folder = tmp_path / "a" / "b"
    write_figures(Drawn([ONE, TWO], ["no cases"]), folder)
    assert names(folder) == ["captions.md", "effects.pdf", "effects.png", "losses.pdf",
                             "losses.png"]
    assert (folder / "losses.pdf").read_bytes() == b"pdf2"
    assert (folder / "captions.md").read_text() == (
        "## effects\n\nEffects. What is seen.\n\n## losses\n\nLosses. More.\n\n"
        "# Not drawn\n\n- no cases\n")


def test_a_figure_that_is_no_longer_drawn_goes_and_other_files_stay(tmp_path):
    write_figures(Drawn([ONE, TWO], []), tmp_path)
    (tmp_path / "mine.png").write_bytes(b"mine")
    write_figures(Drawn([TWO], []), tmp_path)
    assert names(tmp_path) == ["captions.md", "losses.pdf", "losses.png", "mine.png"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file/x: figures cannot be written .*another folder"):
        write_figures(Drawn([ONE], []), tmp_path / "file" / "x")


def test_a_write_that_fails_leaves_no_half_file(tmp_path, monkeypatch):
    write_figures(Drawn([ONE], []), tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_figures(Drawn([Figure("effects", "", "", b"new", b"new")], []), tmp_path)
    assert names(tmp_path) == ["captions.md", "effects.pdf", "effects.png"]
    assert (tmp_path / "effects.png").read_bytes() == b"png"
