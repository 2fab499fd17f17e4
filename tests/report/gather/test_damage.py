"""Whatever happened to a run folder's files: no traceback, and the folder is named if left out."""

import json
import random
from contextlib import suppress

import pytest

from cclcc_cli.errors import CclccError
from cclcc_cli.report.pages.ablation import write_ablation_page
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.render.records import records, to_json
from cclcc_cli.runs.plan_record import PlanRecord, record_path, write_record

FILES = ["cell.json", "status.json", "result.json", "costs.json", "test_images.csv"]
VALUES = [None, True, -1, 1e400, 10**400, "x", [], {}, [[1]], {"a": {}}]


@pytest.fixture
def runs(write_images_run):
    """Two sound runs and one whose files are damaged; an ablation of all three."""
    whole = [write_images_run([0.2, 0.3, 0.4], method="supervised", seed=seed) for seed in (0, 1)]
    victim = write_images_run([0.3, 0.4, 0.5], seed=0)
    victim.write_json("costs.json", {
        "parameters": {"predictor": 10, "training": 25},
        "images_per_step": {"batch": 8, "learning": 8.0, "judging": 36.0},
        "images_per_second": 70.5, "peak_memory": {"bytes": 2**30, "of": "process"}})
    victim.update_status(seconds=60.5, elapsed=90.25, host="here")
    root = victim.path.parent.parent
    cells = {"supervised seed=0": whole[0], "supervised seed=1": whole[1], "clcc seed=0": victim}
    write_record(root, "a", PlanRecord(), 1, [(k, f.path) for k, f in cells.items()], {
        "design": "full", "baseline": {"variant": "supervised", "seed": 0},
        "variants": {"supervised": {}, "clcc": {}}, "axes": {"seed": [0, 1]},
        "points": [{"place": place, "variant": place.split()[0],
                    "values": {"seed": int(place[-1])}} for place in cells]})
    return root, victim.path


def report(root):
    """Both kinds of page; notes of that with rows, or its error, and whether it shows the run."""
    with suppress(CclccError):
        to_json(write_ablation_page(root, "a", "test", across=False, all_metrics=False))
    try:
        page = write_page(root, Question())
        to_json(page.sheet)
    except CclccError as error:
        return [str(error)], 0
    return page.notes, sum(row["method"] == "clcc" for row in records(page.table))


def places(value, before=()):
    yield before
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*before, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*before, 0))


def with_value(content, place, value):
    if not place:
        return value
    changed = json.loads(json.dumps(content))
    node = changed
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return changed


def test_an_undamaged_run_is_shown(runs):
    root, _ = runs
    notes, shown = report(root)
    assert shown == 1
    assert not any("left out" in note for note in notes)


@pytest.mark.parametrize("name", FILES)
def test_bytes_that_are_not_what_was_written(runs, name):
    root, victim = runs
    path = victim / name
    whole = path.read_bytes()
    noise = random.Random(name)
    damaged = [b"", whole[:len(whole) // 2], bytes(len(whole)), b"\xff\xfe" + whole[2:],
               b"[" * 50_000, b'{"state": ' + b"9" * 5000 + b"}"]
    damaged += [bytes(noise.randrange(256) if noise.random() < 0.05 else byte for byte in whole)
                for _ in range(3)]
    for content in damaged:
        path.write_bytes(content)
        notes, shown = report(root)
        assert shown == 0, content[:80]
        assert any(str(victim) in note for note in notes), content[:80]


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_gone_or_are_no_files(runs, name):
    root, victim = runs
    path = victim / name
    path.unlink()
    notes, shown = report(root)
    optional = name == "costs.json"  # runs from before costs were kept are sound
    assert (shown == 1) == optional
    assert optional or any(str(victim) in note for note in notes)
    path.mkdir()
    notes, shown = report(root)
    assert shown == 0
    assert any(str(victim) in note for note in notes)


@pytest.mark.parametrize("name", FILES[:4])
def test_values_of_another_type_never_end_in_a_traceback(runs, name):
    root, victim = runs
    path = victim / name
    content = json.loads(path.read_text())
    chosen = random.Random(name)
    for place in places(content):
        path.write_text(json.dumps(with_value(content, place, chosen.choice(VALUES))))
        notes, shown = report(root)
        assert shown or any(str(victim) in note or "compare" in note for note in notes), place


def test_a_damaged_plan_never_ends_in_a_traceback(runs):
    root, _ = runs
    path = record_path(root, "a")
    content = json.loads(path.read_text())
    chosen = random.Random(0)
    for place in places(content):
        path.write_text(json.dumps(with_value(content, place, chosen.choice(VALUES))))
        report(root)
