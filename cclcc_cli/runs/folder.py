"""The run folder: the truth about one trained run. Everything else is a mirror of it.

    recipe.yaml        the resolved recipe, defaults written out
    cell.json          what determines the result, and its digest (see ``runs.identity``)
    plugin-*.py        a copy of each plug-in file that the recipe uses
    environment.json   versions, machine, git commit, command
    status.json        state, position, times, how often the test split was read
    metrics.jsonl      one record per validation: losses, validation scores, speed
    last.pt  best.pt   everything needed to go on; the best weights alone
    result.json        best step, rules of evaluation, mean scores on validation and test
    ablation.json      which ablation trained it, where one did
    search.json        which search trained it, for which of its trials, where one did
    costs.json         weights, images through networks per step, speed, peak memory
    val_images.csv  test_images.csv   every score of every image
    test_masks.npz     what was predicted for every test image (see ``runs.masks``)
    overlays/          a few test images with truth and prediction outlined
    train.log          the plain lines of every session

Each file is written whole under a temporary name and then renamed, except the two that grow.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from filelock import FileLock, Timeout

from cclcc_cli.errors import RunBusyError, RunError
from cclcc_cli.files import remove_abandoned, write_atomic
from cclcc_cli.runs.lease import (
    OwnedElsewhere,
    Owner,
    beats,
    live_owner,
    owned,
    read_owner,
)

State = Literal["running", "stopped", "failed", "pruned", "validated", "finished"]
"""``pruned``: a search ended it before its time. ``validated``: trained to its end for a search,
so the test split is unread; whoever asks for the run's result goes on and reads it."""
Standing = Literal["done", "running", "stopped", "killed", "failed", "pruned", "validated",
                   "to do"]
Record = Mapping[str, Any]
RECORDS = ("cell.json", "recipe.yaml", "environment.json", "status.json", "result.json",
           "costs.json", "ablation.json", "search.json", "metrics.jsonl", "val_images.csv",
           "test_images.csv")
"""What a run folder says in text: all that a report needs but pictures of cases."""


class RunFolder:
    """Reads and writes the files of one run.

    Args:
        path: the folder; need not exist until something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: Owner | None = None

    @property
    def last_checkpoint(self) -> Path:
        return self.path / "last.pt"

    @property
    def best_checkpoint(self) -> Path:
        return self.path / "best.pt"

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
            raise self._busy(self.owner) from None
        try:
            other = read_owner(self.path)
            if other is not None and not other.is_here and (self.owner or beats(self.path)):
                raise self._busy(other)  # its lock does not reach this machine
            if not Path(lock.lock_file).exists():  # removed while we took it
                raise self._busy(None)
            remove_abandoned(self.path)
            with ExitStack() as stack:
                try:
                    self._held = stack.enter_context(owned(self.path))
                except OwnedElsewhere:
                    raise self._busy(self.owner) from None
                yield
        finally:
            self._held = None
            lock.release()

    def check_held(self) -> None:
        """Make sure, before something is written, that the folder is still this process's.

        Raises:
            RunBusyError: it was silent so long, asleep perhaps, that another one took it.
        """
        if self._held is not None and (other := read_owner(self.path)) != self._held:
            raise self._busy(other)

    def _busy(self, owner: Owner | None) -> RunBusyError:
        who = f" ({owner})" if owner else ""
        return RunBusyError(
            f"{self.path}: another process is training this run{who}; wait for it or stop it"
        )

    @property
    def owner(self) -> Owner | None:
        """The live process that holds the folder, if there is one."""
        return live_owner(self.path)

    @property
    def standing(self) -> Standing:
        """How far the run is, seen from outside.

        Raises:
            RunError: the status cannot be read.
        """
        state = self.status.get("state")
        if state == "finished":
            return "done"
        if self.owner is not None:
            return "running"
        if state == "running":
            return "killed"
        return "to do" if state is None else cast(Standing, state)

    def write_text(self, name: str, text: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path / name, text.encode())

    def write_json(self, name: str, value: Any) -> None:
        self.write_text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> Any:
        """A file's content, or None where it does not exist.

        Raises:
            RunError: it exists and is not JSON.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError, RecursionError) as error:
            raise RunError(
                f"{self.path / name}: cannot be read ({error}); run with --fresh to start again"
            ) from None

    @property
    def status(self) -> dict[str, Any]:
        return self.read_json("status.json") or {}

    def update_status(self, **values: Any) -> None:
        self.write_json("status.json", {**self.status, **values})

    def log_end(self, num_lines: int) -> list[str]:
        """The last lines of ``train.log``; none where it was never written."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-num_lines:]
        except FileNotFoundError:
            return []

    @property
    def ablation(self) -> str | None:
        """The ablation that the run belongs to: the first one that had it as a run."""
        return (self.read_json("ablation.json") or {}).get("name")

    def join_ablation(self, name: str) -> None:
        """Make the run one of an ablation's, where it is none's yet."""
        if self.ablation is None:
            self.write_json("ablation.json", {"name": name})

    @property
    def trial(self) -> dict[str, Any] | None:
        """The search, the number and the setting of the trial that the run was trained for."""
        trial: dict[str, Any] | None = self.read_json("search.json")
        return trial

    def join_search(self, trial: Mapping[str, Any]) -> None:
        """Make the run one of a trial's, where it is nobody's yet.

        Args:
            trial: ``name`` of the search, ``trial`` its number, ``params`` short name to value.
        """
        if self.ablation is None and self.trial is None:
            self.write_json("search.json", trial)

    @property
    def finished(self) -> bool:
        return self.status.get("state") == "finished"

    def append_log(self, line: str) -> None:
        """Add one line to ``train.log``, headed by the time."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n")

    def append_record(self, record: Record) -> None:
        """Add one line to ``metrics.jsonl``, on the disk when this returns."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def records(self) -> list[dict[str, Any]]:
        """All records so far, by step; a line torn by a crash is left out."""
        try:
            lines = (self.path / "metrics.jsonl").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        records = []
        for line in lines:
            with suppress(ValueError):
                records.append(json.loads(line))
        return records

    def keep_records(self, up_to_step: int) -> None:
        """Forget records after a step: the checkpoint that training goes on from is older."""
        kept: Sequence[Record] = [r for r in self.records() if r["step"] <= up_to_step]
        self.write_text("metrics.jsonl", "".join(json.dumps(r) + "\n" for r in kept))

    def clear(self) -> None:
        """Remove what a former training left, to start anew.

        The lock stays, and so does the count of readings of the test split: looking at it,
        changing one's mind and training afresh is what that count is there to show.
        """
        test_reads = self.status.get("test_reads", 0)
        names = ["status.json", "result.json", "costs.json", "metrics.jsonl", "last.pt", "best.pt",
                 "train.log", "val_images.csv", "test_images.csv", "test_masks.npz"]
        for path in [*(self.path / n for n in names), *self.overlays.glob("*.png")]:
            path.unlink(missing_ok=True)
        if test_reads:
            self.update_status(test_reads=test_reads)


def find_runs(root: Path) -> list[RunFolder]:
    """Every run folder below a root (``<root>/<data set>/<run>/``), sorted by path."""
    return [RunFolder(path.parent) for path in sorted(root.glob("*/*/cell.json"))]
