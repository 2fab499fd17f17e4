"""Files of quoted figures: what they may hold, and what is said of the others."""

from pathlib import Path

import pytest

from cclcc_cli.config.quoted import QuotedScore, load_quoted
from cclcc_cli.errors import RecipeError

GOOD = """
source: A et al. 2024, Table 2
data: polyps
train_images: 800
note: their own split
results:
  - {name: theirs, labels: 80, scores: {dice: 76.02, iou: {mean: 66.4, std: 1.5}}}
  - {name: theirs, labels: 0.2, scores: {hd95: 12.5}}
"""


@pytest.fixture
def load(tmp_path):
    def read(text):
        path = tmp_path / "quoted.yaml"
        path.write_text(text)
        return load_quoted(path)

    return read


def test_numbers_with_or_without_a_deviation(load):
    first, second = load(GOOD).results
    assert first.scores == {"dice": QuotedScore(mean=76.02),
                            "iou": QuotedScore(mean=66.4, std=1.5)}
    assert (second.labels, second.scores["hd95"].mean) == (0.2, 12.5)


@pytest.mark.parametrize(("old", "new", "message"), [
    ("76.02", "0.76", "scores.dice = 0.76: give it in %, such as 76.02"),
    ("76.02", "760.2", "give it in %"),
    ("dice:", "dise:", "scores.dise"),
    ("{hd95: 12.5}", "{}", "gives none; a row without a number says nothing"),
    ("labels: 80", "labels: many", "labels"),
    ("source: A et al. 2024, Table 2", "", "source"),
    ("76.02", ".nan", "scores.dice"),
    ("76.02", "'76.02'", "scores.dice"),
    ("note:", "noted:", "noted: unknown key"),
    ("results:", "results: []\nother:", "results"),
])
def test_what_cannot_be_used_is_named(load, old, new, message):
    with pytest.raises(RecipeError, match=r"quoted\.yaml: .*" + message):
        load(GOOD.replace(old, new, 1))


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(RecipeError, match="no such file of quoted figures"):
        load_quoted(tmp_path / "absent.yaml")


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("recipes/quoted/*.yaml")),
                         ids=lambda path: path.stem)
def test_those_that_come_along_are_sound_and_say_where_from(path):
    assert "Table" in load_quoted(path).source
