"""Masks that a run keeps: whole, small, the same bytes, and never half-read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.masks import Masks, read_masks, write_masks


def packed(masks, stems=None):
    stems = stems or tuple(f"image{n}" for n in range(len(masks)))
    return Masks(stems, masks.shape[1], np.stack([np.packbits(mask) for mask in masks]))


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path / "run")
    made.path.mkdir()
    return made


@given(st.integers(1, 9).flatmap(lambda side: arrays(bool, (3, side, side))))
def test_what_is_packed_comes_back(masks):
    """Also where a mask's pixels do not fill their last byte."""
    found = packed(masks)
    assert (found.of(found.stems) == masks).all()
    assert (found.of(["image2", "image0"]) == masks[[2, 0]]).all()


def test_a_file_returns_what_was_written(folder):
    masks = np.random.default_rng(0).random((4, 13, 13)) > 0.5
    write_masks(folder, packed(masks, ("ä", "b", "c/d", "e")))
    found = read_masks(folder)
    assert (found.stems, found.size) == (("ä", "b", "c/d", "e"), 13)
    assert (found.of(found.stems) == masks).all()
    assert [path.name for path in folder.path.iterdir()] == ["test_masks.npz"]


def test_the_same_masks_are_the_same_bytes_at_any_time(folder, monkeypatch):
    masks = packed(np.ones((2, 8, 8), bool))
    write_masks(folder, masks)
    first = folder.test_masks.read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_masks(folder, masks)
    assert folder.test_masks.read_bytes() == first


def test_a_run_that_kept_none_has_none(folder):
    assert read_masks(folder) is None


@pytest.mark.parametrize("content", ["half", "foreign", "empty", "other shape", "no such key"])
def test_a_damaged_file_is_refused_in_words(folder, content):
    write_masks(folder, packed(np.ones((2, 8, 8), bool)))
    whole = folder.test_masks.read_bytes()
    match content:
        case "half":
            folder.test_masks.write_bytes(whole[: len(whole) // 2])
        case "foreign":
            folder.test_masks.write_bytes(b"no archive at all")
        case "empty":
            folder.test_masks.write_bytes(b"")
        case "other shape":
            write_masks(folder, Masks(("a",), 8, np.ones((1, 7), np.uint8)))
        case "no such key":
            np.savez(folder.test_masks, stems=np.array(["a"]))
    with pytest.raises(RunError, match="run/test_masks.npz: cannot be read .*--fresh"):
        read_masks(folder)


def test_training_afresh_forgets_the_masks(folder):
    write_masks(folder, packed(np.ones((2, 8, 8), bool)))
    folder.clear()
    assert not folder.test_masks.exists()
