"""The record of a plan: damaged, or held by another process."""

import pytest
from filelock import FileLock

from cclcc_cli.errors import RunError
from cclcc_cli.runs import plan_record
from cclcc_cli.runs.plan_record import PlanRecord, read_record, record_path, write_record


def test_a_damaged_record_is_named(tmp_path):
    path = record_path(tmp_path, "a")
    path.parent.mkdir(parents=True)
    path.write_text("[]")
    with pytest.raises(RunError, match=r"plan.json: cannot be read .* remove it"):
        read_record(tmp_path, "a")


def test_a_record_that_another_process_holds_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_record, "_PATIENCE", 0.05)
    path = record_path(tmp_path, "a")
    path.parent.mkdir(parents=True)
    with (FileLock(path.with_suffix(".lock")),
          pytest.raises(RunError, match="another process has been writing it")):
        write_record(tmp_path, "a", PlanRecord(), 1, [])
