"""``cclcc bundle`` and ``unbundle`` as a user types them, and what reads bundles."""

import csv
import io
import json
import shutil
import signal

import pytest

from cclcc_cli.runs.folder import RunFolder
from tests.waiting import wait_until


@pytest.fixture
def train(cclcc, recipe_file, tiny_data):
    def run(method, seed, runs="runs"):
        done = cclcc("train", recipe_file(method), "--seed", seed, "--data", tiny_data, "--runs",
                     runs, "--device", "cpu", "--precision", "fp32", "--threads", 1, "--no-mlflow",
                     "--quiet", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["folder"]

    return run


@pytest.fixture
def arguments(tiny_data):
    return lambda command, path, *more, runs="runs": (
        command, path, "--data", tiny_data, "--runs", runs, "--device", "cpu",
        "--precision", "fp32", "--no-mlflow", *more)


@pytest.fixture
def ablation_file(tmp_path, tiny_recipe):
    path = tmp_path / "parts.yaml"
    path.write_text(json.dumps({
        "name": "parts", "threads": 1,
        "base": tiny_recipe(budget={"steps": 60}, validation={"every": 10}),
        "variants": {"clcc": {}, "plain": {"method": "supervised"}}, "axes": {"seed": [0, 1]}}))
    return path


def ok(done):
    assert done.returncode == 0, done.stderr
    return done


def refused(done):
    """The one line of a refusal."""
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line.removeprefix("error: ")


def records(root):
    return {path: path.read_bytes() for path in root.glob("*/*/*.*")
            if path.suffix in (".json", ".csv", ".jsonl", ".yaml")}


@pytest.mark.more
def test_half_an_ablation_goes_on_elsewhere(cclcc, start, arguments, ablation_file, tmp_path):
    begun = start("ablate", ablation_file, "--no-report")
    wait_until(lambda: list((tmp_path / "runs").glob("*/*/result.json")))
    begun.send_signal(signal.SIGINT)
    assert begun.communicate(timeout=100)
    assert begun.returncode == 130
    made = ok(cclcc("bundle", "--ablation", "parts", "--out", "half.tar.xz", "--json"))
    held = json.loads(made.stdout)
    assert 1 <= len(held["runs"]) < 4
    assert held["ablations"] == ["parts"]

    unpacked = ok(cclcc("unbundle", "half.tar.xz", "--runs", "new"))
    assert unpacked.stdout == (f"new: {len(held['runs']) + 1} folders written, 0 there already and "
                               "the same\n")
    before = records(tmp_path / "new")
    there = ok(cclcc(*arguments("ablate", ablation_file, "--json", "--no-report", runs="new")))
    counts = json.loads(there.stdout)
    assert (counts["before"], counts["trained"]) == (len(held["runs"]), 4 - len(held["runs"]))
    after = records(tmp_path / "new")
    assert {path: after[path] for path in before} == before
    ok(cclcc(*arguments("ablate", ablation_file, "--no-report")))

    ok(cclcc("bundle", "--runs", "new", "--out", "whole.tar.xz"))
    for options in (["ablation", "parts"], ["table", "--ablation", "parts"],
                    ["--all-metrics", "--format", "csv"]):
        told = {ok(cclcc("report", *options, *place)).stdout for place in
                (["--runs", "runs"], ["--runs", "new"], ["--bundle", "whole.tar.xz"])}
        assert len(told) == 1
        assert "clcc" in told.pop()
    ok(cclcc("report", "page", "p.html", "--bundle", "whole.tar.xz", "--ablation", "parts"))
    text = (tmp_path / "p.html").read_text()
    assert "effects on test Dice" in text
    assert "cclcc report page p.html --bundle whole.tar.xz --ablation parts" in text


@pytest.mark.slow
def test_a_search_goes_on_elsewhere(cclcc, arguments, tmp_path, tiny_recipe):
    def search(trials, runs):
        path = tmp_path / "small.yaml"
        path.write_text(json.dumps({
            "name": "small", "threads": 1, "trials": trials, "base": tiny_recipe("supervised"),
            "space": {"optimizer.lr": {"kind": "log", "low": 1e-4, "high": 1e-2}}}))
        return ok(cclcc(*arguments("search", path, "--json", "--quiet", runs=runs))).stdout

    search(2, "runs")
    made = ok(cclcc("bundle", "--search", "small", "--out", "b.tar.xz", "--json"))
    assert len(json.loads(made.stdout)["runs"]) == 2
    there = ok(cclcc("report", "search", "small", "--bundle", "b.tar.xz"))
    assert there.stdout == ok(cclcc("report", "search", "small")).stdout
    assert refused(cclcc("report", "--bundle", "b.tar.xz")).startswith(
        "b.tar.xz: no finished run in it, but 2 validated")
    ok(cclcc("unbundle", "b.tar.xz", "--runs", "new"))
    before = records(tmp_path / "new")
    moved, stayed = (json.loads(search(3, runs)) for runs in ("new", "runs"))
    assert [trial["value"] for trial in moved["trials"]] == [
        trial["value"] for trial in stayed["trials"]]
    after = records(tmp_path / "new")
    assert all(after[path] == before[path] for path in before if "searches" not in path.parts)
    assert len(list((tmp_path / "new").glob("synthetic-32/*"))) == 3


@pytest.fixture
def two(train, cclcc, tmp_path):
    """Two runs, told as they are below ``runs``, and a bundle of each and of both."""
    folders = [train("clcc", 0), train("supervised", 0)]
    ok(cclcc("bundle", "--out", "both.tar.xz"))
    for name, folder in zip(("one", "other"), folders, strict=True):
        ok(cclcc("bundle", folder, "--out", f"{name}.tar.xz"))
    shutil.move(tmp_path / "runs", tmp_path / "away")
    return [folder.removeprefix("runs/") for folder in folders]


def test_every_reader_reads_bundles_and_names_what_lies_in_them(cclcc, two, tmp_path):
    assert "both.tar.xz" in {path.name for path in tmp_path.iterdir()}
    listed = json.loads(ok(cclcc("ls", "--bundle", "both.tar.xz", "--json")).stdout)
    assert sorted(one["folder"] for one in listed) == [f"both.tar.xz:{name}" for name in two]
    table = ok(cclcc("ls", "--bundle", "one.tar.xz", "--bundle", "other.tar.xz"))
    assert table.stdout.startswith("2 runs in one.tar.xz (digest ")

    compared = ok(cclcc("compare", "--bundle", "both.tar.xz", two[0], f"both.tar.xz:{two[1]}"))
    assert f"{two[0]} against both.tar.xz:{two[1]}: these two trainings" in compared.stdout
    by_method = ok(cclcc("compare", "clcc", "supervised", "--json", "--bundle", "both.tar.xz"))
    assert json.loads(by_method.stdout)["sides"][0]["name"] == "clcc"

    whole = ok(cclcc("report", "--bundle", "both.tar.xz", "--format", "json")).stdout
    assert ok(cclcc("report", "--bundle", "one.tar.xz", "--bundle", "other.tar.xz", "--bundle",
                    "both.tar.xz", "--format", "json")).stdout == whole
    assert ok(cclcc("report", "--runs", "away", "--format", "json")).stdout == whole
    for options in (["grid"], ["costs"], ["--format", "latex"]):
        assert "clcc" in ok(cclcc("report", *options, "--bundle", "both.tar.xz")).stdout

    page = ok(cclcc("report", "page", "r.html", "--bundle", "both.tar.xz", "--figures", "drawn"))
    text = (tmp_path / "r.html").read_text()
    assert "cclcc report page r.html --bundle both.tar.xz --split test" in text
    assert text.count("no predicted masks") == 1
    for said in (text, page.stderr, compared.stdout, (tmp_path / "drawn/captions.md").read_text()):
        assert "cclcc-bundle-" not in said


def test_notes_and_errors_name_the_bundle(cclcc, train, tmp_path):
    train("supervised", 0)
    folder = RunFolder(tmp_path / train("supervised", 1))
    table = list(csv.reader(io.StringIO(folder.images_table("test").read_text())))
    folder.images_table("test").write_text("\n".join(",".join(row) for row in table[:-1]) + "\n")
    ok(cclcc("bundle", "--out", "b.tar.xz"))
    inside = f"b.tar.xz:{folder.path.parent.name}/{folder.path.name}"
    noted = ok(cclcc("report", "--bundle", "b.tar.xz")).stderr
    assert f"left out: {inside}/test_images.csv: " in noted
    assert "cclcc-bundle-" not in noted
    ok(cclcc("bundle", folder.path, "--out", "c.tar.xz", "--runs", tmp_path / "runs"))
    line = refused(cclcc("report", "--bundle", "c.tar.xz"))
    assert f"the first problem is c.tar.xz:{inside[9:]}/test_images.csv: " in line


@pytest.mark.parametrize("words", [["report"], ["ls"], ["compare", "a", "b"]])
def test_what_is_no_bundle_is_one_line(cclcc, tmp_path, words):
    (tmp_path / "b").write_text("stem,dice\n")
    assert refused(cclcc(*words, "--bundle", "b")).startswith("b: not a bundle")
    assert refused(cclcc(*words, "--bundle", "b", "--runs", "here")).startswith(
        "--bundle: is read instead of --runs")


def test_refusals_of_bundle_and_unbundle_are_one_line(cclcc, two, tmp_path):
    assert refused(cclcc("bundle", "--out", "b")) == "runs: no such folder; give --runs"
    assert refused(cclcc("bundle", "uamt", "--runs", "away", "--out", "b")).endswith(
        "there are: clcc, supervised, tiny")
    assert refused(cclcc("report", "--mlflow", "--bundle", "one.tar.xz")).startswith("--bundle: ")
    ok(cclcc("unbundle", "one.tar.xz", "other.tar.xz", "--runs", "new"))
    RunFolder(tmp_path / "new" / two[0]).update_status(test_reads=9)
    assert f"the records of {two[0]} differ from those in both" in refused(
        cclcc("unbundle", "both.tar.xz", "--runs", "new"))
