"""A study and what defines it."""

import optuna
import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.sweeps.search.storage import open_storage
from cclcc_cli.sweeps.search.study import check_same, open_study


def test_another_definition_is_refused_naming_all_that_differs():
    known = {"space": {"a": {"low": 0, "high": 1}}, "objective": "dice", "seeds": [0]}
    check_same("s", known, known)
    with pytest.raises(RunError) as caught:
        check_same("s", known, {"space": {"a": {"low": 0, "high": 2}}, "objective": "iou",
                                 "seeds": [0]})
    assert "space.a.high 1 -> 2, objective dice -> iou" in str(caught.value)


def test_a_foreign_study_is_not_touched(tmp_path):
    storage = open_storage(str(tmp_path / "journal.log"))
    study = optuna.create_study(storage=storage, study_name="s")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(RunError, match="a study s that cclcc search did not create"):
        open_study(storage, "s", "maximize", {"a": 1})
