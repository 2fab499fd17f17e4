"""The job's side of Slurm: a call that is stopped saves, queues its job again and goes on there.

What Slurm sends, and what becomes of a call that saved and left because of it:

    SIGUSR2   a while before the time limit        the job is queued again
    SIGTERM   pushed out by a more urgent job      the job is queued again
    SIGTERM   scancel                              the job ends without a result
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
from cclcc_cli.runs.interrupt import WARNING, StopRequest, stop_on_signals

STOP_FILE = "stop"
"""In the jobs' folder: whoever starts now need not."""


def run_in_job(payload: bytes, folder: Path) -> Any:
    """Do a call within a Slurm job.

    Args:
        payload: of ``remote.pack``; its result is an Outcome.
        folder: of the jobs.
    """
    with stop_on_signals() as stop:
        if (folder / STOP_FILE).exists():
            signal.raise_signal(signal.SIGINT)  # it came before we could hear it
        outcome = call(payload)
        if outcome.ending == "stopped" and stop.signal_number in (WARNING, signal.SIGTERM):
            _queue_again(stop)
    return outcome


def _queue_again(stop: StopRequest) -> None:
    """Hand the job back to Slurm; returns where Slurm does not take it.

    Raises:
        SystemExit: the job was cancelled, and leaves no result.
    """
    job = os.environ["SLURM_JOB_ID"]
    asked = ["squeue", "--noheader", "--jobs", _own_name(job), "--format", "%T"]
    state = subprocess.run(asked, capture_output=True, text=True, check=False)
    if state.returncode == 0 and state.stdout.strip() != "RUNNING":
        print(f"job {job} was cancelled; its state is saved", flush=True)
        sys.exit(128 + signal.SIGTERM)
    print(f"stopped by {signal.Signals(stop.signal_number or 0).name}; job {job} queues again",
          flush=True)
    given = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True,
                           check=False)
    if given.returncode == 0:
        time.sleep(120)  # it is ended by Slurm
        sys.exit(128 + signal.SIGTERM)
    print(f"scontrol requeue {job}: {given.stderr.strip()}", flush=True)


def _own_name(job: str) -> str:
    """Of a task of an array, whose plain number would name others too."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else job
