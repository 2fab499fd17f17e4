"""The report on a search, from the file that it leaves behind."""

import json

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.report.pages.search import read_search, write_search_page
from cclcc_cli.report.render.latex import to_latex
from cclcc_cli.report.render.markdown import to_markdown
from cclcc_cli.report.render.records import to_csv, to_json
from cclcc_cli.report.render.text import titles
from tests.report.shown import ranks, rows, rules


def trial(number, value=None, state="complete", grid="4", **more):
    return {"number": number, "state": state, "value": value,
            "words": {"grid": grid, "lr": "0.001"}, **more}


@pytest.fixture
def write(tmp_path):
    """Writes a search's summary; returns the file."""

    def make(*trials, name="weights", **keys):
        path = tmp_path / "searches" / name / "summary.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({
            "name": name, "objective": "dice", "counts": {"complete": 2, "pruned": 1, "failed": 1},
            "trials": list(trials), **keys}))
        return path

    return make


@pytest.fixture
def four(write):
    return write(
        trial(0, 0.50, source="the base's own setting"), trial(1, 0.9, "pruned"),
        trial(2, state="failed", reason="the loss is not finite"), trial(3, 0.52, grid="8"),
        importances={"lr": 0.25, "grid": 0.75}, notes=["a first guess"],
        spent={"steps": 1200, "seconds": 65.0}, unknown_to_us=1)


@pytest.mark.usefixtures("four")
def test_complete_trials_come_first_and_only_they_are_ranked(tmp_path):
    table = write_search_page(tmp_path, "weights").tables[0]
    assert titles(table) == ["trial", "state", "grid", "lr", "val Dice %", "proposed by"]
    assert [row[:3] + row[4:5] for row in rows(table)] == [
        ["3", "complete", "8", "52.00"], ["0", "complete", "4", "50.00"],
        ["1", "pruned", "4", "90.00"], ["2", "failed", "4", "none"]]
    assert ranks(table, "value") == [1, 2, 0, 0]
    assert rules(table) == [2, 3]


@pytest.mark.usefixtures("four")
def test_sentences_say_what_was_found_and_that_it_is_optimistic(tmp_path):
    sheet = write_search_page(tmp_path, "weights")
    assert sheet.sentences == [
        "Trials: 2 complete, 1 pruned, 1 failed; together they took 1200 optimiser steps in 1:05.",
        "The best is trial 3 (grid 8, lr 0.001) with 52.00.",
        "That is +2.00 beside trial 0, the base's own setting.",
        "The best of 2 on validation is optimistic: train its recipe with several seeds and "
        "compare it with the base on the test split."]
    assert sheet.notes == ["a first guess", "trial 2 failed: the loss is not finite"]


@pytest.mark.usefixtures("four")
def test_importances_are_a_table_and_everything_is_in_json_and_csv(tmp_path):
    sheet = write_search_page(tmp_path, "weights")
    assert rows(sheet.tables[1]) == [["grid", "75.0"], ["lr", "25.0"]]
    found = json.loads(to_json(sheet))
    assert [row["trial"] for row in found["rows"]] == [3, 0, 1, 2]
    assert found["importances"][0] == {"key": "grid", "importance": 0.75}
    assert to_csv(sheet).splitlines()[0].startswith("table,trial,state,objective,value")
    assert "| key | share % |" in to_markdown(sheet)
    assert to_latex(sheet).count(r"\begin{table}") == 2


def test_less_is_better_for_errors(write, tmp_path):
    write(trial(0, 3.5), trial(1, 2.5), objective="hd95")
    table = write_search_page(tmp_path, "weights").tables[0]
    assert [row[0] for row in rows(table)] == ["1", "0"]
    assert rows(table)[0][4] == "2.50"
    assert titles(table)[4] == "val HD95 px"


def test_a_search_without_a_complete_trial_has_no_best(write, tmp_path):
    write(trial(0, 0.4, "pruned"), counts={"pruned": 1, "waiting": 9})
    assert write_search_page(tmp_path, "weights").sentences == [
        "Trials: 1 pruned, 9 waiting.", "No trial is complete yet, so none is the best."]
    write(counts={})
    sheet = write_search_page(tmp_path, "weights")
    assert sheet.sentences[0] == "Trials: none."
    assert (to_csv(sheet), json.loads(to_json(sheet))["rows"]) == ("", [])
    assert to_latex(sheet)


@pytest.mark.usefixtures("four")
def test_an_absent_search_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(RunError, match="other: no search of this name .*there are: weights"):
        read_search(tmp_path, "other")


@pytest.mark.parametrize(("text", "message"), [
    ("", "invalid JSON"), ("[]", "summary.json: "), ('{"name": "x"}', "objective is missing"),
    ('{"name": "x", "objective": "dice", "counts": {}, "trials": [{"number": "1"}]}',
     r"trials.0.number"),
    ('{"name": "x", "objective": "dice", "counts": {}, "trials": [{"number": 1, "words": {}, '
     '"state": "complete", "value": NaN}]}', "trials.0.value"),
])
def test_a_damaged_file_is_one_line(write, tmp_path, text, message):
    write().write_text(text)
    with pytest.raises(RunError, match=message) as caught:
        read_search(tmp_path, "weights")
    assert "\n" not in str(caught.value)
