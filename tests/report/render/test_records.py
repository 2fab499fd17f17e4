"""Tables for scripts and in Markdown."""

import csv
import io
import json
from dataclasses import replace

import pytest

from cclcc_cli.metrics.scores import ALL_METRICS
from cclcc_cli.report.gather.groups import ScoreSummary, group_runs
from cclcc_cli.report.render.markdown import to_markdown
from cclcc_cli.report.render.records import records, to_csv, to_json
from cclcc_cli.report.render.text import text_rows, titles
from cclcc_cli.report.tables.table import Column, Row, Share, Sheet, Table
from tests.report.made import DICE, run, table


def test_csv_gives_back_every_number_unrounded():
    groups = group_runs([run(0.1), run(0.2, seed=1), run(1 / 3, group="b", method="supervised")])
    made = table(*(run for group in groups for run in group.runs), metrics=ALL_METRICS)

    first, second = csv.DictReader(io.StringIO(to_csv(Sheet([made], []))))

    assert (first["data"], first["method"], first["group"]) == ("polyps-64", "clcc", "a" * 64)
    assert (first["labeled"], first["train_images"], first["seeds"]) == ("80", "800", "2")
    assert float(first["dice_mean"]) == groups[0].summary("test", DICE).mean
    assert float(first["dice_std"]) == pytest.approx(0.1 / 2**0.5, rel=1e-15)
    assert (float(second["dice_mean"]), second["dice_std"], second["dice_n"]) == (1 / 3, "", "1")
    assert float(second["dice_original_mean"]) == 1 / 3 - 0.1
    assert set(first) == set(records(made)[0])


def test_markdown_gives_back_the_table_and_lists_the_notes():
    made = table(run(), run(group="b", method="supervised", steps=9))
    sheet = Sheet([replace(made, sentences=["one thing"])], ["another"])

    title, _, head, rule, *body = to_markdown(sheet).splitlines()

    def cells(line):
        return [cell.strip() for cell in line.strip("|").split("|")]

    assert title == "scores"
    assert cells(head) == titles(made)
    assert set(cells(rule)) == {"---"}
    assert [cells(line) for line in body[:2]] == text_rows(made)
    assert body[2:] == ["", "- one thing", "- another"]
    assert to_markdown(Sheet([made], [])).endswith("|\n")


def test_every_part_of_a_value_has_a_name_of_its_own():
    columns = [Column("dice", "Dice %", "%", fields=("dice_mean", "dice_std", "dice_n")),
               Column("labels", fields=("labeled", "train_images")), Column("page", fields=()),
               Column("bounds", fields=("low", "high"))]
    made = Table("rows", "x", columns, [
        Row({"dice": ScoreSummary(0.5, None, 1), "labels": Share(8, 80), "page": "seen",
             "bounds": None}),
        Row({"dice": None}, stored=False)],
        quoted=[Row({"labels": Share(0.1, None)})])
    assert records(made) == [{"dice_mean": 0.5, "dice_std": None, "dice_n": 1, "labeled": 8,
                              "train_images": 80, "low": None, "high": None}]
    found = json.loads(to_json(Sheet([made], ["a note"])))
    assert found["quoted"] == [{"labeled": 0.1, "train_images": None}]
    assert (found["summary"], found["notes"]) == ([], ["a note"])
