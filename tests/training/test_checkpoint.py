"""Checkpoint files."""

import pickle

import pytest
import torch

from cclcc_cli.errors import RunError
from cclcc_cli.training.checkpoint import load_checkpoint, save_checkpoint


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a.pt", "b.pt"):
        save_checkpoint(tmp_path / name, {"x": torch.arange(5.0), "step": 3})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    assert torch.equal(load_checkpoint(tmp_path / "a.pt")["x"], torch.arange(5.0))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(RunError, match=r"gone.pt: no such checkpoint"):
        load_checkpoint(tmp_path / "gone.pt")
    path = tmp_path / "cut.pt"
    save_checkpoint(path, {"x": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunError, match=r"cut.pt: is damaged .* --fresh"):
        load_checkpoint(path)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    path = tmp_path / "evil.pt"
    torch.save({"x": Harm()}, path)
    with pytest.raises((RunError, pickle.UnpicklingError)):
        load_checkpoint(path)
    assert capsys.readouterr().out == ""
