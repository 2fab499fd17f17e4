"""Slurm jobs with the interface of ``concurrent.futures``, through submitit.

Calls that wait at the same time become one job array. States of jobs come from ``squeue``:
``sacct`` needs an accounting database, and many clusters have none. Jobs do not need this process:
if it dies they continue, save, requeue themselves and end, and another start finds their runs.
"""

import pickle
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, cast

from cclcc_cli.errors import LauncherError
from cclcc_cli.launchers.remote import CallFailed, WorkerLost, pack
from cclcc_cli.launchers.slurm_job import STOP_FILE, run_in_job

_P = ParamSpec("_P")
_T = TypeVar("_T")

SAVE_SECONDS = 60
"""Seconds before the time limit at which a job is warned; Slurm may be a minute early."""
PATIENCE = 300.0
"""Seconds for which submission is retried when the controller refuses jobs."""
_OVER = frozenset({
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
})


@dataclass
class _Job:
    """A submitted job; ``gone`` is when Slurm first said that it is over."""

    name: str
    future: Future[Any]
    result: Path
    log: Path
    gone: float | None = None


class SlurmPool(Executor):
    """Each call is a job.

    Args:
        folder: for jobs, their logs and results; every node must see it.
        name: of the jobs in the queue.
        cpus: cores of a job.
        options: further options of sbatch, by their long names.
        look_every: seconds between checks of results and queue.
        settle: seconds that the file of a job's result may take to appear on this machine.

    Raises:
        LauncherError: there is no Slurm, or it refuses the jobs.
    """

    def __init__(
        self, folder: Path, name: str, cpus: int, options: Mapping[str, str | Literal[True]],
        *, look_every: float = 2.0, settle: float = 10.0,
    ) -> None:
        self._name = f"cclcc-{name}"
        self._look_every, self._settle = look_every, settle
        given = {"cpus-per-task": cpus, "requeue": True, **options}
        _check(given)
        folder.mkdir(parents=True, exist_ok=True)
        # A folder for each start: a rebuilt cluster counts its jobs from 1 again.
        stamp = time.strftime("%Y%m%d-%H%M%S-")
        self.folder = Path(tempfile.mkdtemp(dir=folder.resolve(), prefix=stamp))
        import submitit

        self._submitter = submitit.SlurmExecutor(self.folder)
        self._submitter.update_parameters(
            job_name=self._name, time=None, wckey=None, signal_delay_s=SAVE_SECONDS,
            stderr_to_stdout=True, additional_parameters=given,
        )
        self._waiting: deque[tuple[bytes, Future[Any]]] = deque()
        self._jobs: list[_Job] = []
        self._refused_since: float | None = None
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Queue a call as a job.

        The future's exception is a WorkerLost if Slurm ended the job, a CallFailed if the call
        raised an exception.
        """
        future: Future[_T] = Future()
        with self._lock:
            self._waiting.append((pack(fn, args, kwargs), future))
        return future

    def shutdown(  # signature of the interface; running jobs are not waited for
        self, wait: bool = True, *, cancel_futures: bool = False  # noqa: ARG002
    ) -> None:
        """Stop watching; running jobs continue by themselves."""
        self._closed.set()
        if threading.current_thread() is not self._keeper:
            self._keeper.join()
        if not self._jobs and not any(self.folder.glob("*.out")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def terminate(self) -> None:
        """Ask running jobs to save and leave; those waiting in the queue are cancelled."""
        (self.folder / STOP_FILE).touch()
        with self._lock:
            while self._waiting:
                _payload, future = self._waiting.popleft()
                future.set_exception(WorkerLost("it was no longer submitted", blame=False))
            names = [job.name for job in self._jobs]
        if names:
            _run("scancel", "--state=PENDING", *names)
            _run("scancel", "--signal=INT", *names)

    def _keep(self) -> None:
        while not self._closed.wait(self._look_every if self._jobs else 0.2):
            with self._lock:
                batch, self._waiting = list(self._waiting), deque()
                if batch:
                    self._submit(batch)
            self._look()

    def _submit(self, batch: list[tuple[bytes, Future[Any]]]) -> None:
        from submitit.core.utils import FailedJobError

        try:
            with self._submitter.batch():
                jobs = [self._submitter.submit(run_in_job, payload, self.folder)
                        for payload, _ in batch]
        except FailedJobError as error:  # a controller that is restarting, or too many jobs
            now = time.monotonic()
            self._refused_since = self._refused_since or now
            if now - self._refused_since < PATIENCE:
                self._waiting.extendleft(reversed(batch))
                self._closed.wait(5)
                return
            reason = LauncherError(f"sbatch: {_one_line(str(error))}; running jobs continue")
            for _, future in batch:
                future.set_exception(reason)
            return
        self._refused_since = None
        for job, (_, future) in zip(jobs, batch, strict=True):
            paths = job.paths
            self._jobs.append(_Job(job.job_id, future, paths.result_pickle, paths.stdout))

    def _look(self) -> None:
        if not self._jobs:
            return
        states = _states(self._name)
        for job in list(self._jobs):
            if job.result.exists():
                _take_result(job)
            elif states is None or states.get(job.name, "COMPLETED") not in _OVER:
                job.gone = None  # no answer says nothing
                continue
            else:
                job.gone = job.gone or time.monotonic()
                if time.monotonic() - job.gone < self._settle:
                    continue
                job.future.set_exception(_describe_end(job, states.get(job.name)))
            self._jobs.remove(job)


def _take_result(job: _Job) -> None:
    how, value = pickle.loads(job.result.read_bytes())
    if how == "success":
        for path in job.result.parent.glob(f"{job.name}_*"):
            path.unlink()
        job.future.set_result(value)
    else:
        job.future.set_exception(CallFailed(f"{value.strip().splitlines()[-1]} (log {job.log})"))


def _describe_end(job: _Job, state: str | None) -> WorkerLost:
    """What Slurm did, with the end of the job's log if there is one."""
    word = (state or "gone from the queue").replace("_", " ").lower()
    lines: list[str] = []
    with suppress(OSError):
        lines = [line for line in job.log.read_text(errors="replace").splitlines()
                 if line.strip() and (not line.startswith("srun: ") or "error" in line)]
    said = f", which ends: {lines[-1].strip()[:200]}" if lines else " is empty"
    return WorkerLost(f"its Slurm job {job.name} ended without a result ({word}); log {job.log}"
                      f"{said}", blame=state not in ("PREEMPTED", "NODE_FAIL", "BOOT_FAIL"))


def _states(job_name: str) -> dict[str, str] | None:
    """The states of all jobs of a name by id, including ended ones that Slurm remembers."""
    asked = _run("squeue", "--noheader", "--array", "--states=all", f"--name={job_name}",
                 "--format=%i %T")
    if asked.returncode != 0:
        return None
    return dict(cast(tuple[str, str], tuple(line.split())) for line in asked.stdout.splitlines())


def _check(options: Mapping[str, object]) -> None:
    """Have sbatch check its options without submitting anything.

    Raises:
        LauncherError: sbatch refuses them, or is missing.
    """
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise LauncherError("--launcher slurm: sbatch and srun are not on this machine; start from "
                            "a login node of the cluster")
    flags = [f"--{key}" if value is True else f"--{key}={value}" for key, value in options.items()]
    asked = _run("sbatch", "--test-only", *flags, "--wrap=true")
    if asked.returncode != 0:
        raise LauncherError(
            f"Slurm refuses the jobs: {_one_line(asked.stderr)}; see --slurm")


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} does not answer")


def _one_line(text: str) -> str:
    lines: Iterable[str] = (line.strip() for line in text.splitlines())
    return " ".join(line for line in lines if line)[:300]
