"""Two sides: found by folder or name, their recipes and their scores set against each other."""

import json

import numpy as np
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.pages.compare import build_pair, compare, pair_record, pair_sentences
from cclcc_cli.report.render.terminal import transposed

EASY, HARD = [0.9, 0.8, 0.85, 0.7, 0.75], [0.5, 0.42, 0.44, 0.31, 0.35]


@pytest.fixture
def runs(write_images_run, tmp_path):
    """Two seeds of either group, a group of the same method, and the folders by name and seed."""
    folders = {}
    for seed in (0, 1):
        for method, name, dice in (("clcc", "ours", EASY), ("supervised", "base", HARD),
                                   ("clcc", "other", EASY)):
            folders[name, seed] = write_images_run(
                [d + 0.01 * seed for d in dice], method=method, name=name, seed=seed)
    folders["root"] = tmp_path
    return folders


def pair_rows(pair):
    return transposed(build_pair(pair, "x")).rows


def sides(runs, one, other, across=False):
    return compare((str(one), str(other)), runs["root"], "test", across)


def test_groups_are_compared_with_all_their_seeds(runs):
    pair = sides(runs, "ours", "supervised")
    assert pair.seeds == ((0, 1), (0, 1))
    assert [found.mean for found in pair.estimates] == pytest.approx([0.805, 0.409])
    assert pair.comparison.difference.mean == pytest.approx(0.396)
    assert pair.comparison.p == pair.comparison.difference.p  # outside any family
    assert (pair.comparison.verdict, pair.comparison.family) == ("estimate only", 0)
    assert pair.keys == {"name": ("ours", "base"), "method": ("clcc", "supervised")}
    assert pair.notes == []


def test_folders_are_compared_by_their_own_seed_and_say_so(runs):
    pair = sides(runs, runs["ours", 1].path, runs["base", 0].path)
    assert pair.seeds == ((1,), (0,))
    assert pair.keys["seed"] == ("1", "0")
    assert any(text.startswith("These two trainings: ") for text in pair_sentences(pair))
    assert pair_rows(pair)[-1] == ["verdict", "these two trainings", ""]


def test_two_runs_of_one_group_differ_by_their_seed(runs):
    pair = sides(runs, runs["ours", 0].path, runs["ours", 1].path)
    assert pair.keys == {"seed": ("0", "1")}
    assert pair.comparison.difference.mean == pytest.approx(-0.01)


def test_three_shared_seeds_have_a_verdict_that_stands_outside_any_family(
    runs, write_images_run
):
    for method, name, dice in (("clcc", "ours", EASY), ("supervised", "base", HARD)):
        write_images_run([d + 0.02 for d in dice], method=method, name=name, seed=5)
    write_images_run(EASY, method="clcc", name="ours", seed=7)
    pair = sides(runs, "ours", "base")
    assert (pair.comparison.verdict, pair.comparison.left_over) == ("better", (7,))
    rows = {row[0]: row[1:] for row in pair_rows(pair)}
    assert rows["paired by"] == ["3 seeds", ""]
    assert rows["seeds' correlation"] == ["+1.00", ""]
    assert rows["verdict"] == ["better", ""]
    said = pair_sentences(pair)
    assert any("four times in five, with 5, 10 and 20 seeds" in text for text in said)
    assert any("left out: seed 7." in text for text in said)
    assert any("the margin of ±2 points" in text for text in said)
    assert said[-1].startswith("This looks at one pair and stands outside any family")


def test_the_margin_is_the_callers(runs, write_images_run):
    for name, shift in (("ours", 0.0), ("other", 0.001)):
        random = np.random.default_rng(7)
        write_images_run([d + shift * w for d, w in zip(EASY, random.normal(0, 1, 5),
                         strict=True)], name=name, seed=2)
    verdicts = [
        compare(("ours", "other"), runs["root"], "test", False, margin=margin).comparison.verdict
        for margin in (0.02, 1e-6)]
    assert verdicts == ["equivalent", "undecided"]


def test_a_side_against_itself_is_equivalent(runs, write_images_run):
    write_images_run(EASY, name="ours", seed=2)
    pair = sides(runs, "ours", "ours")
    assert pair.keys == {}
    assert (pair.comparison.difference.mean, pair.comparison.p) == (0, 1)
    assert pair.comparison.verdict == "equivalent"


def test_nested_keys_are_dotted_and_absent_ones_marked(runs):
    cell = json.loads((runs["ours", 0].path / "cell.json").read_text())
    cell["recipe"]["clcc"] = {"terms": {"ramp_up": None}}
    runs["ours", 0].write_json("cell.json", cell)
    pair = sides(runs, runs["ours", 0].path, runs["other", 0].path)
    assert pair.keys == {"name": ("ours", "other"), "clcc.terms.ramp_up": ("null", "-")}


def test_every_row_has_three_cells_and_the_record_is_json(runs):
    pair = sides(runs, "ours", "base")
    assert {len(row) for row in pair_rows(pair)} == {3}
    record = pair_record(pair)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["sides"][0]["seeds"] == [0, 1]


@pytest.mark.parametrize(("name", "message"), [
    ("uamt", "uamt: neither a run folder nor a group in .*; there are: clcc, other, ours"),
    ("clcc", r"clcc: matches several groups: .* \(polyps-64 clcc other 8\), .* give one of these "
     "digests"),
])
def test_a_name_of_nothing_or_of_several_is_refused(runs, name, message):
    with pytest.raises(RunError, match=message):
        sides(runs, name, "base")


def test_a_folder_called_like_an_group_does_not_hide_it(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    assert sides(runs, "ours", "base").seeds[0] == (0, 1)


def test_a_folder_that_is_no_finished_run_is_refused(runs):
    with pytest.raises(RunError, match="not a run folder, it has no cell.json"):
        sides(runs, runs["root"], "base")
    runs["ours", 0].update_status(state="stopped")
    with pytest.raises(RunError, match="clcc-ours-8-0: stopped, not finished"):
        sides(runs, runs["ours", 0].path, "base")


def test_unlike_scores_are_refused_or_compared_across(runs, write_images_run):
    write_images_run(EASY, name="pixel", total_miss="one pixel")
    with pytest.raises(RunError, match="compared rows differ in evaluation rule 'total_miss': 0 "):
        sides(runs, "ours", "pixel")
    pair = sides(runs, "ours", "pixel", across=True)
    assert pair.notes[0].startswith("polyps-64: compared rows differ in evaluation rule")


def test_other_data_is_refused(runs):
    cell = json.loads((runs["base", 0].path / "cell.json").read_text())
    cell["data"]["size"] = 128
    runs["base", 0].write_json("cell.json", cell)
    with pytest.raises(RunError, match="polyps-64 and polyps-128 are different data, sizes"):
        sides(runs, runs["ours", 0].path, runs["base", 0].path)


def test_sides_without_an_image_in_common_are_refused(runs, write_images_run):
    write_images_run(EASY, name="moved", stems=list("abcde"))
    with pytest.raises(RunError, match="ours and moved have no test image in common"):
        sides(runs, "ours", "moved", across=True)


def test_a_run_without_the_split_is_refused(runs):
    result = json.loads((runs["ours", 0].path / "result.json").read_text())
    runs["ours", 0].write_json("result.json", {**result, "test": None})
    with pytest.raises(RunError, match="has no test scores, its test split is empty; choose"):
        sides(runs, runs["ours", 0].path, "base")


def test_a_torn_table_is_refused_with_its_name(runs):
    (runs["ours", 0].path / "test_images.csv").write_text("torn")
    with pytest.raises(RunError, match="clcc-ours-8-0/test_images.csv: cannot be read"):
        sides(runs, runs["ours", 0].path, "base")


@pytest.mark.parametrize(("metric", "verdict"), [(("own", "hd95"), "better"),
                                                 (("working", "iou"), "worse")])
def test_another_score_judges_by_its_own_direction_and_unit(write_images_run, tmp_path, metric,
                                                            verdict):
    for method, shift in (("clcc", -3.0), ("supervised", 0.0)):
        distances = [value + shift for value in (20.0, 22.5, 19.0, 24.0, 21.5)]
        for seed in (0, 1, 2):
            write_images_run(EASY, method=method, seed=seed, columns={
                "own_hd95": distances, "iou": [value / 100 for value in distances]})
    pair = compare(("clcc", "supervised"), tmp_path, "test", False, metric)
    assert pair.comparison.verdict == verdict
    rows = {row[0]: row[1:] for row in pair_rows(pair)}
    if metric[1] == "hd95":
        assert rows["HD95 px (original size)"] == ["18.40", "21.40"]
        assert rows["difference in px"][0].startswith("-3.00 (")
        assert pair_sentences(pair)[0].endswith(" px of HD95 (original size).")
        assert pair_record(pair)["metric"] == "hd95_original"
    else:
        assert rows["IoU %"] == ["18.40", "21.40"]
        assert pair_sentences(pair)[0].endswith(" points of IoU.")
