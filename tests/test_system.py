"""What other systems lack is used in one module, behind something that stands for it."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest

import cclcc_cli
from cclcc_cli.system import available_cores, lock_open_file, peak_memory

PACKAGE = Path(cclcc_cli.__file__).parent
MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix"}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def at_import(tree):
    """Attributes of ``signal`` and ``os`` that are looked up when the module is imported."""
    later = [node for node in ast.walk(tree)
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    inside = {id(node) for function in later for part in ast.iter_child_nodes(function)
              for node in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inside and (
                isinstance(node.value, ast.Name)):
            yield f"{node.value.id}.{node.attr}"


def test_no_module_needs_what_windows_lacks():
    lacking = {"signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGHUP", "signal.SIGKILL",
               "os.getuid", "os.geteuid", "os.sched_getaffinity", "os.fork", "os.mkfifo"}
    found = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = MODULES & set(imported(tree)) if path.name != "system.py" else set()
        found += [(path.name, name) for name in names | (lacking & set(at_import(tree)))]
    assert found == []


def test_cores_and_memory_of_this_process():
    assert 1 <= available_cores() <= os.cpu_count()
    before = peak_memory()
    assert np.ones(before // 8 + 2**20).nbytes > before  # more than it ever held
    assert peak_memory() > before + 2**20


def test_who_reads_shares_a_lock_and_who_removes_does_not(tmp_path):
    (tmp_path / "a").touch()
    first, second, third = (os.open(tmp_path / "a", os.O_RDONLY) for _ in range(3))
    lock_open_file(first, shared=True)
    lock_open_file(second, shared=True)
    with pytest.raises(BlockingIOError):
        lock_open_file(third, shared=False)
    os.close(first)
    os.close(second)
    lock_open_file(third, shared=False)
    os.close(third)
