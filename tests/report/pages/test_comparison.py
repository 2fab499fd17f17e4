"""A report as a whole: folds in one row, patients for images, one seed without a star."""

import csv
import io

import numpy as np
import pytest

from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.render.markdown import to_markdown
from cclcc_cli.report.render.records import records, to_csv
from cclcc_cli.report.tables.statistics import build_statistics
from tests.report.shown import by_title, rows

BASE = [0.42, 0.55, 0.61, 0.48, 0.7, 0.66]


@pytest.fixture
def noise():
    return np.random.default_rng(0)


def test_folds_of_a_data_set_are_one_row_with_one_difference(write_images_run, tmp_path, noise):
    means = []
    for fold in range(4):
        stems = [f"fold{fold}image{n}" for n in range(6)]
        gains = [0.1 + noise.normal(0, 0.01) for _ in range(2)]
        for seed, gain in enumerate(gains):
            write_images_run(BASE, method="supervised", seed=seed, fold=fold, stems=stems)
            write_images_run([score + gain for score in BASE], seed=seed, fold=fold, stems=stems)
        means.append(np.mean(gains))
    page = write_page(tmp_path, Question())
    ours, base = records(page.table)
    assert (ours["data"], ours["folds"], ours["seeds"]) == ("polyps-64 folds", 4, 2)
    assert ours["difference"] == pytest.approx(np.mean(means))
    assert ours["dice_std"] == pytest.approx(np.std(means, ddof=1), rel=1e-6)
    assert (ours["pairing"], ours["repetitions"], ours["verdict"]) == ("folds", 4, "better")
    assert base["dice_mean"] == pytest.approx(np.mean(BASE))
    assert page.table.title.startswith(
        "polyps-64 folds: test scores, mean ± standard deviation over folds; differences estimate "
        "the gain over 4 folds; margin ±2")
    assert [row[3] for row in rows(page.table)] == ["4 folds x 2"] * 2
    assert not any("differ in" in note for note in page.notes)


def test_one_shared_seed_has_no_star_in_any_format(write_images_run, tmp_path, noise):
    for seed in range(3):
        write_images_run(BASE, method="supervised", seed=seed)
    write_images_run([score + 0.2 + noise.normal(0, 0.01) for score in BASE], seed=2)
    page = write_page(tmp_path, Question())
    (ours, _) = records(page.table)
    assert (ours["p"] < 1e-4, ours["verdict"]) == (True, "these two trainings")
    assert (ours["comparisons"], ours["p_holm"], ours["seeds_left_over"]) == (0, None, "0 1")
    assert "^{*}" not in to_latex(page.sheet)
    assert "*" not in to_markdown(page.sheet)
    assert "better" not in page.table.sentences[0]
    assert "these two trainings" in to_latex(page.sheet)


def test_patients_take_the_place_of_images_and_it_is_said(write_images_run, tmp_path, noise):
    """Three of six images are one patient's: its mean counts once."""
    for seed in range(3):
        for method, shift in (("supervised", 0.0), ("clcc", 0.1)):
            dice = [score + shift * (n < 3) + noise.normal(0, 0.001)
                    for n, score in enumerate(BASE)]
            folder = write_images_run(dice, method=method, seed=seed)
            rows = [f"image{n},{patient},{score},{score}" for n, (patient, score) in
                    enumerate(zip(["p"] * 3 + ["q", "r", "s"], dice, strict=True))]
            (folder.path / "test_images.csv").write_text(
                "\n".join(["stem,group,dice,own_dice", *rows]) + "\n")
    page = write_page(tmp_path, Question())
    (ours, _) = records(page.table)
    assert ours["difference"] == pytest.approx(0.1 / 4, abs=0.002)
    assert (ours["difference_images"], ours["image_groups"]) == (4, 4)
    assert any("come from 4 groups" in sentence for sentence in page.table.sentences)


def test_the_statistics_behind_a_verdict_are_a_table(write_images_run, tmp_path, noise):
    for seed in range(3):
        shared = noise.normal(0, 0.05)
        for method in ("supervised", "clcc"):
            write_images_run([score + shared + noise.normal(0, 0.005) for score in BASE],
                             method=method, seed=seed)
    page = write_page(tmp_path, Question())
    ours = by_title(build_statistics(page.evidence))
    assert list(ours)[:4] == ["group", "seeds", "images", "mean Dice %"]
    (record, _) = csv.DictReader(io.StringIO(to_csv(page.sheet)))
    assert ours["paired by"] == "3 seeds"
    assert float(ours["seeds' correlation"]) == pytest.approx(
        float(record["seed_correlation"]), abs=0.005)
    assert float(record["seed_correlation"]) > 0.9
    assert float(ours["smallest gain"]) == pytest.approx(
        100 * float(record["smallest_gain"]), abs=0.005)
    assert float(ours["with 5 seeds"]) == pytest.approx(
        100 * float(record["smallest_gain_5_seeds"]), abs=0.005)
