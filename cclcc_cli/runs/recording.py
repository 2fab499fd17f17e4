"""What a training puts into its run folder while it runs: status, validations, log."""

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cclcc_cli.addresses import without_secrets_in
from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.plugins import files_of
from cclcc_cli.runs.environment import describe_environment
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.progress import ProgressDisplay
from cclcc_cli.runs.pruner import RunPruner
from cclcc_cli.runs.records import RecordedState, ValidationRecord
from cclcc_cli.training.checkpoint import DamagedCheckpoint, load_checkpoint
from cclcc_cli.training.evaluate import Scores
from cclcc_cli.training.schedule import Plan


class Tracker(Protocol):
    """Mirrors the folder elsewhere; never fails a training."""

    def push(self) -> None:
        """Bring the mirror up to date with what the folder holds now."""


class SessionClock:
    """Seconds that a run has taken, by a clock that nobody sets.

    Args:
        before: seconds of the sessions before this one, as far as they recorded them.
    """

    def __init__(self, before: float | None) -> None:
        self.before = before or 0.0
        self._began = time.monotonic()

    def elapsed(self) -> float:
        return round(self.before + time.monotonic() - self._began, 3)


class Recorder:
    """Passes the loop's events on to the folder, the display, the tracker and the pruner.

    Args:
        folder: of the run.
        display: shows progress.
        tracker: mirrors the folder.
        clock: of this session.
        batch: images of a step.
        pruner: of a search, where the run belongs to one.
        total_steps: of the budget.

    Attributes:
        images: each image's scores at the current validation.
        pruned: why the pruner ends the training; None while it does not.
    """

    def __init__(
        self, folder: RunFolder, display: ProgressDisplay, tracker: Tracker,
        clock: SessionClock, batch: int, pruner: RunPruner | None, total_steps: int,
    ) -> None:
        self._clock = clock
        self._folder, self._display, self._tracker = folder, display, tracker
        self._batch, self._pruner, self._total_steps = batch, pruner, total_steps
        self.images: list[Scores] = []
        self.pruned: str | None = None

    def checked(self, step: int, terms: dict[str, float]) -> None:
        self._display.checked(step, terms)

    def recorded(self, record: dict[str, Any]) -> None:
        earlier = self._folder.records()
        since = (earlier[-1].step, earlier[-1].seconds or 0.0) if earlier else (0, 0.0)
        steps, elapsed = record["step"] - since[0], max(record["seconds"] - since[1], 1e-9)
        complete = ValidationRecord.model_validate(
            {**record, "images_per_second": round(steps * self._batch / elapsed, 2)})
        self._folder.append_record(complete)
        self._folder.update_status(step=complete.step, updated=_now(),
                                   elapsed=self._clock.elapsed())
        self._display.recorded(complete)
        self._tracker.push()
        if self._pruner is not None and complete.step < self._total_steps:
            self.pruned = self._pruner.validated(complete, self.images)

    def save(self, path: Path, checkpoint: bytes) -> None:
        if path == self._folder.last_checkpoint:
            self._folder.write_last_checkpoint(checkpoint)
        else:
            self._folder.write(path.name, checkpoint)


def write_identity(folder: RunFolder, run: RunSpec) -> None:
    """Write down what will run, before it runs."""
    environment = describe_environment()
    folder.write_text("recipe.yaml", f"# {environment.command}\n{dump_recipe(run.recipe)}")
    folder.write_record("environment.json", environment)
    folder.write_record("cell.json", run.describe())
    for digest, content in files_of(run.recipe).items():
        folder.write(f"plugin-{digest[:8]}.py", content)


def restore_last_checkpoint(folder: RunFolder) -> str | None:
    """Put the checkpoint before the last in the place of a damaged or missing last one.

    Returns:
        What is wrong with the last one; None where nothing was restored.

    Raises:
        RunError: it cannot be read, or the one before it is damaged or missing too.
    """
    last, previous = folder.last_checkpoint, folder.previous_checkpoint
    problem = f"{last}: is missing"
    if last.exists():
        try:
            load_checkpoint(last)
        except DamagedCheckpoint as error:
            problem = str(error).partition(";")[0]
            if not previous.exists():
                raise
        else:
            return None
    if not previous.exists():
        return None  # there was none yet
    load_checkpoint(previous)
    folder.write(last.name, previous.read_bytes())
    return problem


def begin_session(folder: RunFolder, plan: Plan, step: int, clock: SessionClock) -> None:
    """Write down that training starts, or continues, at a step."""
    previous = folder.status
    folder.update_status(
        state="running", step=step, total_steps=plan.total_steps,
        started=previous.started or _now(), updated=_now(), finished=None,
        pid=os.getpid(), host=platform.node(), error=None,
        test_reads=previous.test_reads or 0, sessions=(previous.sessions or 0) + 1,
        seconds=previous.seconds or 0.0,
        session_started=_now(), elapsed_before=clock.before,
    )


def end_session(
    folder: RunFolder, state: RecordedState, error: str | None, clock: SessionClock
) -> None:
    """Write down how training ended."""
    shown = error and without_secrets_in(error)
    folder.update_status(state=state, updated=_now(), finished=_now(), error=shown,
                         elapsed=clock.elapsed())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
