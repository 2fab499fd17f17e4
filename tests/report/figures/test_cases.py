"""Cases are chosen by rule: the most disputed, the worst of each method, a median."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.report.figures.cases import (
    NO_MASKS,
    Predictions,
    choose_cases,
    measure_disagreement,
    read_predictions,
)
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.masks import Masks, write_masks
from tests.report.made import record


def predictions(masks, dice, names=("a", "b")):
    masks = np.asarray(masks, dtype=bool)
    stems = [f"image{n}" for n in range(masks.shape[1])]
    return Predictions(names, [0] * len(names), stems, masks, np.asarray(dice), store=None)


def block(*areas, side=8):
    """Masks whose first ``area`` pixels are set."""
    flat = np.zeros((len(areas), side * side), bool)
    for row, area in zip(flat, areas, strict=True):
        row[:area] = True
    return flat.reshape(len(areas), side, side)


def test_disagreement_by_hand():
    """2 and 6 of 6 pixels: Dice 2*2/8 = 0.5. Both empty agree, one empty does not, as equal do."""
    masks = np.stack([block(2, 0, 0, 5), block(6, 0, 3, 5)])
    assert measure_disagreement(masks).tolist() == [0.5, 0, 1, 0]


def test_disagreement_is_the_mean_over_pairs_of_methods():
    random = np.random.default_rng(0)
    masks = random.random((4, 3, 16, 16)) > 0.5
    expected = [1 - np.mean([2 * (masks[a, n] & masks[b, n]).sum()
                             / (masks[a, n].sum() + masks[b, n].sum())
                             for a, b in combinations(range(4), 2)]) for n in range(3)]
    assert measure_disagreement(masks) == pytest.approx(expected)
    assert measure_disagreement(masks[:1]).tolist() == [0, 0, 0]


def test_cases_are_the_disputed_the_worst_of_each_and_a_median_by_disagreement():
    areas = [10, 10, 10, 10, 10, 10, 10]
    other = [10, 8, 30, 20, 10, 15, 10]  # disputed most: images 2, 3, 5
    dice = [[0.9, 0.8, 0.7, 0.6, 0.1, 0.5, 0.85], [0.9, 0.8, 0.7, 0.6, 0.5, 0.55, 0.2]]
    cases = choose_cases(predictions(np.stack([block(*areas), block(*other)]), dice))
    assert [(case.index, case.reasons) for case in cases] == [
        (2, ("disagreement no. 1",)), (3, ("disagreement no. 2", "median of all methods' mean")),
        (5, ("disagreement no. 3",)), (4, ("worst of a",)), (6, ("worst of b",))]
    found = [case.disagreement for case in cases]
    assert found == sorted(found, reverse=True)


def test_the_worst_of_every_method_is_among_them():
    random = np.random.default_rng(1)
    masks, dice = random.random((9, 30, 8, 8)) > 0.5, random.random((9, 30))
    cases = choose_cases(predictions(masks, dice, [f"m{n}" for n in range(9)]))
    shown = {case.index for case in cases}
    assert set(dice.argmin(axis=1)) <= shown
    assert len(shown) == len(cases)


def test_of_equally_bad_images_the_most_disputed_is_shown():
    masks = np.stack([block(0, 0, 0), block(1, 0, 9)])
    cases = choose_cases(predictions(masks, [[0, 0, 0], [0.5, 0.6, 0.1]]))
    worst = [case.index for case in cases if any("a" in r.split()[-1] for r in case.reasons
                                                 if r.startswith("worst"))]
    assert worst == [0] or worst == [2]
    assert 1 not in worst


@pytest.mark.parametrize("methods", [1, 2])
def test_one_image_is_one_case(methods):
    masks = np.stack([block(3)] * methods)
    (case,) = choose_cases(predictions(masks, [[0.5]] * methods, ["a", "b"][:methods]))
    assert case.index == 0
    assert not any("disagreement" in reason for reason in case.reasons)


@pytest.fixture
def kept(weighed, tiny_data):
    """Two groups of two seeds, of the tiny store's test images, with masks."""
    store = load_store(store_path(tiny_data, "synthetic", 32))
    stems = list(store.splits.test)
    found = weighed({("supervised", "base", 80): [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]],
                     ("clcc", "ours", 80): [[0.5, 0.5, 0.5], [0.6, 0.6, 0.6]]},
                    stems={"base": stems, "ours": stems[::-1]})
    random = np.random.default_rng(0)
    for evidence in found.evidence:
        for run in evidence.group.runs:
            folder = RunFolder(run.path)
            folder.write_json("cell.json", record(
                name="synthetic", size=32, digest=store.info.digest))
            masks = random.random((3, 32, 32)) > 0.5
            write_masks(folder, Masks(tuple(stems), 32,
                                      np.stack([np.packbits(mask) for mask in masks])))
    return found


def test_masks_and_scores_belong_to_the_same_images_and_seed(kept, tiny_data):
    found, notes = read_predictions(kept.evidence, kept.scores, tiny_data)
    assert notes == []
    assert (list(found.names), list(found.seeds)) == (["clcc", "supervised"], [0, 0])
    base = kept.group("base").group.first.path
    stems = kept.scores[base].stems
    order = [stems.index(stem) for stem in found.stems]
    assert found.scores[1].tolist() == kept.scores[base].values[order].tolist()
    assert found.masks.shape == (2, 3, 32, 32)


def test_a_seed_that_all_have_is_preferred(kept, tiny_data):
    RunFolder(kept.group("ours").group.runs[0].path).test_masks.unlink()
    found, notes = read_predictions(kept.evidence, kept.scores, tiny_data)
    assert (list(found.seeds), notes) == ([1, 1], [])


def test_runs_from_before_masks_are_named_and_the_others_shown(kept, tiny_data):
    for run in kept.group("ours").group.runs:
        RunFolder(run.path).test_masks.unlink()
    found, notes = read_predictions(kept.evidence, kept.scores, tiny_data)
    assert list(found.names) == ["supervised"]
    assert notes == [f"no cases of clcc: {NO_MASKS}"]


def test_without_the_store_there_are_no_cases(kept, tmp_path):
    found, (note,) = read_predictions(kept.evidence, kept.scores, tmp_path / "nowhere")
    assert found is None
    assert note.startswith("no cases: no store for synthetic at 32 pixels under ")


def test_another_store_of_the_same_name_is_no_help(kept, tiny_data):
    folder = RunFolder(kept.evidence[0].group.first.path)
    folder.write_json("cell.json", record(name="synthetic", size=32, digest="0"))
    found, (note,) = read_predictions(kept.evidence, kept.scores, tiny_data)
    assert found is None
    assert "is not the data that" in note


def test_damaged_masks_are_a_note(kept, tiny_data):
    RunFolder(kept.evidence[0].group.first.path).test_masks.write_bytes(b"torn")
    found, (note,) = read_predictions(kept.evidence, kept.scores, tiny_data)
    assert found is None
    assert "test_masks.npz: cannot be read" in note


def test_the_worst_of_a_distance_is_the_farthest():
    masks = np.stack([block(*[4] * 3), block(*[4] * 3)])
    given = predictions(masks, [[1.0, 9.0, 2.0], [1.0, 2.0, 8.0]])
    near = {case.index: case.reasons for case in choose_cases(given)}
    far = {case.index: case.reasons
           for case in choose_cases(replace(given, metric=("own", "hd95")))}
    assert near[0] == ("worst of a, b",)  # as a score: the lowest
    assert "worst of a" in far[1]
    assert "worst of b" in far[2]
