"""Python programs that start without their imports: forked from a process that has them loaded.

``Popen`` and ``run`` are those of ``subprocess`` for commands of the form ``[sys.executable, "-m",
module, ...]``, ``[sys.executable, "-c", code, ...]`` or ``[sys.executable, script, ...]``. Such a
program has a process id, process group, signal handlers, working folder, environment, arguments
and streams of its own, ends with a code or by a signal, and can be killed. Importing torch, MLflow
and the rest would cost each several seconds of CPU.

What differs: modules are loaded that the program may not ask for, and memory is counted that it
shares. Programs that look at either are started with ``subprocess``. One whose environment has
other values for what Python or a library reads as it loads is started anew here as well.
"""

import atexit
import functools
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

_ENVIRONMENT = dict(os.environ)  # before any test changes it
_READ_AT_START = ("OMP_", "MKL_", "CUDA_", "LD_", "PYTHON", "HF_", "TORCH_", "XDG_")


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """``subprocess.Popen`` whose process the server forks; a terminal as stdin of a new session
    becomes its controlling terminal."""

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env,  # type: ignore[no-untyped-def]
                       startupinfo, creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite,
                       errread, errwrite, *others):
        assert (executable, preexec_fn, pass_fds, shell) == (None, None, (), False), (
            "start it with subprocess")
        *_, start_new_session, process_group = others
        arguments = [os.fspath(word) for word in args]
        assert arguments[0] == sys.executable, args
        environment = dict(os.environ if env is None else env)
        self._end = None
        if _settings(environment) != _settings(_ENVIRONMENT):
            super()._execute_child(
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo,
                creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
                *others)
            return
        self._end, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "arguments": arguments, "environment": environment,
            "folder": os.fspath(cwd or Path.cwd()), "session": start_new_session,
            "group": process_group,
        }
        streams = [given if given != -1 else usual for usual, given in
                   enumerate((p2cread, c2pwrite, errwrite))]
        with end:
            socket.send_fds(_server(), [json.dumps(request).encode()], [end.fileno(), *streams])
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        self.pid = int(self._end.recv(64))
        self._child_created = True

    def _try_wait(self, wait_flags):  # type: ignore[no-untyped-def]
        """As ``os.waitpid``, which is for one's own children."""
        if self._end is None:
            return super()._try_wait(wait_flags)
        if wait_flags & os.WNOHANG and not select.select([self._end], [], [], 0)[0]:
            return 0, 0
        with self._end:
            return self.pid, int(self._end.recv(64))

    def _internal_poll(self, _deadstate=None):  # type: ignore[no-untyped-def]
        if self._end is None:
            return super()._internal_poll(_deadstate)
        with self._waitpid_lock:
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
        return self.returncode


def run(
    command: Sequence[Any], *, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, **options: Any,
) -> "subprocess.CompletedProcess[Any]":
    """``subprocess.run`` by ``Popen``, with the options that tests use."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(command, **options) as process:
        try:
            out, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
    if check:
        done.check_returncode()
    return done


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {k: value for k, value in environment.items() if k.startswith(_READ_AT_START)}


@functools.cache
def _server() -> socket.socket:
    """The end of a socket that takes requests; when it closes, the server ends."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_server", str(its.fileno())], cwd=ROOT,
            env=_ENVIRONMENT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
