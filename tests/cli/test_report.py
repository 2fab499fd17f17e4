"""``cclcc report``: what it prints, and where, on real run folders."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cclcc_cli.cli.app import app
from cclcc_cli.cli.report_output import page_command
from cclcc_cli.cli.report_spelling import as_commands
from cclcc_cli.config import parse_recipe
from cclcc_cli.errors import RunError
from cclcc_cli.report.pages.comparison import Question
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.plan_record import PlanRecord, write_record
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.training.runtime import Runtime


def invoke(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def train(method, seed, data, root):
    """Two steps on four labels."""
    recipe = parse_recipe({
        "name": "tiny", "method": method, "seed": seed,
        "data": {"name": "synthetic", "size": 32, "labeled": 4},
        "model": {"widths": [4, 8, 8, 8, 8]}, "budget": {"steps": 2},
        "validation": {"every": 2}, "optimizer": {"lr": 0.003}, "batch": {"labeled": 2},
    }, "test")
    return train_run(
        recipe, data_root=data, runs_root=root, runtime=Runtime("cpu", "fp32"),
        display=TextDisplay(lambda _line: None),
    )


@pytest.fixture(scope="module")
def root(tiny_data, tmp_path_factory):
    """Two seeds of one group, really trained for two steps, and a run that was stopped."""
    root = tmp_path_factory.mktemp("report") / "runs"
    for seed in (0, 1):
        done = train("supervised", seed, tiny_data, root)
    shutil.copytree(done.folder.path, done.folder.path.with_name("stopped"))
    RunFolder(done.folder.path.with_name("stopped")).update_status(state="stopped")
    return root


@pytest.fixture(scope="module")
def dice(root):
    """The mean test Dice of both seeds, read from their results."""
    results = [json.loads(path.read_text()) for path in root.glob("*/*seed*/result.json")]
    first, second = (result["test"]["working"]["dice"] for result in results)
    return (first + second) / 2


def test_the_table_goes_to_stdout_and_the_notes_to_stderr(root, dice):
    result = invoke("--runs", root)

    assert result.exit_code == 0
    assert result.stdout.startswith(
        "synthetic-32: test scores, mean ± standard deviation over seeds\n"
    )
    (row,) = [line for line in result.stdout.splitlines() if "supervised" in line]
    runs = [run.strip() for run in row.strip("│").split("│")]
    assert runs[:5] == ["supervised", "tiny", "4 (16.7 %)", "2", "2"]
    assert runs[5].startswith(f"{100 * dice:.2f} ± ")
    checkpoint, left_out = result.stderr.splitlines()
    assert checkpoint.startswith("note: synthetic-32: scores are of the checkpoint that was best")
    assert left_out == f"note: left out, 1 stopped: {root / 'synthetic-32' / 'stopped'}"


def test_markdown_holds_its_notes(root):
    result = invoke("--runs", root, "--format", "markdown", "--split", "val")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("synthetic-32: val scores")
    assert lines[2].startswith("| method | recipe | labels | seeds | steps | Dice % |")
    assert lines[-1] == f"- left out, 1 stopped: {root / 'synthetic-32' / 'stopped'}"
    assert result.stderr == ""


def test_csv_is_nothing_but_csv(root, dice):
    result = invoke("--runs", root, "--format", "csv", "--all-metrics")
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert float(row["dice_mean"]) == pytest.approx(dice, rel=1e-12)
    assert (row["split"], row["seeds"], row["assd_n"]) == ("test", "2", "2")
    assert "left out" in result.stderr


def test_json_holds_rows_and_notes(root, dice):
    result = invoke("--runs", root, "--format", "json")
    found = json.loads(result.stdout)
    assert found["rows"][0]["dice_mean"] == pytest.approx(dice, rel=1e-12)
    assert "hd95_mean" not in found["rows"][0]
    assert len(found["notes"]) == 2
    assert result.stderr == ""


@pytest.mark.parametrize("words", [["--costs"], ["table", "--costs", "--metric", "iou"]])
def test_costs_that_were_asked_of_the_main_table_are_their_own(root, words):
    old = invoke(*words, "--runs", root, "--format", "json")
    assert "this is now 'cclcc report costs " in old.stderr
    (row,) = json.loads(old.stdout)["rows"]
    assert (row["learning_images"], row["forward_images"]) == (2.0, 0.0)
    assert row["predictor_parameters"] == row["training_parameters"] > 1000
    assert row["images_per_second"] > 0
    shown = invoke("costs", "--runs", root, "--format", "markdown").stdout.splitlines()[2]
    assert shown.endswith("| images learnt from | forward only | images/s | peak GiB |")


def test_the_table_of_costs_shows_what_really_ran(root):
    (row,) = json.loads(invoke("costs", "--runs", root, "--format", "json").stdout)["rows"]
    assert (row["images"], row["steps_max"], row["seeds"]) == (4, 2, 2)
    assert 0 < row["step_seconds"] < row["wall_seconds"] < row["wall_seconds_all_seeds"]
    refused = invoke("costs", "--runs", root, "--all-metrics")
    assert (refused.exit_code, "No such option: --all-metrics" in refused.stderr) == (2, True)


@pytest.fixture(scope="module")
def rivals(root, tiny_data, tmp_path_factory):
    """The runs of ``root`` beside one seed of another method."""
    rivals = tmp_path_factory.mktemp("rivals") / "runs"
    shutil.copytree(root, rivals, ignore=shutil.ignore_patterns("stopped"))
    train("mean_teacher", 0, tiny_data, rivals)
    return rivals


def test_rows_are_compared_with_the_supervised_one_image_by_image(rivals):
    found = json.loads(invoke("--runs", rivals, "--format", "json").stdout)
    ours, base = found["rows"]
    images = {
        method: [
            float(row["dice"]) for path in rivals.glob(f"*/{method}-*seed0*/test_images.csv")
            for row in csv.DictReader(io.StringIO(path.read_text()))
        ] for method in ("mean_teacher", "supervised")
    }
    by_hand = [a - b for a, b in zip(images["mean_teacher"], images["supervised"], strict=True)]
    assert ours["difference"] == pytest.approx(sum(by_hand) / 3, abs=1e-12)  # of the common seed
    assert (ours["difference_images"], ours["comparisons"], ours["repetitions"]) == (3, 0, 1)
    assert (ours["verdict"], ours["seeds_left_over"]) == ("these two trainings", "1")
    assert (ours["baseline"], base["baseline"]) == (base["group"], None)
    assert (ours["p_holm"], ours["smallest_gain"]) == (None, None)
    assert any("about these two trainings" in sentence for sentence in found["summary"])


def test_the_margin_is_taken_in_points_shown_and_kept_in_the_pages_command(rivals, tmp_path):
    found = json.loads(invoke("--runs", rivals, "--format", "json", "--margin", "0.5").stdout)
    assert found["rows"][0]["margin"] == 0.005
    assert any("the margin of ±0.5 points" in sentence for sentence in found["summary"])
    assert any("the margin of ±2 points" in sentence for sentence in
               json.loads(invoke("--runs", rivals, "--format", "json").stdout)["summary"])
    page = tmp_path / "page.html"
    invoke("page", page, "--runs", rivals, "--margin", "0.5")
    assert f"cclcc report page {page} --runs {rivals} --split test --margin 0.5<" in (
        page.read_text())
    assert invoke("--runs", rivals, "--margin", "-1").exit_code == 2


def test_the_title_names_the_estimand_where_something_is_compared(rivals, root):
    assert "; differences estimate the gain with this labelled set; margin ±2 points\n" in invoke(
        "--runs", rivals, "--format", "markdown").stdout
    assert "differences estimate" not in invoke("--runs", root, "--format", "markdown").stdout


def test_verdicts_stand_in_the_table_and_sentences_below_it(rivals):
    result = invoke("--runs", rivals)
    (row,) = [line for line in result.stdout.splitlines() if "mean_teacher" in line and "│" in line]
    assert row.strip("│ ").endswith("these two trainings")
    assert "synthetic-32, 4 labels, against supervised tiny 4: " in result.stdout
    assert [line.split(":")[2][:30] for line in result.stderr.splitlines()] == [
        " compared rows have different ", " scores are of the checkpoint "]


def test_another_baseline_is_taken_by_name_or_refused(rivals):
    named = invoke("--runs", rivals, "--baseline", "mean_teacher", "--format", "json")
    ours, base = json.loads(named.stdout)["rows"]
    assert (ours["baseline"], base["baseline"]) == (None, ours["group"])
    refused = invoke("--runs", rivals, "--baseline", "uamt")
    assert str(refused.exception) == (
        "--baseline uamt: no row has this name; there are: mean_teacher, tiny, supervised")


def test_unlike_scores_are_refused_or_shown_across(rivals, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(rivals, runs)
    (folder,) = runs.glob("*/mean_teacher-*")
    result = json.loads((folder / "result.json").read_text())
    result["rules"]["threshold"] = "mask = logits > 0.5"
    (folder / "result.json").write_text(json.dumps(result))

    refused = invoke("--runs", runs)

    assert isinstance(refused.exception, RunError)
    assert refused.stdout == ""
    assert "compared rows differ in evaluation rule 'threshold'" in str(refused.exception)
    across = invoke("--runs", runs, "--across")
    assert across.exit_code == 0
    assert ", ACROSS runs whose conditions differ\n" in across.stdout
    assert "note: synthetic-32: compared rows differ in evaluation rule" in across.stderr


def test_latex_is_a_table_with_sentences_and_notes_as_comments(rivals):
    result = invoke("--runs", rivals, "--format", "latex")
    lines = result.stdout.splitlines()
    assert r"\toprule" in lines
    parts = result.stdout.count(r"\begin{tabular}")
    assert sum(line.endswith(r"\\") for line in lines) == 3 * parts
    assert any(line.startswith("% synthetic-32, 4 labels, against supervised") for line in lines)
    assert result.stderr == ""


def test_the_grid_shows_methods_by_labels(rivals):
    result = invoke("grid", "--runs", rivals, "--format", "markdown")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("synthetic-32: test Dice %, mean")
    assert lines[2] == "| method | recipe | 4 (16.7 %) |"
    assert [line.split(" | ")[0] for line in lines[4:6]] == ["| mean_teacher", "| supervised"]


@pytest.mark.parametrize(("arguments", "reason"), [
    (["--format", "json"], "'json' is not one of 'table', 'markdown', 'latex'"),
    (["--costs"], "No such option: --costs"), (["--all-metrics"], "No such option: --all-metrics"),
])
def test_a_grid_of_more_than_dice_is_refused(root, arguments, reason):
    result = invoke("grid", "--runs", root, *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_grid_in_a_file_of_numbers_is_refused(root, tmp_path):
    error = invoke("grid", "--runs", root, "--out", tmp_path / "grid.csv").exception
    assert str(error).endswith("is a table, markdown or latex; 'cclcc report table' writes csv")


def test_quoted_figures_change_nothing_but_the_rows_below(rivals, tmp_path):
    file = tmp_path / "quoted.yaml"
    file.write_text("source: A 2024, Table 1\ndata: synthetic\nresults:\n"
                    "  - {name: theirs, labels: 4, scores: {dice: 99.0}}\n")
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(file.read_text().replace("synthetic", "polyps"))
    plain = json.loads(invoke("--runs", rivals, "--format", "json").stdout)
    found = json.loads(invoke("--runs", rivals, "--format", "json", "--quoted", file,
                              "--quoted", elsewhere).stdout)
    assert found["rows"] == plain["rows"]
    assert [row["method"] for row in found["quoted"]] == ["theirs"]
    assert found["summary"][-1].startswith("‡ quoted, not run here: A 2024, Table 1;")
    assert found["notes"][-1] == (
        "quoted figures on polyps (A 2024, Table 1) are left out: no run is on it")
    rows = list(csv.DictReader(io.StringIO(
        invoke("--runs", rivals, "--format", "csv", "--quoted", file).stdout)))
    assert (rows[-1]["method"], rows[-1]["source"]) == ("theirs", "A 2024, Table 1")
    assert rows[0]["quoted"] == ""
    latex = invoke("--runs", rivals, "--format", "latex", "--quoted", file).stdout
    assert r"theirs$^{\ddagger}$ & quoted & 4" in latex
    assert r"$^{\ddagger}$ quoted, not run here" in latex


@pytest.fixture
def ablated(rivals, tmp_path):
    """The same runs as runs of an ablation, one of which was never trained."""
    root = tmp_path / "runs"
    shutil.copytree(rivals, root)
    points = [{"place": f"{method} seed={seed}", "variant": method, "values": {"seed": seed}}
              for method in ("supervised", "mean_teacher") for seed in (0, 1)]
    folders = {place: next(root.glob(f"*/{place.replace(' ', '-4labels-').replace('=', '')}-*"),
                           root / "synthetic-32" / "absent")
               for place in (point["place"] for point in points)}
    write_record(root, "teachers", PlanRecord(), 1, folders.items(), {
        "design": "full", "baseline": {"variant": "supervised", "seed": 0},
        "variants": {"supervised": {}, "mean_teacher": {"method": "mean_teacher"}},
        "axes": {"seed": [0, 1]}, "points": points})
    return root


def test_an_ablation_shows_the_effect_of_its_parts(ablated):
    result = invoke("ablation", "teachers", "--runs", ablated)
    assert result.stdout.startswith(
        "teachers (full) on synthetic-32: effects on test Dice in points; differences estimate the "
        "gain with this labelled set; margin ±2 points\n")
    rows = [[run.strip() for run in line.strip("│").split("│")]
            for line in result.stdout.splitlines() if line.startswith("│")]
    assert [row[:4] for row in rows] == [
        ["supervised", "", "2", "2"],
        ["mean_teacher", "method supervised → mean_teacher", "1", "2"]]
    assert "mean_teacher against supervised: " in result.stdout
    assert "about these two trainings and not about the methods" in result.stdout
    assert f"left out, 1 never begun or removed: {ablated / 'synthetic-32' / 'absent'}" in (
        result.stderr)


def test_an_ablation_in_every_format(ablated):
    found = json.loads(invoke("ablation", "--runs", ablated, "--format", "json").stdout)
    assert [row["value"] for row in found["rows"]] == ["supervised", "mean_teacher"]
    assert [text.split(": ")[0] for text in found["summary"]] == [
        "mean_teacher against supervised", "mean_teacher against supervised", "Better or worse",
        "These two trainings"]
    rows = list(csv.DictReader(io.StringIO(
        invoke("ablation", "teachers", "--runs", ablated, "--format", "csv").stdout)))
    assert float(rows[1]["difference"]) == found["rows"][1]["difference"]
    markdown = invoke("ablation", "teachers", "--runs", ablated, "--format", "markdown").stdout
    assert "| variant | differs in | seeds |" in markdown
    latex = invoke("ablation", "teachers", "--runs", ablated, "--format", "latex").stdout
    assert r"\raggedright method supervised $\rightarrow$ mean\_teacher & 1" in latex


def test_an_ablations_runs_alone_can_be_rows(ablated, tiny_data):
    train("cps", 0, tiny_data, ablated)
    rows = json.loads(invoke("table", "--runs", ablated, "--ablation", "teachers",
                             "--format", "json").stdout)["rows"]
    assert {row["method"] for row in rows} == {"supervised", "mean_teacher"}


def test_an_ablation_that_cannot_be_shown_is_refused(ablated):
    with pytest.raises(RunError, match="of this name has run .*did you mean teachers?"):
        raise invoke("ablation", "other", "--runs", ablated).exception
    for option in ("--baseline", "--costs", "--figures"):
        refused = invoke("ablation", "teachers", "--runs", ablated, option, "x")
        assert (refused.exit_code, f"No such option: {option}" in refused.stderr) == (2, True)


def test_a_run_without_its_images_is_left_out(rivals, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(rivals, runs)
    (table,) = runs.glob("*/mean_teacher-*/test_images.csv")
    table.unlink()
    result = invoke("--runs", runs)
    assert result.exit_code == 0
    assert f"note: left out: {table}: is missing" in result.stderr
    assert "mean_teacher" not in result.stdout


def test_figures_of_real_runs_are_files_with_captions(rivals, tiny_data, tmp_path):
    """From masks that training kept to pictures of the cases."""
    folder = tmp_path / "figures"
    result = invoke("--runs", rivals, "--data", tiny_data, "--figures", folder)
    assert result.exit_code == 0
    names = {"cases", "effects", "learning-curves", "losses", "paired-differences",
             "paired-scatter"}
    assert {path.name for path in folder.iterdir()} == {
        "captions.md", *(f"{name}{suffix}" for name in names for suffix in (".png", ".pdf"))}
    assert f"drawn: 6 figures in {folder}" in result.stderr
    assert "note: no label-efficiency curve: synthetic-32 has no method" in result.stderr
    captions = (folder / "captions.md").read_text()
    assert "prediction (seed 0)" in captions
    assert "# Not drawn" in captions
    assert result.stdout == invoke("--runs", rivals).stdout


def test_without_the_data_the_cases_are_missing_and_it_is_said(rivals, tmp_path):
    result = invoke("--runs", rivals, "--data", tmp_path / "none", "--figures", tmp_path / "f")
    assert result.exit_code == 0
    assert not (tmp_path / "f" / "cases.png").exists()
    assert "4 labels: no cases: no store for synthetic at 32 pixels under" in result.stderr


def test_a_file_in_place_of_the_figures_folder_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_text("")
    result = invoke("--runs", tmp_path / "none", "--figures", tmp_path / "file")
    assert result.exit_code == 2
    assert "--figures" in result.stderr
    assert f"'{tmp_path / 'file'}' is a file" in result.stderr


@pytest.mark.parametrize(("format", "name"), [
    ("table", "report.txt"), ("markdown", "report.md"), ("csv", "report.csv"),
    ("json", "report.json"), ("latex", "report.tex"),
])
def test_out_gets_what_stdout_would(root, tmp_path, format, name):
    out = tmp_path / name
    shown = invoke("--runs", root, "--format", format)

    result = invoke("--runs", root, "--format", format, "--out", out)

    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == f"written: {out}"
    assert out.read_text(encoding="utf-8") == shown.stdout
    assert list(tmp_path.iterdir()) == [out]


def test_out_whose_name_promises_another_format_is_refused(root, tmp_path):
    result = invoke("--runs", root, "--format", "table", "--out", tmp_path / "report.csv")
    assert isinstance(result.exception, RunError)
    assert str(result.exception).endswith("report.csv: would hold a table; add --format csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "start"), [
    ("report.csv", "data,method,"), ("report.txt", "synthetic"), ("report.md", "synthetic"),
])
def test_the_name_of_out_chooses_the_format(root, tmp_path, name, start):
    assert invoke("--runs", root, "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_out_that_cannot_be_written_is_refused(root, tmp_path):
    result = invoke("--runs", root, "--out", tmp_path / "nowhere" / "report.txt")
    assert isinstance(result.exception, RunError)
    assert "report.txt: cannot be written (No such file or directory)" in str(result.exception)


def test_nothing_to_report_writes_nothing(tmp_path):
    out = tmp_path / "report.txt"
    result = invoke("--runs", tmp_path, "--out", out)
    assert isinstance(result.exception, RunError)
    assert "no run in it" in str(result.exception)
    assert not out.exists()


def test_a_report_loads_nothing_heavy(root):
    code = (
        "import sys\n"
        "from cclcc_cli.cli.app import main\n"
        f"sys.argv = ['cclcc', 'report', '--runs', {str(root)!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    *table, modules = done.stdout.splitlines()
    assert any("supervised" in line for line in table)
    loaded = set(modules.split())
    assert "rich" in loaded  # the list is that of the process that drew the table
    assert not loaded & {"torch", "mlflow", "pandas", "albumentations", "matplotlib", "optuna",
                         "cv2"}


def test_another_score_is_judged_in_rows_grid_and_numbers(rivals):
    found = json.loads(invoke("--runs", rivals, "--metric", "hd95_original",
                              "--format", "json").stdout)
    for row in found["rows"]:
        assert row["metric"] == "hd95_original"
        assert row["hd95_original_low"] <= row["hd95_original_mean"] <= row["hd95_original_high"]
        assert 0 <= row["failures"] <= 1
    assert "by HD95 (original size) against supervised" in found["summary"][0]
    lines = invoke("grid", "--metric", "nsd", "--runs", rivals,
                   "--format", "markdown").stdout.splitlines()
    assert lines[0].startswith("synthetic-32: test NSD@1% %, mean")
    shown = invoke("--runs", rivals, "--metric", "nsd", "--format", "markdown").stdout
    assert "| NSD@1% % | Dice % | IoU % | Dice % (original size) |" in shown


def test_spread_shows_strata_by_lesion_size(rivals):
    found = json.loads(invoke("spread", "--runs", rivals, "--format", "json").stdout)
    assert {row["stratum"] for row in found["strata"]} == {"small", "medium", "large"}
    assert sum(row["images"] for row in found["strata"] if row["method"] == "supervised") == 3
    assert found["rows"][0]["dice_q1"] <= found["rows"][0]["dice_median"]


def test_ranks_of_one_block_are_shown_and_called_too_few(rivals):
    text = invoke("ranks", "--runs", rivals, "--format", "markdown").stdout
    assert "1 block is too few for ranks to mean anything" in text


@pytest.mark.parametrize(("arguments", "reason"), [
    (["--metric", "jaccard"], "--metric jaccard: unknown score; there are: dice, iou, "),
    (["--metric", "nsd", "--margin", "101"], "--margin 101: NSD@1% cannot differ by more than "),
])
def test_a_score_or_margin_that_cannot_be_is_refused(root, arguments, reason):
    error = invoke("--runs", root, *arguments).exception
    assert isinstance(error, RunError)
    assert str(error).startswith(reason)


def test_the_command_that_makes_a_page_again_names_the_judged_score():
    def command(**asked):
        return page_command(Path("runs"), (), None, Question(**asked), [], Path("r.html"))

    assert command() == "cclcc report page r.html --runs runs --split test"
    assert command(metric=("own", "nsd")).endswith("--split test --metric nsd_original")


def test_the_page_is_a_file_or_goes_to_stdout(root, tmp_path):
    assert invoke("page", tmp_path / "report.html", "--runs", root).exit_code == 0
    written = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert invoke("page", "-", "--runs", root).stdout.startswith("<!doctype html>")


def test_a_table_in_a_page_is_refused_with_the_command_that_writes_pages(tmp_path):
    error = invoke("table", "--runs", tmp_path, "--out", "r.html").exception
    assert str(error) == ("--out r.html: this command writes no page; 'cclcc report page r.html' "
                          "does")


OLD = {
    "--layout grid --format latex": "grid --format latex",
    "--layout=spread --runs x --data d": "spread --runs x",
    "--layout ranks --metric iou": "ranks --metric iou",
    "--runs x --layout costs --across": "costs --runs x",
    "--layout rows --ablation a": "table --ablation a",
    "--layout costs --ablation a": "costs --ablation a",
    "--layout ablation": "ablation",
    "--runs x --costs --metric iou --figures f": "costs --runs x",
    "--runs x --ablation a --margin 1": "ablation a --runs x --margin 1",
    "--bundle b --search s --out t.md": "search s --bundle b --out t.md",
    "--out r.html --figures f": "page r.html --figures f",
    "--out r.html --layout rows": "page r.html",
    "--ablation a --format html --out r.txt --costs": "page r.txt --ablation a",
    "--format html": "page -",
}


@pytest.mark.parametrize("old", OLD)
def test_the_old_spelling_is_read(old):
    assert as_commands(old.split()) == (OLD[old].split(), True)


@pytest.mark.parametrize("new", ["", "--figures f --data d", "--margin -1",
                                 "--out t.csv", "--layout nonsense", "--across"])
def test_what_the_main_table_takes_needs_no_note(new):
    assert as_commands(new.split()) == (["table", *new.split()], False)


def test_the_old_spelling_gives_what_the_new_one_gives(ablated):
    for old, new in (
        (["--layout", "costs", "--format", "csv"], ["costs", "--format", "csv"]),
        (["--ablation", "teachers"], ["ablation", "teachers"]),
        (["--layout", "grid", "--metric", "iou"], ["grid", "--metric", "iou"]),
        ([], ["table"]),
    ):
        first, second = (invoke(*words, "--runs", ablated) for words in (old, new))
        assert (first.exit_code, second.exit_code) == (0, 0)
        assert first.stdout == second.stdout
        now = " ".join(["cclcc report", *new, "--runs", str(ablated)])
        notes = [f"note: this is now '{now}'; the old spelling will be removed in the next version"]
        assert not old or notes[0] in first.stderr
        assert [line for line in first.stderr.splitlines() if line not in notes] == (
            second.stderr.splitlines())
