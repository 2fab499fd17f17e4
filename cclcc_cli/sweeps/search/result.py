"""What a search has found: its trials, which keys mattered, and the best setting as a recipe."""

import hashlib
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.addresses import without_password
from cclcc_cli.config.design import short_keys
from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.search_summary import FEW, SearchSummary, TrialSummary
from cclcc_cli.config.space import as_text
from cclcc_cli.files import write_atomic
from cclcc_cli.records import save_record
from cclcc_cli.sweeps.search.plan import OpenSearch
from cclcc_cli.sweeps.search.sampler import read_setting
from cclcc_cli.sweeps.search.storage import (
    open_storage,
    quiet_experiments,
    search_folder,
    storage_errors,
)
from cclcc_cli.sweeps.search.trials import state_counts
from cclcc_cli.wording import counted

_STATES: Mapping[TrialState, Literal["complete", "pruned"]] = {
    TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}


def read_result(opened: OpenSearch) -> SearchSummary:
    """All trials that the study holds now; ``best`` is the earlier one of equals.

    Raises:
        RunError: the storage cannot be read.
    """
    search = opened.checked.search
    with storage_errors(opened.address):
        study = opened.load_study(open_storage(opened.address))
        trials = study.get_trials(deepcopy=False)
    short = short_keys(search.space)
    over = [_read(opened, trial, short) for trial in trials if trial.state.is_finished()]
    importances, notes = _importances(study, over)
    counts = state_counts([t for t in trials
                           if t.state.is_finished() or t.number < opened.checked.num_trials])
    found = SearchSummary(
        name=search.name, objective=search.objective, counts=counts, best=None, trials=over,
        importances={short[key]: share for key, share in importances.items()}, notes=notes)
    best = next((trial for trial in found.ranked if trial.state == "complete"), None)
    return found.model_copy(update={"best": best})


def _read(opened: OpenSearch, trial: FrozenTrial, short: Mapping[str, str]) -> TrialSummary:
    setting = read_setting(opened.checked.search.space, trial.params)
    return TrialSummary(
        number=trial.number, state=_STATES.get(trial.state, "failed"), value=_finite(trial.value),
        setting=setting, words={short[key]: as_text(value) for key, value in setting.items()},
        source=trial.user_attrs.get("setting from", ""),
        reason=trial.user_attrs.get("reason", ""),
    )


def _finite(value: float | None) -> float | None:
    """A pruned trial's last value may be no number."""
    return value if value is not None and math.isfinite(value) else None


def _importances(
    study: Study, trials: Sequence[TrialSummary]
) -> tuple[dict[str, float], list[str]]:
    """PED-ANOVA's shares over complete trials, and notes on how far to trust them."""
    complete = [t for t in trials if t.state == "complete"]
    pruned = sum(t.state == "pruned" for t in trials)
    if len(complete) < 4 or len({t.value for t in complete}) < 2:
        return {}, ["importances need 4 complete trials with different values; there are "
                    f"{len(complete)}"]
    with quiet_experiments():
        shares = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    shares = {key: value for key, value in shares.items() if math.isfinite(value)}
    notes = []
    if len(complete) < FEW:
        notes.append(f"importances (PED-ANOVA) are from {len(complete)} complete trials only: with "
                     f"fewer than {FEW}, they are a first guess")
    if pruned:
        notes.append(f"importances leave out {counted(pruned, 'pruned trial')}, so they "
                     "underestimate keys that make a setting hopeless")
    return shares, notes


def write_summary(opened: OpenSearch, result: SearchSummary) -> Path:
    """Write summary.json, which reports read; returns its path."""
    path = search_folder(opened.runs_root, opened.name) / "summary.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_record(path, result)
    return path


def write_best(opened: OpenSearch, result: SearchSummary, file: Path) -> Path:
    """Write the best setting as a recipe that ``cclcc train`` takes; returns its path."""
    best, search = result.best, opened.checked.search
    assert best is not None
    recipe = opened.checked.recipe(best.setting, f"{search.name[:59]}_best")
    path = search_folder(opened.runs_root, search.name) / "best.yaml"
    lines = [
        f"The best setting of the search {search.name}: trial {best.number}.",
        f"  {train_command(opened, path)}",
        *_provenance(opened, result, file),
    ]
    text = "".join(f"# {line}\n" for line in lines) + dump_recipe(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())
    return path


def train_command(opened: OpenSearch, best: Path) -> str:
    """Trains the best setting and reads the test split; finds a single seed's run already trained.

    Args:
        opened: the search.
        best: the recipe with the best setting.
    """
    runtime = opened.runtime
    words = ["cclcc", "train", str(best), "--device", runtime.device,
             "--precision", runtime.precision]
    if runtime.device == "cpu":
        words += ["--threads", str(runtime.cpu_threads)]
    return shlex.join(words)


def _provenance(opened: OpenSearch, result: SearchSummary, file: Path) -> list[str]:
    best, search = result.best, opened.checked.search
    assert best is not None
    over = "" if search.repetitions == [{}] else ", mean over " + (
        f"seeds {', '.join(map(str, search.seeds))}" if search.seeds
        else f"folds {', '.join(map(str, search.folds or []))}")
    lines = [f"Validation {search.objective}: {best.value:.6f}{over}; the test split was not read.",
             "Setting: " + ", ".join(f"{key}={value}" for key, value in best.words.items())]
    published = next((t for t in result.trials if t.number == 0), None)
    if opened.checked.published and published is not None and published.value is not None:
        lines.append(f"The base's own setting (trial 0): {published.value:.6f}"
                     + (" when it was pruned" if published.state == "pruned" else ""))
    counts = ", ".join(f"{count} {state}" for state, count in result.counts.items())
    sampler = search.sampler.model_dump()
    return [
        *lines,
        f"Trials: {counts}. Sampler: {' '.join(f'{k}={v}' for k, v in sampler.items())}; "
        f"pruner: {search.pruner.kind}. Optuna {optuna.__version__}.",
        f"Study: {search.name} in {without_password(opened.address)}; made by: cclcc search {file}",
        f"Digests: search {definition_digest(opened)}, data "
        f"{opened.store.info.digest[:12]}, split {opened.definition['split digest'][0][:12]}.",
    ]


def definition_digest(opened: OpenSearch) -> str:
    """Digest of everything that two searches must share to be the same one."""
    text = json.dumps(opened.definition, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
