"""What a run ran on; written into its folder before it runs."""

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from cclcc_cli import __version__
from cclcc_cli.addresses import without_secrets
from cclcc_cli.runs.records import EnvironmentRecord

_PACKAGES = ("torch", "numpy", "albumentations", "opencv-python-headless", "scipy", "pydantic",
             "mlflow", "optuna", "timm")


def describe_environment() -> EnvironmentRecord:
    """Versions, machine, git commit of the working directory and the command."""
    commit = _git("rev-parse", "HEAD")
    return EnvironmentRecord(
        cclcc=__version__,
        python=platform.python_version(),
        packages={name: _version(name) for name in _PACKAGES},
        platform=platform.platform(),
        cpu=platform.processor() or platform.machine(),
        cores=os.cpu_count(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        git_commit=commit,
        git_dirty=_is_dirty() if commit else None,
        command=shlex.join([Path(sys.argv[0]).name, *map(without_secrets, sys.argv[1:])]),
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _is_dirty() -> bool | None:
    """Whether files differ from the commit; None where only the repository's filters could tell.

    Git runs the filters that a configuration names, and cannot be told to leave them out.
    """
    filters = _git("config", "--includes", "--show-scope", "--get-regexp", r"^filter\.") or ""
    if any(line.startswith(("local", "worktree")) for line in filters.splitlines()):
        return None
    changes = _git("status", "--porcelain", "--ignore-submodules=dirty")
    return None if changes is None else bool(changes)


def _git(*arguments: str) -> str | None:
    """Git's answer in the current folder, or None without git or a repository.

    The repository may come from anybody: no monitor, hook or transport that it names is run.
    """
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-c", "core.fsmonitor=false",
             "-c", f"core.hooksPath={os.devnull}", *arguments],
            capture_output=True, text=True, timeout=10, check=False,
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
