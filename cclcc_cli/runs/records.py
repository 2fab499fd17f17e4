"""What a run folder's JSON files hold; shared by their writers and readers."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PositiveInt, model_serializer, model_validator

from cclcc_cli.records import Record

RecordedState = Literal["running", "stopped", "failed", "pruned", "validated", "finished"]
"""``pruned``: a search ended it early. ``validated``: trained to its end for a search, so the test
split is unread; training the same run without the search reads it."""
MeanScores = dict[str, float]
"""Name of a score to its value; see ``metrics.scores`` for units and ranges."""
SizeScores = dict[str, float | None]
"""The same, with None for a score that is younger than the run."""


class SelectionRecord(Record):
    """How a recipe draws the images that keep their labels."""

    kind: str | None = None
    seed: int | str | None = None
    """``run``: the run's own."""


class RecipeDataRecord(Record):
    """What a recipe says of its data."""

    fold: int | None = None
    selection: SelectionRecord | None = None


class BatchRecord(Record):
    """Images of a step, by stream."""

    labeled: int | None = None
    unlabeled: int | None = None


class RecipeRecord(Record):
    """A resolved recipe of any version."""

    model_config = ConfigDict(extra="ignore")

    name: str
    method: str
    seed: int
    data: RecipeDataRecord = RecipeDataRecord()
    batch: BatchRecord = BatchRecord()
    model: dict[str, Any] = Field(default_factory=dict)
    values: dict[str, Any]
    """All it says, in its order."""

    @model_validator(mode="before")
    @classmethod
    def _keep_values(cls, raw: Any) -> Any:
        return {**raw, "values": raw} if isinstance(raw, dict) else raw

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return self.values


class DataRecord(Record):
    """The store that a run trained on."""

    name: str
    size: PositiveInt
    """Side of an image, in pixels."""
    digest: str


class SplitsRecord(Record):
    """How the store was split."""

    rule: str
    counts: dict[str, int] | None = None
    """Images by split."""


class LabeledRecord(Record):
    """How many training images keep their labels."""

    count: PositiveInt
    share: float | None = None
    """0 to 1."""
    of: PositiveInt | None = None
    """Training images."""


class RuntimeRecord(Record):
    """What of device and precision determines a result."""

    device: str
    precision: str | None = None
    threads: int | None = None
    """On a CPU."""
    processes: int | None = None
    """On a CPU, where there are several."""


class DigestRecord(Record):
    """As much of ``cell.json`` as tells whether a folder is the run that it is named after."""

    digest: str
    """Of everything that determines the result."""


class RunRecord(DigestRecord):
    """``cell.json``: what determines the result, and its digest."""

    group: Annotated[str, Field(alias="arm")]
    """The digest without seed, threads and processes."""
    format: int | None = None
    recipe: RecipeRecord
    start: dict[str, Any] | None = None
    """What the initial weights are, where they are not random."""
    data: DataRecord
    split_digest: str
    runtime: RuntimeRecord
    splits: SplitsRecord | None = None
    leaked: dict[str, tuple[str, ...]] | None = None
    """By split: stems that show the same thing as an image that trains or selects."""
    labeled: LabeledRecord
    scores: tuple[dict[str, Any], ...] | None = None
    """Rows of ``metrics.scores`` that plug-ins added, where they did."""


class StatusRecord(Record):
    """``status.json``: how far a run is. All keys may be missing."""

    state: RecordedState | None = None
    step: int | None = None
    """Optimiser steps done, as of the last validation."""
    total_steps: int | None = None
    started: str | None = None
    """First start; this and the other times are in ISO 8601."""
    updated: str | None = None
    finished: str | None = None
    pid: int | None = None
    host: str | None = None
    error: str | None = None
    test_reads: int | None = None
    """How often the test split was evaluated."""
    sessions: int | None = None
    seconds: float | None = None
    """In steps, over all sessions."""
    session_started: str | None = None
    elapsed_before: float | None = None
    """Seconds of the sessions before this one."""
    elapsed: float | None = None
    """Seconds of all sessions."""


class BestRecord(Record):
    """The checkpoint with the highest validation Dice."""

    step: int
    dice: float


class SplitScores(Record):
    """Mean scores on a split."""

    working: SizeScores
    """At the store's size."""
    own: SizeScores | None = None
    """At each image's own size."""
    without_leaked: SizeScores | None = None
    """At the store's size, over images that are not leaked; missing where none is."""


class ResultRecord(Record):
    """``result.json``: what a run is worth."""

    best: BestRecord | None = None
    steps: PositiveInt | None = None
    rules: dict[str, Any] | None = None
    """In words, the conventions behind the test scores."""
    validation_rules: dict[str, Any] | None = None
    val: SplitScores | None = None
    test: SplitScores | None = None
    """None where the test split is empty or unread."""


class ValidationRecord(Record):
    """A line of ``metrics.jsonl``: one validation."""

    step: int
    epoch: float | None = None
    lr: float | None = None
    train: MeanScores = Field(default_factory=dict)
    """Loss terms, means since the validation before."""
    val: MeanScores = Field(default_factory=dict)
    seconds: float | None = None
    """In steps so far, over all sessions."""
    time: float | None = None
    """Seconds since 1970."""
    images_per_second: float | None = None


class ParametersRecord(Record):
    """Weights, counted one by one."""

    predictor: PositiveInt | None = None
    training: PositiveInt | None = None
    """Teachers included."""


class ImagesRecord(Record):
    """Images that pass a method's networks in a step."""

    batch: int | None = None
    learning: float | None = None
    """With gradients."""
    forward_only: Annotated[float | None, Field(alias="judging")] = None


class MemoryRecord(Record):
    """The most memory that training held."""

    bytes: PositiveInt | None = None
    of: str | None = None
    """``device`` or ``process``."""


class CostsRecord(Record):
    """``costs.json``: what training took."""

    parameters: ParametersRecord | None = None
    images_per_step: ImagesRecord | None = None
    images_per_second: float | None = None
    peak_memory: MemoryRecord | None = None


class EnvironmentRecord(Record):
    """``environment.json``: what a run ran on."""

    cclcc: str | None = None
    python: str | None = None
    packages: dict[str, str | None] | None = None
    platform: str | None = None
    cpu: str | None = None
    cores: int | None = None
    gpu: str | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    command: str | None = None
    """Without passwords."""


class AblationRecord(Record):
    """``ablation.json``: the ablation that trained a run."""

    name: str


class TrialRecord(Record):
    """``search.json``: the trial of a search that a run was trained for."""

    search: Annotated[str, Field(alias="name")]
    number: Annotated[int, Field(alias="trial")]
    setting: Annotated[dict[str, Any], Field(alias="params")] = Field(default_factory=dict)
    """Short key to value."""
