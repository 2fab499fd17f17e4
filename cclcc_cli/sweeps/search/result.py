"""What a search has found: its trials, which keys mattered, and the best setting as a recipe."""

import hashlib
import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.addresses import without_secrets
from cclcc_cli.config.design import short_keys
from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.search_summary import SearchSummary, TrialSummary
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

FEW = 20
"""Number of trials below which importances are called a first guess."""


@dataclass(frozen=True)
class TrialResult:
    """One trial that is over.

    Attributes:
        number: in the study.
        state: complete, pruned or failed.
        value: the objective; of a pruned trial its last value; None of a failed one.
        setting: key to value.
        words: short key to value, as short text.
        source: where the setting comes from.
        reason: why it failed.
    """

    number: int
    state: str
    value: float | None
    setting: Mapping[str, Any]
    words: Mapping[str, str]
    source: str
    reason: str


@dataclass(frozen=True)
class SearchResult:
    """All trials of a search so far.

    Attributes:
        name: of the search.
        objective: a score on validation.
        higher: whether a higher one is better.
        trials: those that are over, by number.
        counts: of trials by state.
        importances: short key to the share of the differences that it explains, largest first.
        keys: short names of the space's keys.
        notes: what a reader of the numbers should know.
    """

    name: str
    objective: str
    higher: bool
    trials: tuple[TrialResult, ...]
    counts: Mapping[str, int]
    importances: Mapping[str, float]
    keys: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ranked(self) -> list[TrialResult]:
        """Complete trials first, best first; then pruned ones; then failed ones."""
        states = ("complete", "pruned", "failed")
        sign = -1 if self.higher else 1
        return sorted(self.trials, key=lambda t: (
            states.index(t.state), sign * t.value if t.value is not None else 0.0, t.number))

    @property
    def best(self) -> TrialResult | None:
        """The best complete trial, the earlier one of equals."""
        ranked = self.ranked
        return ranked[0] if ranked and ranked[0].state == "complete" else None

    @property
    def summary(self) -> SearchSummary:
        """The content of summary.json."""
        trials = [TrialSummary.model_validate(asdict(trial)) for trial in self.trials]
        best = self.best
        return SearchSummary(
            name=self.name, objective=self.objective, counts=dict(self.counts),
            best=TrialSummary.model_validate(asdict(best)) if best else None, trials=trials,
            importances=dict(self.importances), notes=list(self.notes))

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return self.summary.plain()


def read_result(opened: OpenSearch) -> SearchResult:
    """All trials that the study holds now.

    Raises:
        RunError: the storage cannot be read.
    """
    search = opened.checked.search
    with storage_errors(opened.address):
        study = opened.load_study(open_storage(opened.address))
        trials = study.get_trials(deepcopy=False)
    short = short_keys(search.space)
    over = tuple(_read(opened, trial, short) for trial in trials if trial.state.is_finished())
    importances, notes = _importances(study, over)
    counts = state_counts([t for t in trials
                           if t.state.is_finished() or t.number < opened.checked.num_trials])
    return SearchResult(
        search.name, search.objective, search.direction == "maximize", over, counts,
        {short[key]: share for key, share in importances.items()}, tuple(short.values()),
        tuple(notes),
    )


def _read(opened: OpenSearch, trial: FrozenTrial, short: Mapping[str, str]) -> TrialResult:
    setting = read_setting(opened.checked.search.space, trial.params)
    state = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}.get(
        trial.state, "failed")
    return TrialResult(
        trial.number, state, _finite(trial.value), setting,
        {short[key]: as_text(value) for key, value in setting.items()},
        trial.user_attrs.get("setting from", ""), trial.user_attrs.get("reason", ""),
    )


def _finite(value: float | None) -> float | None:
    """A pruned trial's last value may be no number."""
    return value if value is not None and math.isfinite(value) else None


def _importances(
    study: Study, trials: tuple[TrialResult, ...]
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


def write_summary(opened: OpenSearch, result: SearchResult) -> Path:
    """Write summary.json, which reports read; returns its path."""
    path = search_folder(opened.runs_root, opened.name) / "summary.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_record(path, result.summary)
    return path


def write_best(opened: OpenSearch, result: SearchResult, file: Path) -> Path:
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


def _provenance(opened: OpenSearch, result: SearchResult, file: Path) -> list[str]:
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
        f"Study: {search.name} in {without_secrets(opened.address)}; made by: cclcc search {file}",
        f"Digests: search {definition_digest(opened)}, data "
        f"{opened.store.info.digest[:12]}, split {opened.definition['split digest'][0][:12]}.",
    ]


def definition_digest(opened: OpenSearch) -> str:
    """Digest of everything that two searches must share to be the same one."""
    text = json.dumps(opened.definition, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
