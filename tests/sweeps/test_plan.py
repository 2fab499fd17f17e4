"""From file to runs: each once, in its folder, with a state that the disk bears out."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.runs.plan_record import PlanRecord, read_record, write_record
from cclcc_cli.sweeps.plan import make_plan, measure_pace
from cclcc_cli.training.runtime import Runtime


@pytest.fixture
def plan(tmp_path, tiny_data, tiny_recipe):
    def build(threads=1, base=None, **keys):
        path = tmp_path / "a.yaml"
        content = {"name": "a", "base": base or tiny_recipe(), **keys}
        path.write_text(json.dumps(content))
        runs = tmp_path / "runs"
        return make_plan(load_ablation(path), read_record(runs, "a"), tiny_data, runs,
                         Runtime("cpu", "fp32", threads=threads))

    return build


def record(plan, tmp_path, threads=1):
    runs = tmp_path / "runs"
    for run in plan.runs:
        run.folder.write_json("cell.json", {
            "digest": run.digest, "arm": run.group, "format": 2,
            "runtime": {"device": "cpu", "threads": threads},
            "recipe": run.recipe.model_dump(mode="json"), "labeled": {"count": 4},
            "data": {"name": "d", "size": 32, "digest": "d"}, "split_digest": "s"})
    write_record(runs, "a", read_record(runs, "a"), threads,
                 [(point, run.folder.path) for run in plan.runs for point in run.points])


def test_points_that_come_to_the_same_run_are_planned_once(plan):
    done = plan(variants={"count": {"data.labeled": 6}, "share": {"data.labeled": 0.25}})
    (run,) = done.runs
    assert run.points == ["count", "share"]


@settings(deadline=None, max_examples=15,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True),
       st.permutations([2, 4, 6]))
def test_the_order_of_values_changes_no_run(plan, seeds, labels):
    made = plan(axes={"seed": seeds, "data.labeled": labels})
    again = plan(axes={"data.labeled": sorted(labels), "seed": sorted(seeds)})
    assert len(made.runs) == len(seeds) * 3
    assert {c.digest for c in made.runs} == {c.digest for c in again.runs}
    assert len({c.folder.path for c in made.runs}) == len(made.runs)


def test_a_plan_writes_nothing(plan, tmp_path):
    plan()
    assert not (tmp_path / "runs").exists()


def test_threads_are_part_of_a_cpu_run(plan):
    assert plan(threads=1).runs[0].digest != plan(threads=2).runs[0].digest


def test_states_are_those_of_the_folders(plan):
    runs = plan(axes={"seed": [0, 1, 2, 3, 4]}).runs
    for run, state in zip(runs, ["finished", "failed", "stopped", "running"], strict=False):
        run.folder.update_status(state=state)
    assert [c.state for c in runs] == ["done", "failed", "stopped", "killed", "to do"]
    with runs[4].folder.locked():
        assert runs[4].state == "running"
    (runs[0].folder.path / "status.json").write_text("{")
    assert runs[0].state == "damaged"


def test_a_changed_recipe_is_stale_and_says_which_key_differs(plan, tmp_path):
    previous = plan(variants={"v": {"clcc.temperature": 0.1}})
    record(previous, tmp_path)
    assert plan(variants={"v": {"clcc.temperature": 0.1}}).runs[0].state == "to do"
    (run,) = plan(variants={"v": {"clcc.temperature": 0.2}}).runs
    assert run.state == "stale"
    assert run.previous == previous.runs[0].folder.path
    assert "clcc.temperature 0.1 -> 0.2" in run.differing
    assert not any(line.startswith(("name", "seed")) for line in run.differing)


def test_going_back_finds_the_previous_run_again(plan, tmp_path):
    first = {"v": {"clcc.temperature": 0.1}}
    record(plan(variants=first), tmp_path)
    plan(variants=first).runs[0].folder.update_status(state="finished")
    record(plan(variants={"v": {"clcc.temperature": 0.2}}), tmp_path)
    assert plan(variants=first).runs[0].state == "done"


def test_unequal_budgets_are_refused_by_group_unless_the_file_says_so(plan, tiny_recipe):
    base = tiny_recipe(budget={"epochs": 4}, validation={"every": 1})
    axes = {"data.labeled": [4, 8], "seed": [0, 1]}
    with pytest.raises(RunError, match=r"\(base labeled=4: 8, base labeled=8: 16\)"):
        plan(base=base, axes=axes)
    assert {c.steps for c in plan(base=base, axes=axes, unequal_budgets=True).runs} == {8, 16}


def test_all_problems_with_the_data_are_reported_together(plan):
    with pytest.raises(DataError) as caught:
        plan(axes={"data.labeled": [4, 99], "data.fold": [None, 7], "seed": [0, 1]})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert "base labeled=4 fold=7 seed=0 and 3 more" in "\n".join(lines)
    assert "99" in str(caught.value)


def test_the_pace_is_that_of_finished_runs_of_the_group_else_of_all(plan):
    runs = plan(variants={"a": {}, "b": {"clcc.symmetric": True}, "c": {"clcc.temperature": 1.0}},
                 axes={"seed": [0, 1]}).runs
    assert measure_pace(runs).seconds(runs) is None
    runs[0].folder.update_status(state="finished", step=12, elapsed=12.0)
    runs[2].folder.update_status(state="finished", step=12, elapsed=36.0)
    pace = measure_pace(runs)
    assert pace.seconds([runs[1]]) == pytest.approx(12)
    assert pace.seconds([runs[3]]) == pytest.approx(36)
    assert pace.seconds([runs[4]]) == pytest.approx(24)
    assert pace.wall_seconds([runs[1], runs[3]], 2) == pytest.approx(24)
    assert pace.wall_seconds([runs[3]], 2) == pytest.approx(36)  # one run is on one worker


def test_a_start_that_fixed_other_threads_meanwhile_wins(plan, tmp_path):
    before = PlanRecord()
    record(plan(), tmp_path, threads=2)
    with pytest.raises(RunError, match="another start has just fixed 2 threads"):
        write_record(tmp_path / "runs", "a", before, 1, [])
