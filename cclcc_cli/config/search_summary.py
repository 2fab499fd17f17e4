"""What a search leaves behind for a report: ``<runs>/searches/<name>/summary.json``.

The content of ``SearchResult.as_json``. Unknown keys are allowed: a newer search may say more.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class TrialSummary(_Part):
    """One trial that is over."""

    number: int
    """In the study."""
    state: Literal["complete", "pruned", "failed"]
    """How it ended."""
    value: float | None
    """The objective on validation; of a pruned trial its last, of a failed one null."""
    words: dict[str, str]
    """Short key to value, as text."""
    source: str = ""
    """Whose proposal the setting was."""
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
    """Trials by state, those to come included."""
    trials: list[TrialSummary]
    """That are over."""
    importances: dict[str, float] = {}
    """Short key to its share of the differences between trials."""
    notes: list[str] = []
    """What a reader of the numbers should know."""
    spent: Spent = Spent()
    """Of it all; empty where the search does not say."""
