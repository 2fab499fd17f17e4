"""An Optuna study and what defines it: two searches with one definition share a study."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study

from cclcc_cli.errors import RunError
from cclcc_cli.records import flatten
from cclcc_cli.sweeps.search.storage import quiet_experiments

_DEFINITION = "cclcc"


def read_definition(storage: BaseStorage, name: str) -> dict[str, Any] | None:
    """What a study of this name searches; None where there is none.

    Raises:
        RunError: there is one that this program did not create.
    """
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        return None
    definition: dict[str, Any] | None = storage.get_study_user_attrs(study_id).get(_DEFINITION)
    if definition is None:
        if storage.get_n_trials(study_id) == 0:
            return None  # killed between the two steps of creating it
        raise RunError(f"the storage has a study {name} that cclcc search did not create; give the "
                       "search another name")
    return definition


def open_study(
    storage: BaseStorage, name: str, direction: Literal["maximize", "minimize"],
    definition: Mapping[str, Any]
) -> int:
    """The id of the study, created where there is none; any number of processes may call this.

    Raises:
        RunError: a study of this name searches something else; names what differs.
    """
    known = read_definition(storage, name)
    if known is None:
        made = optuna.create_study(storage=storage, study_name=name, direction=direction,
                                   load_if_exists=True)
        with quiet_experiments():
            made.set_metric_names([f"validation {definition.get('objective', 'score')}"])
        made.set_user_attr(_DEFINITION, dict(definition))
        known = read_definition(storage, name)
    assert known is not None
    check_same(name, known, definition)
    return storage.get_study_id_from_name(name)


def check_same(name: str, known: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Refuse to continue a study that searches something else.

    Raises:
        RunError: names every difference.
    """
    old, new = flatten(known), flatten(json.loads(json.dumps(definition)))
    differing = [f"{key} {_short(old.get(key))} -> {_short(new.get(key))}"
                 for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    if differing:
        raise RunError(
            f"the study {name} started with another definition: {', '.join(differing)}; give this "
            "search another name, or start afresh with --fresh (finished runs are reused)"
        )


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def load_study(
    storage: BaseStorage, name: str, sampler: BaseSampler, pruner: BasePruner
) -> Study:
    """The study as it is now: a Study caches what it read, so each call makes a new one."""
    study = optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
    study.get_trials(deepcopy=False)  # a database caches values of trials it has read only
    return study


def unused_name() -> str:
    """A study name that no search has."""
    return f"dry-run-{uuid.uuid4().hex}"
