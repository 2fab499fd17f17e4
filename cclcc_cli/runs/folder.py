"""The run folder: the truth about one training. Everything else is a mirror of it.

    recipe.yaml        the resolved recipe, defaults written out
    cell.json          what determines the result, and its digest (see ``runs.identity``)
    plugin-*.py        a copy of each plug-in file that the recipe uses
    environment.json   versions, machine, git commit, command
    status.json        state, position, times, how often the test split was read
    metrics.jsonl      one record per validation: losses, validation scores, speed
    last.pt  best.pt   everything needed to continue; the best weights alone
    previous.pt        the last.pt before it, until the run has finished
    result.json        best step, rules of evaluation, mean scores on validation and test
    ablation.json      the ablation that trained it, if one did
    search.json        the search and the trial that trained it, if one did
    costs.json         weights, images through networks per step, speed, peak memory
    val_images.csv  test_images.csv   every score of every image
    test_masks.npz     what was predicted for every test image (see ``runs.masks``)
    overlays/          a few test images with truth and prediction outlined
    train.log          the plain lines of every session

The JSON files are the models of ``runs.records``. Each file is written whole under a temporary
name and then renamed by the process that holds the folder; ``train.log`` alone grows.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from cclcc_cli.addresses import without_secrets_in
from cclcc_cli.errors import RunBusyError, RunError
from cclcc_cli.files import remove_abandoned, write_atomic
from cclcc_cli.records import Record, describe_damage, load_record, to_json
from cclcc_cli.runs.holder import Holder
from cclcc_cli.runs.lease import HeldElsewhere, beats, held, live_holder, read_holder, scratch
from cclcc_cli.runs.records import (
    AblationRecord,
    CostsRecord,
    EnvironmentRecord,
    ResultRecord,
    RunRecord,
    StatusRecord,
    TrialRecord,
    ValidationRecord,
)

RunState = Literal["done", "running", "stopped", "killed", "failed", "pruned", "validated",
                   "to do"]
"""How far a run is, seen from outside: its recorded state, and whether a process trains it."""
RECORDS = ("cell.json", "recipe.yaml", "environment.json", "status.json", "result.json",
           "costs.json", "ablation.json", "search.json", "metrics.jsonl", "val_images.csv",
           "test_images.csv")
"""What a run folder says in text: all that a report needs except pictures of cases."""
_ADVICE = "cclcc train --fresh trains it again"
TRAINED = ("finished", "validated")
R = TypeVar("R", bound=Record)


class RunFolder:
    """Reads and writes the files of one run.

    Args:
        path: the folder; need not exist until something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lease: Holder | None = None

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "last.pt"

    @property
    def best_checkpoint(self) -> Path:
        return self.path / "best.pt"

    @property
    def previous_checkpoint(self) -> Path:
        return self.path / "previous.pt"

    @property
    def overlays(self) -> Path:
        return self.path / "overlays"

    @property
    def test_masks(self) -> Path:
        return self.path / "test_masks.npz"

    @property
    def log(self) -> Path:
        return self.path / "train.log"

    def images_table(self, split: Literal["val", "test"]) -> Path:
        return self.path / f"{split}_images.csv"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; a dead holder's folder is taken over.

        Raises:
            RunBusyError: another live process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise self._busy(self.holder) from None
        try:
            other = read_holder(self.path)
            if other is not None and not other.is_here and (self.holder or beats(self.path)):
                raise self._busy(other)  # its lock does not reach this machine
            if not Path(lock.lock_file).exists():  # removed while we took it
                raise self._busy(None)
            remove_abandoned(self.path)
            with ExitStack() as stack:
                try:
                    self._lease = stack.enter_context(held(self.path))
                except HeldElsewhere:
                    raise self._busy(self.holder) from None
                yield
        finally:
            self._lease = None
            lock.release()

    def check_held(self) -> None:
        """Make sure, before something is written, that this process still holds the folder.

        Raises:
            RunBusyError: it was silent so long, suspended perhaps, that another one took or
                removed it.
        """
        if self._lease is not None and (other := read_holder(self.path)) != self._lease:
            if not self.path.exists():
                raise RunBusyError(f"{self.path}: the run folder was removed meanwhile")
            raise self._busy(other)

    def _busy(self, holder: Holder | None) -> RunBusyError:
        who = f" ({holder})" if holder else ""
        return RunBusyError(
            f"{self.path}: another process is training this run{who}; wait for it or stop it"
        )

    @property
    def holder(self) -> Holder | None:
        """The live process that holds the folder, if there is one."""
        return live_holder(self.path)

    @property
    def state(self) -> RunState:
        """How far the run is, seen from outside.

        Raises:
            RunError: the status cannot be read.
        """
        recorded = self.status.state
        if recorded == "finished":
            return "done"
        if self.holder is not None:
            return "running"
        if recorded == "running":
            return "killed"
        return recorded or "to do"

    def write(self, name: str, content: bytes) -> None:
        """Replace a file, whole or not at all; where the folder is locked, as its holder only.

        Raises:
            RunBusyError: this process held the folder and lost it; nothing was written.
        """
        if self._lease is None:
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path / name, content)
            return
        self.check_held()
        try:
            write_atomic(self.path / name, content, scratch(self.path, self._lease))
        except FileNotFoundError:  # taken since
            self.check_held()
            raise

    def write_last_checkpoint(self, content: bytes) -> None:
        """Replace ``last.pt`` and keep what it was."""
        assert self._lease is not None
        kept = scratch(self.path, self._lease) / self.previous_checkpoint.name
        kept.unlink(missing_ok=True)
        with suppress(FileNotFoundError):  # the first one, or the folder was taken
            try:
                os.link(self.last_checkpoint, kept)
            except OSError:  # a file system without links
                shutil.copyfile(self.last_checkpoint, kept)
            kept.replace(self.previous_checkpoint)
        self.write(self.last_checkpoint.name, content)

    def write_text(self, name: str, text: str) -> None:
        self.write(name, text.encode())

    def write_json(self, name: str, value: Any) -> None:
        self.write(name, to_json(value))

    def write_record(self, name: str, record: Record) -> None:
        self.write(name, to_json(record.plain()))

    def read_record(self, name: str, kind: type[R]) -> R | None:
        """A file's content, or None where it does not exist.

        Raises:
            RunError: it exists and is not such a record.
        """
        return load_record(kind, self.path / name, _ADVICE)

    @property
    def run(self) -> RunRecord | None:
        """What determines the result; None where nothing has been written yet."""
        return self.read_record("cell.json", RunRecord)

    @property
    def status(self) -> StatusRecord:
        return self.read_record("status.json", StatusRecord) or StatusRecord()

    @property
    def result(self) -> ResultRecord | None:
        return self.read_record("result.json", ResultRecord)

    @property
    def costs(self) -> CostsRecord | None:
        return self.read_record("costs.json", CostsRecord)

    @property
    def environment(self) -> EnvironmentRecord | None:
        return self.read_record("environment.json", EnvironmentRecord)

    def check_records(self) -> None:
        """Make sure that every record can be read and that a trained run has its result.

        Raises:
            RunError: names the first file that is missing or damaged, and the problem.
        """
        needed = {"cell.json": self.run, "result.json": self.result}
        if self.status.state not in TRAINED:
            del needed["result.json"]
        for name, record in needed.items():
            if record is None:
                raise RunError(f"{self.path / name}: is missing; {_ADVICE}")
        _ = self.costs, self.environment, self.ablation, self.trial, self.records()

    def trained_run(self, asked: str = "") -> RunRecord:
        """What determines the result of a run that is trained to its end.

        Args:
            asked: what asks for it; begins messages.

        Raises:
            RunError: it is no run folder, is not trained to its end, or is damaged.
        """
        run, state = self.run, self.status.state
        if run is None:
            raise RunError(f"{asked}{self.path}: is no run folder; cclcc ls lists them")
        if state not in TRAINED:
            raise RunError(f"{asked}{self.path}: this run is {state or 'to do'}; finish its "
                           "training first")
        return run

    def update_status(self, **values: Any) -> None:
        """Set some of the status's keys, which are the fields of ``StatusRecord``."""
        assert values.keys() <= StatusRecord.model_fields.keys()
        changed = StatusRecord.model_validate(values)
        self.write_json("status.json", {**self.status.plain(), **changed.plain()})

    def log_end(self, num_lines: int) -> list[str]:
        """The last lines of ``train.log``; none where it was never written."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-num_lines:]
        except FileNotFoundError:
            return []

    @property
    def ablation(self) -> str | None:
        """The first ablation that included the run, if one did."""
        record = self.read_record("ablation.json", AblationRecord)
        return None if record is None else record.name

    def join_ablation(self, name: str) -> None:
        """Record that the run belongs to an ablation, unless it belongs to one already."""
        if self.ablation is None:
            self.write_record("ablation.json", AblationRecord(name=name))

    @property
    def trial(self) -> TrialRecord | None:
        """The trial that the run was trained for, if it was for one."""
        return self.read_record("search.json", TrialRecord)

    def join_search(self, trial: TrialRecord) -> None:
        """Record that the run belongs to a trial, unless it belongs to anything already."""
        if self.ablation is None and self.trial is None:
            self.write_record("search.json", trial)

    @property
    def finished(self) -> bool:
        return self.status.state == "finished"

    def append_log(self, line: str) -> None:
        """Add one line to ``train.log``, headed by the time."""
        self.check_held()
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} "
                       f"{without_secrets_in(line)}\n")

    def append_record(self, record: ValidationRecord) -> None:
        """Add a line to ``metrics.jsonl``, on the disk when this returns."""
        path = self.path / "metrics.jsonl"
        earlier = path.read_bytes() if path.exists() else b""
        whole = earlier[: earlier.rfind(b"\n") + 1]  # without a line cut off by a crash
        self.write(path.name, whole + f"{json.dumps(record.plain())}\n".encode())

    def records(self) -> list[ValidationRecord]:
        """All validations so far, by step; a line cut off by a crash is left out.

        Raises:
            RunError: a line is whole and no such record.
        """
        return [record for _, record in self._records()]

    def keep_records(self, up_to_step: int) -> None:
        """Drop validations after a step: the checkpoint that training continues from is older."""
        kept = [line for line, record in self._records() if record.step <= up_to_step]
        self.write_text("metrics.jsonl", "".join(f"{line}\n" for line in kept))

    def _records(self) -> Iterator[tuple[str, ValidationRecord]]:
        """Each line of ``metrics.jsonl``, and what it says."""
        path = self.path / "metrics.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: cannot be read ({error}); {_ADVICE}") from None
        for number, line in enumerate(lines, start=1):
            try:
                yield line, ValidationRecord.model_validate_json(line)
            except ValidationError as error:
                if error.errors()[0]["type"] != "json_invalid":
                    raise RunError(f"{path}: line {number} cannot be read "
                                   f"({describe_damage(error)}); {_ADVICE}") from None

    def clear(self) -> None:
        """Remove what a previous training left, to start afresh.

        The lock stays, and so does the count of test readings: looking at the test split, changing
        one's mind and training afresh is what that count is there to reveal.
        """
        test_reads = None
        with suppress(RunError):  # damaged: the count is lost, and the rest starts afresh
            test_reads = self.status.test_reads
        names = ["status.json", "result.json", "costs.json", "metrics.jsonl", "last.pt", "best.pt",
                 "previous.pt",
                 "train.log", "val_images.csv", "test_images.csv", "test_masks.npz"]
        for path in [*(self.path / n for n in names), *self.overlays.glob("*.png")]:
            path.unlink(missing_ok=True)
        if test_reads:
            self.update_status(test_reads=test_reads)


def way_on(states: Iterable[str]) -> str:
    """What finishes runs in such states, none of which is finished."""
    found = set(states)
    if found and found <= {"validated", "pruned"}:
        return ("it belongs to a search, which 'cclcc report search NAME' shows; cclcc train with "
                "its recipe.yaml reads the test split")
    return "the same cclcc train command resumes it"


def find_runs(root: Path) -> list[RunFolder]:
    """Every run folder below a root (``<root>/<data set>/<run>/``), sorted by path."""
    return [RunFolder(path.parent) for path in sorted(root.glob("*/*/cell.json"))]
