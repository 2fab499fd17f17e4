"""The progress of a training as plain lines: for logs, pipes and the run folder."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cclcc_cli.runs.differences import left_behind
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.records import ValidationRecord
from cclcc_cli.training.schedule import Plan
from cclcc_cli.wording import counted, duration


class ProgressDisplay(Protocol):
    """Shows a training while it runs; all text for people goes through here."""

    def started(self, folder: RunFolder, run: RunSpec, plan: Plan, first_step: int) -> None: ...

    def checked(self, step: int, terms: Mapping[str, float]) -> None: ...

    def recorded(self, record: ValidationRecord) -> None: ...

    def evaluating(self, split: str, num_images: int) -> None: ...


class CompositeDisplay:
    """Several displays as one."""

    def __init__(self, displays: Sequence[ProgressDisplay]) -> None:
        self._displays = displays

    def started(self, folder: RunFolder, run: RunSpec, plan: Plan, first_step: int) -> None:
        for display in self._displays:
            display.started(folder, run, plan, first_step)

    def checked(self, step: int, terms: Mapping[str, float]) -> None:
        for display in self._displays:
            display.checked(step, terms)

    def recorded(self, record: ValidationRecord) -> None:
        for display in self._displays:
            display.recorded(record)

    def evaluating(self, split: str, num_images: int) -> None:
        for display in self._displays:
            display.evaluating(split, num_images)


class TextDisplay:
    """Turns events into lines.

    Args:
        emit: receives one line at a time, without its line break.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._clock = Clock()
        self._watch: CpuWatch | None = None

    def started(self, folder: RunFolder, run: RunSpec, plan: Plan, first_step: int) -> None:
        self._clock.start(plan.total_steps, first_step)
        if run.runtime.device == "cpu":
            self._watch = CpuWatch(run.runtime.cpu_threads)
        for line in describe_start(folder, run, plan, first_step):
            self._emit(line)

    def checked(self, step: int, terms: Mapping[str, float]) -> None:  # noqa: ARG002
        """Between validations there is no line, except a warning that training is slow."""
        warning = self._watch.look() if self._watch else None
        if warning:
            self._emit(warning)

    def recorded(self, record: ValidationRecord) -> None:
        left = self._clock.left(record.step)
        self._emit(f"{describe_record(record, self._clock.total_steps)} | {duration(left)} left")

    def evaluating(self, split: str, num_images: int) -> None:
        self._emit(f"evaluating {num_images} {split} images with the best checkpoint")


class CpuWatch:
    """Notices, once, that other work on the machine slows a training down.

    Args:
        threads: CPU threads of the training.
        wall: seconds on a monotonic clock.
        cpu: seconds of CPU time that this process has used.
    """

    def __init__(
        self, threads: int, wall: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._threads, self._wall, self._cpu = threads, wall, cpu
        self._since = wall(), cpu()
        self._warned = False

    def look(self) -> str | None:
        """A warning where the training got less than half of its CPU time in the last 30 s."""
        wall, cpu = self._wall(), self._cpu()
        elapsed = wall - self._since[0]
        if self._warned or elapsed < 30:
            return None
        share = (cpu - self._since[1]) / elapsed / self._threads
        self._since = wall, cpu
        if share >= 0.5:
            return None
        self._warned = True
        cores = counted(os.cpu_count() or 1, "core")
        load = f" (load {os.getloadavg()[0]:.1f} on {cores})" if hasattr(os, "getloadavg") else ""
        return (f"warning: other work keeps the CPU busy{load}: this training gets "
                f"{100 * share:.0f} % of its {counted(self._threads, 'thread')} and takes about "
                f"{1 / max(share, 0.01):.0f} times as long")


class Clock:
    """Estimates the time left from the steps of this session."""

    def __init__(self) -> None:
        self.start(0, 0)

    def start(self, total_steps: int, first_step: int) -> None:
        self.total_steps = total_steps
        self._first_step, self._began = first_step, time.monotonic()

    def left(self, step: int) -> float:
        """Seconds until the last step, at this session's mean pace."""
        done = max(step - self._first_step, 1)
        return (time.monotonic() - self._began) / done * (self.total_steps - step)


def describe_start(folder: RunFolder, run: RunSpec, plan: Plan, first_step: int) -> list[str]:
    """What is about to run."""
    info, runtime = run.store.info, run.runtime
    unlabeled = f" + {len(run.unlabeled)} unlabelled" if run.unlabeled else ""
    lines = [
        f"{run.recipe.name}: {run.recipe.method} on {info.name} at {info.size} px, "
        f"{len(run.labeled)} labelled{unlabeled} images, seed {run.recipe.seed}",
        f"{counted(plan.total_steps, 'step')}, {plan.steps_per_epoch} per epoch, on "
        f"{runtime.device} in {runtime.precision}; run folder {folder.path}",
    ]
    if first_step:
        return [*lines, f"continuing from step {first_step}"]
    left = left_behind(folder.path, run.describe())
    return [*lines, *(f"note: another run of this recipe is left as it is, {one.state} at step "
                      f"{one.status.step or 0}, for it differs in {', '.join(how)}: {one.path}"
                      for one, how in left.items())]


def describe_record(record: ValidationRecord, total_steps: int) -> str:
    """One validation: ``step 200/2000 | loss ... | val Dice 61.20 IoU 50.11 | 14.2 images/s``."""
    train, val = record.train, record.val
    terms = ", ".join(f"{name} {value:.4f}" for name, value in train.items() if name != "total")
    return (
        f"step {record.step}/{total_steps} | loss {train['total']:.4f} ({terms}) | "
        f"val Dice {100 * val['dice']:.2f} IoU {100 * val['iou']:.2f} | "
        f"{record.images_per_second:.1f} images/s"
    )
