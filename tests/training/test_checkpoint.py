"""Checkpoint files."""

import pytest
import torch

from cclcc_cli.errors import RunError
from cclcc_cli.training.checkpoint import load_checkpoint, pack_checkpoint


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes(pack_checkpoint({"x": torch.arange(5.0), "step": 3}))
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    assert torch.equal(load_checkpoint(tmp_path / "a.pt")["x"], torch.arange(5.0))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(RunError, match=r"gone.pt: no such checkpoint"):
        load_checkpoint(tmp_path / "gone.pt")
    path = tmp_path / "cut.pt"
    path.write_bytes(pack_checkpoint({"x": torch.zeros(1000)})[:500])
    with pytest.raises(RunError, match=r"cut.pt: is damaged .* --fresh"):
        load_checkpoint(path)


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    """Any byte: a changed file is refused, or gives what was saved (padding, dates)."""
    saved, path = torch.arange(300.0), tmp_path / "flipped.pt"
    whole = pack_checkpoint({"x": saved, "step": 3})
    refused = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1:])
        try:
            content = load_checkpoint(path)
        except RunError:
            refused += 1
        else:
            assert content.keys() == {"x", "step"}
            assert content["step"] == 3
            assert torch.equal(content["x"], saved)
    start = whole.index(saved.numpy().tobytes())
    assert refused * 7 > saved.nbytes
    path.write_bytes(whole[:start] + b"\1" + whole[start + 1:])
    with pytest.raises(RunError, match=r"flipped.pt: is damaged \(the checksum of .* differs\)"):
        load_checkpoint(path)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    path = tmp_path / "evil.pt"
    torch.save({"x": Harm()}, path)
    with pytest.raises(RunError):
        load_checkpoint(path)
    assert capsys.readouterr().out == ""
