"""The process that ``tests.warm`` forks programs from.

    python -m tests.warm_server SOCKET
"""

import atexit
import fcntl
import gc
import importlib
import json
import multiprocessing.util
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import termios
import threading
import traceback
import types
from contextlib import suppress
from pathlib import Path
from typing import Any

import cclcc_cli

_LIBRARIES = (
    "torch._dynamo", "torch.profiler", "scipy.stats", "matplotlib.style",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "fontTools.subset", "mlflow.store.tracking.sqlalchemy_store",
    "sqlalchemy.dialects.sqlite", "alembic.command", "optuna.storages.journal",
)
_AS_THEY_START = {"cclcc_cli.__main__", "cclcc_cli.launchers.preloaded"}


def main() -> None:
    """Fork a program for each request until the socket closes."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is pytest's affair
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as ``cclcc`` has it before torch loads
    before = dict(os.environ)
    _load()
    set_by_imports = {key: os.environ[key] for key in {*os.environ} - {*before}}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ends: dict[int, socket.socket] = {}
    while True:
        ready = _wait_for(requests.fileno(), reading)
        if reading in ready:
            os.read(reading, 4096)
            _tell_ends(ends)
        if requests.fileno() in ready:
            message, files, _, _ = socket.recv_fds(requests, 1 << 20, 4)
            if not message:
                return
            pid = os.fork()
            if not pid:
                for file in (reading, writing, requests, *ends.values()):
                    file.close() if isinstance(file, socket.socket) else os.close(file)
                os.close(files[0])
                _be(json.loads(message), files[1:], set_by_imports)
            ends[pid] = socket.socket(fileno=files[0])
            ends[pid].send(str(pid).encode())
            for file in files[1:]:
                os.close(file)


def _wait_for(*files: int) -> list[int]:
    return select.select(files, [], [])[0]


def _tell_ends(ends: dict[int, socket.socket]) -> None:
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with ends.pop(pid) as end, suppress(OSError):  # nobody listens any more
            end.send(str(status).encode())


def _load() -> None:
    for module in pkgutil.walk_packages(cclcc_cli.__path__, "cclcc_cli."):
        if module.name not in _AS_THEY_START:
            importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()  # collections in a child leave these objects alone, and their memory shared


def _be(request: dict[str, Any], streams: list[int], set_by_imports: dict[str, str]) -> None:
    """Be the program that was asked for, and end as it does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["session"]:
        os.setsid()
    elif request["group"] != -1:
        os.setpgid(0, request["group"])
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    if request["session"] and os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(set_by_imports | request["environment"])
    sys.modules["numpy"].random.seed()  # Python's own is sown afresh
    if {"ablate", "search"} & {*request["arguments"]}:
        _reserve_fork_server()
    code = 1
    try:
        code = _run(request["arguments"])
    finally:  # not through the interpreter's end, which would visit each object of each module
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)


def _reserve_fork_server() -> None:
    """Have a process ready that becomes the one that multiprocessing forks workers from.

    It has loaded what it would load; else each such program would load all of it once.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        ours.close()
        message, files, _, _ = socket.recv_fds(its, 1 << 16, 8)
        its.close()
        if message:
            code, numbers = json.loads(message)
            above = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, max(numbers) + 1) for file in files]
            for file in files:
                os.close(file)
            for file, number in zip(above, numbers, strict=True):
                os.dup2(file, number, inheritable=False)
                os.close(file)
            exec(code, {})
        os._exit(0)
    its.close()
    start = multiprocessing.util.spawnv_passfds

    def use(path: bytes, arguments: list[str], files: list[int]) -> int:
        if "forkserver" not in arguments[-1]:
            return start(path, arguments, files)
        with ours:
            socket.send_fds(ours, [json.dumps([arguments[-1], files]).encode()], files)
        multiprocessing.util.spawnv_passfds = start
        return pid

    multiprocessing.util.spawnv_passfds = use


def _run(arguments: list[str]) -> int:
    sys.orig_argv[:] = arguments
    _, how, *words = arguments
    try:
        if how == "-m":
            sys.path[0] = str(Path.cwd())
            sys.argv[:] = words
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
            return 0
        sys.argv[:] = [how, *words]
        sys.path[0] = ""
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        if how == "-c":
            code = sys.argv.pop(1)
            name = "<string>"
        else:
            code, name = Path(how).read_text(), how
            sys.path[0], module.__file__ = str(Path(how).parent), how
        exec(compile(code, name, "exec"), module.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
