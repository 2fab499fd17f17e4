"""What a search leaves behind for a report: ``<runs>/searches/<name>/summary.json``."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from cclcc_cli.metrics.scores import score
from cclcc_cli.records import Record

FEW = 20
"""Number of complete trials below which importances are called a first guess."""
OWN_SETTING = "the base"
"""Where a trial's setting comes from that is the base recipe's own."""


class _Part(Record):
    model_config = ConfigDict(allow_inf_nan=False)


class TrialSummary(_Part):
    """One trial that is over."""

    number: int
    """In the study."""
    state: Literal["complete", "pruned", "failed"]
    """How it ended."""
    value: float | None
    """The objective on validation; of a pruned trial its last, of a failed one null."""
    setting: dict[str, Any] = Field(default_factory=dict)
    """Key to value."""
    words: dict[str, str]
    """Short key to value, as text."""
    source: str = ""
    """Where the setting comes from."""
    reason: str = ""
    """Why it failed."""


class Spent(_Part):
    """What all trials together took."""

    steps: int | None = None
    """Optimiser steps."""
    seconds: float | None = None
    """From start to end of each, added up."""


class SearchSummary(_Part):
    """All trials so far."""

    name: str
    """Of the search."""
    objective: str
    """A score on the validation split."""
    counts: dict[str, int]
    """Trials by state, including those to do."""
    best: TrialSummary | None = None
    """The best complete trial."""
    trials: list[TrialSummary]
    """Those that are over."""
    importances: dict[str, float] = Field(default_factory=dict)
    """Short key to the share of the differences between trials that it explains."""
    notes: list[str] = Field(default_factory=list)
    """What a reader of the numbers should know."""
    spent: Spent = Spent()
    """Over all trials; empty where the search does not say."""

    @property
    def ranked(self) -> list[TrialSummary]:
        """Complete trials first, best first; then pruned ones; then failed ones."""
        sign = -1 if score(self.objective).more_is_better else 1
        states = ("complete", "pruned", "failed")
        return sorted(self.trials, key=lambda trial: (
            states.index(trial.state), 0.0 if trial.value is None else sign * trial.value,
            trial.number))

    @property
    def keys(self) -> list[str]:
        """Short names of the keys that trials set."""
        return list(dict.fromkeys(key for trial in self.trials for key in trial.words))
