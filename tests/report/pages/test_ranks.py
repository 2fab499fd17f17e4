"""Mean ranks of whole groups, from run folders."""

import numpy as np
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.evidence.ranking import find_ranking
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.render.records import records
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.ranks import build_ranks
from tests.report.shown import rows


@pytest.fixture
def write(write_images_run, tmp_path):
    """From ``{(data, labels): {method or (method, recipe): gain}}`` to a page."""

    def build(world, metric=("working", "dice")):
        for (data, labeled), gains in world.items():
            images = np.random.default_rng(len(data)).uniform(0.2, 0.7, 12)
            for name, gain in gains.items():
                method, recipe = name if isinstance(name, tuple) else (name, "plain")
                write_images_run((images + gain).tolist(), method=method, name=recipe, data=data,
                                 labeled=labeled, columns={"hd95": (1 - images - gain).tolist()})
        return write_page(tmp_path, Question(metric=metric))

    return build


def table(page):
    return build_ranks(page.evidence, page.scores, "test")


def column(found, name):
    place = titles(found).index(name)
    return {row[0]: row[place] for row in rows(found)}


WORLD = {("polyps", 8): {"supervised": 0, "clcc": 0.2, "uamt": 0.1},
         ("polyps", 16): {"supervised": 0, "clcc": 0.2, "uamt": 0.1},
         ("skin", 8): {"supervised": 0, "clcc": 0.1, "uamt": 0.2}}


@pytest.mark.parametrize("metric", [("working", "dice"), ("working", "hd95")])
def test_mean_ranks_by_hand_best_first_whichever_way_is_better(write, metric):
    found = table(write(WORLD, metric))
    assert column(found, "mean rank") == {"clcc": "1.33", "uamt": "1.67", "supervised": "3.00"}
    assert [row[0] for row in rows(found)] == ["clcc", "uamt", "supervised"]
    assert column(found, "skin-64 8") == {"clcc": "2", "uamt": "1", "supervised": "3"}
    assert column(found, "first %") == {"clcc": "100", "uamt": "0", "supervised": "0"}
    record = records(found)[0]
    assert (record["mean_rank"], record["blocks"]) == (pytest.approx(4 / 3), 3)
    # 12 / (3 * 3 * 4) * (16 + 25 + 81) - 3 * 3 * 4 = 14 / 3, of two degrees of freedom
    assert record["friedman_chi_square"] == pytest.approx(14 / 3)
    assert record["friedman_p"] == pytest.approx(np.exp(-7 / 3))


def test_too_few_blocks_are_called_that(write):
    found = table(write(WORLD))
    assert found.sentences[0] == (
        "Friedman's test over 3 blocks: chi-square 4.67 with 2 degrees of freedom, p 0.097, an "
        "approximation with fewer than 10.")
    # 2.344 * sqrt(3 * 4 / (6 * 3)) = 1.91, below the largest possible difference of 2
    assert found.sentences[1].startswith("Mean ranks of 3 methods must differ by 1.91")
    assert found.sentences[1].endswith("(Nemenyi): no two of them do.")
    assert "share its test images (polyps-64)" in found.sentences[2]


def test_one_block_cannot_tell_ranks_apart_and_names_the_number_that_could(write):
    found = table(write({("polyps", 8): WORLD["polyps", 8]}))
    assert found.sentences[1].endswith(
        "and they cannot differ by more than 2: 1 block is too few for ranks to mean anything; "
        "from 3 on they could.")
    assert not any("share its test images" in sentence for sentence in found.sentences)


def test_methods_that_differ_critically_are_named(write):
    found = table(write({(f"set{'x' * n}", 8): {"supervised": 0, "clcc": 0.1} for n in range(5)}))
    assert found.sentences[1].endswith("(Nemenyi): clcc and supervised do.")


def test_what_was_not_run_everywhere_is_left_out_by_name(write):
    world = {**WORLD, ("skin", 8): {"supervised": 0, "clcc": 0.1},
             ("skin", 80): {"supervised": 0.3}}  # all labels: nothing to rank
    found = table(write(world))
    assert [row[0] for row in rows(found)] == ["clcc", "supervised"]
    assert "skin-64 80" not in titles(found)
    assert found.sentences[-1].endswith("told apart on one: uamt.")


def test_a_method_twice_in_a_block_goes_by_its_recipe(write):
    two = {"supervised": 0, ("clcc", "joint"): 0.1, ("clcc", "corrected"): 0.2}
    found = table(write({("polyps", 8): two, ("skin", 8): two}))
    assert column(found, "mean rank") == {
        "clcc corrected": "1.00", "clcc joint": "2.00", "supervised": "3.00"}


def test_nothing_in_common_is_refused_with_what_there_is(write):
    page = write({("polyps", 8): {"supervised": 0, "clcc": 0.1},
                  ("skin", 8): {"uamt": 0, "ict": 0.1}})
    assert find_ranking(page.evidence, page.scores) is None
    with pytest.raises(RunError, match=r"no two methods .* there are polyps-64 with 8 labels "
                       r"\(clcc, supervised\), skin-64 with 8 labels \(ict, uamt\)"):
        table(page)
