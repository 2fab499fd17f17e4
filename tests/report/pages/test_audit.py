"""The audit as a reader sees it: tables, sentences, a JSON file and a sheet of pictures."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cclcc_cli.data.audit import Audit, Finding, SamePair
from cclcc_cli.data.contact_sheet import CYAN, YELLOW
from cclcc_cli.data.mask_set import SetFinding
from cclcc_cli.data.mask_shift import Shift
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.errors import DataError
from cclcc_cli.report.pages.audit import (
    audit_notes,
    audit_record,
    audit_tables,
    draw_audit,
    write_audit,
)
from cclcc_cli.report.render.text import titles
from tests.report.shown import rows


@pytest.fixture
def store(tiny_data: Path) -> Store:
    """Synthetic scenes with an audit made up: a pair in train, one across test and train."""
    made = load_store(store_path(tiny_data, "synthetic", 32))
    train, test = made.splits.train, made.splits.test
    pairs = (
        SamePair(train[0], train[1], "pixels", 0.9, "as it is", 0.5),
        SamePair(train[2], test[0], "near", 0.4, "mirrored", 0.95),
    )
    findings = (Finding(train[3], "empty mask", "no foreground"),
                *(Finding(stem, "speck", "0.01% foreground") for stem in train[4:9]))
    return replace(made, audit=Audit(pairs, findings, Shift(0.05, 0, 2.0), True))


def test_leaking_pairs_come_first_and_contradictions_are_said(store: Store) -> None:
    table = audit_tables(store)[0]
    train, test = store.splits.train, store.splits.test
    assert titles(table) == ["the same", "split", "kind", "score", "second lies", "masks IoU"]
    assert rows(table) == [
        [f"{train[2]} / {test[0]}", "train and test", "altered copy or same scene", "0.40",
         "mirrored", "0.95"],
        [f"{train[0]} / {train[1]}", "train", "copy", "0.90", "as it is", "0.50 contradict"],
    ]


def test_findings_are_counted_by_kind_with_the_first_three(store: Store) -> None:
    found = rows(audit_tables(store)[1])
    assert [row[:2] for row in found] == [["empty mask", "1"], ["speck", "5"]]
    assert found[1][2].count("0.01% foreground") == 3
    assert found[1][2].endswith(" ...")


def test_what_matters_is_said_in_sentences(store: Store) -> None:
    notes = audit_notes(store)
    assert notes[:3] == [
        "the split: test images that copy an image on another side, or probably show the same "
        "scene: 1 of 3",
        "1 pair has masks that contradict each other",
        "all masks together lie beside their images: the average mask fits better 5.0 % to the "
        "right",
    ]
    assert notes[3].startswith("pairs among training images, both labelled and one labelled")


def test_what_is_similar_or_common_to_many_masks_is_said_and_counted_as_no_pair(
    store: Store,
) -> None:
    like = SamePair(store.splits.train[0], store.splits.test[0], "similar", 0.4, "as it is", None)
    common = SetFinding("masks cover the border", 9, 12, "foreground may be exchanged")
    audit = Audit((), (), None, True, (like, like), (common,))
    assert audit_tables(replace(store, audit=audit)) == []
    assert audit_notes(replace(store, audit=audit)) == [
        "2 pairs of similar images, no more alike than unrelated images of this data set may be: "
        "not counted as the same (audit.json has them)",
        "masks cover the border: 9 of 12; foreground may be exchanged"]


def test_a_pair_without_masks_says_so(store: Store) -> None:
    pair = SamePair(store.splits.train[0], store.splits.train[1], "scene", 0.5, "as it is", None)
    audit = Audit((pair,), (), None, True)
    table = audit_tables(replace(store, audit=audit))[0]
    assert rows(table)[0][2:] == ["same scene, probably", "0.50", "as it is", "no mask"]
    assert draw_audit(replace(store, audit=audit)) is not None


def test_a_clean_data_set_has_nothing_to_say(store: Store) -> None:
    clean = replace(store, audit=Audit((), (), None, True))
    assert audit_notes(clean) == []
    assert draw_audit(clean) is None


def test_a_store_too_small_to_judge_says_so(store: Store) -> None:
    (note,) = audit_notes(replace(store, audit=Audit((), (), None, False)))
    assert note.startswith("32 pixels show too little to tell near-duplicates")


def test_files_hold_everything_and_the_sheet_shows_contradictions_in_another_colour(
    store: Store, tmp_path: Path
) -> None:
    files = write_audit(store, tmp_path / "audit")
    record = json.loads(files.json.read_text(encoding="utf-8"))
    assert record == json.loads(json.dumps(audit_record(store)))
    assert record["leaked"] == {"main": {"val": [], "test": [store.splits.test[0]]}}
    assert len(record["pairs"]) == 2
    assert files.sheet is not None
    sheet = cv2.cvtColor(cv2.imread(str(files.sheet)), cv2.COLOR_BGR2RGB)
    for color in (CYAN, YELLOW):
        assert np.all(sheet == color, axis=2).sum() > 50
    assert sorted(p.name for p in (tmp_path / "audit").iterdir()) == ["audit.json", "audit.png"]


def test_a_place_that_cannot_be_written_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"file: cannot be written \(File exists\); choose"):
        write_audit(store, tmp_path / "file")
