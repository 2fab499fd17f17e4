"""Web servers of other packages as child processes that never outlive this one.

Run as a program, this module is the guard between this process and a server: it ends the server
and all that the server has started once the pipe it is given closes, which happens however this
process ends.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.errors import RunError

_PATIENCE = 300.0
"""Seconds for a server to answer; MLflow's takes 12 to 18 on an idle machine."""
_GRACE = 10.0
"""Seconds between asking a server to end and killing it."""


@dataclass(frozen=True)
class Server:
    """A server to start.

    Attributes:
        name: for people.
        command: what starts it.
        url: the address at which it will answer.
        environment: variables in addition to this process's own.
    """

    name: str
    command: Sequence[str]
    url: str
    environment: Mapping[str, str]


class Running:
    """A server that has answered."""

    def __init__(self, server: Server, guard: "subprocess.Popen[bytes]", log: Path) -> None:
        self._server, self._guard, self._log = server, guard, log

    def check(self) -> None:
        """Check that it is still running.

        Raises:
            RunError: it has ended by itself.
        """
        if self._guard.poll() is not None:
            raise RunError(f"{self._server.name} has ended: {_last_words(self._log)}")


def choose_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        RunError: another process listens there, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise RunError(f"port {port} at {host} cannot be used ({reason}); give another one, "
                           "or 0 for any free port") from None
        return int(probe.getsockname()[1])


@contextmanager
def running(server: Server) -> Iterator[Running]:
    """Start a server; it answers inside the block, and is gone with its children afterwards.

    Raises:
        RunError: it ended, or did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="cclcc-") as folder:
        log = Path(folder) / "log"
        reading, writing = os.pipe()
        with log.open("wb") as file:
            guard = subprocess.Popen(
                [sys.executable, "-m", "cclcc_cli.tracking.servers", str(reading),
                 *server.command],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=folder,
                env={**os.environ, **server.environment, "PYTHONPATH": _search_path()},
                pass_fds=(reading,), process_group=0,
            )
        os.close(reading)
        try:
            started = Running(server, guard, log)
            deadline = time.monotonic() + _PATIENCE
            while not answers(server.url):
                started.check()
                if time.monotonic() > deadline:
                    raise RunError(f"{server.name} does not answer at {server.url}: "
                                   f"{_last_words(log)}")
                time.sleep(0.2)
            yield started
        finally:
            os.close(writing)
            guard.wait()


def answers(url: str) -> bool:
    """Whether a web server answers at an address, with any status."""
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def _search_path() -> str:
    """Where Python finds this package, for a child in another folder."""
    return os.pathsep.join(str(Path(path).resolve()) for path in sys.path)


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:300] if said else "it printed nothing"


def _guard(end: int, command: Sequence[str]) -> int:
    """Be the parent of a command until it ends, or until the pipe closes."""
    child = subprocess.Popen(command)
    threading.Thread(target=_end_after, args=(end,), daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # meant for the rest of the group
    code = child.wait()
    _end_group(signal.SIGTERM)
    return code


def _end_after(end: int) -> None:
    os.read(end, 1)  # nothing is written: this returns when the other end closes
    _end_group(signal.SIGTERM)
    time.sleep(_GRACE)
    _end_group(signal.SIGKILL)  # this process as well


def _end_group(number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(0, number)


if __name__ == "__main__":
    sys.exit(_guard(int(sys.argv[1]), sys.argv[2:]))
