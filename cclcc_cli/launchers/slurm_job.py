"""The job's side of Slurm: a call that is stopped saves, requeues its job and continues there.

The signals that Slurm sends, and what happens once the call has saved and left:

    SIGUSR2   some time before the time limit      the job is requeued
    SIGTERM   on preemption                        the job is requeued
    SIGTERM   on scancel                           the job ends without a result
    SIGINT    the launcher stops all its jobs      the result says that it stopped
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cclcc_cli.launchers.remote import call
from cclcc_cli.runs.interrupt import StopRequest, stop_on_signals
from cclcc_cli.system import WARNING

STOP_FILE = "stop"
"""In the jobs' folder; a job that starts when it exists stops at once."""


def run_in_job(payload: bytes, folder: Path) -> Any:
    """Make a call within a Slurm job.

    Args:
        payload: of ``remote.pack``; the call returns a TaskOutcome.
        folder: of the jobs.
    """
    with stop_on_signals() as stop:
        if (folder / STOP_FILE).exists():
            signal.raise_signal(signal.SIGINT)  # it was sent before we could handle it
        outcome = call(payload)
        if outcome.ending == "stopped" and stop.signal_number in (WARNING, signal.SIGTERM):
            _requeue(stop)
    return outcome


def _requeue(stop: StopRequest) -> None:
    """Requeue the job; returns if Slurm refuses.

    Raises:
        SystemExit: the job was requeued or cancelled, and leaves no result.
    """
    job = os.environ["SLURM_JOB_ID"]
    asked = ["squeue", "--noheader", "--jobs", _own_name(job), "--format", "%T"]
    state = subprocess.run(asked, capture_output=True, text=True, check=False)
    if state.returncode == 0 and state.stdout.strip() != "RUNNING":
        print(f"job {job} was cancelled; its state is saved", flush=True)
        sys.exit(128 + signal.SIGTERM)
    print(f"stopped by {signal.Signals(stop.signal_number or 0).name}; job {job} is requeued",
          flush=True)
    given = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True,
                           check=False)
    if given.returncode == 0:
        time.sleep(120)  # Slurm ends it
        sys.exit(128 + signal.SIGTERM)
    print(f"scontrol requeue {job}: {given.stderr.strip()}", flush=True)


def _own_name(job: str) -> str:
    """The job's id for squeue; an array task's plain id would match other tasks too."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else job
