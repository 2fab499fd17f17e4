"""A call in a child process of a Dask worker.

Signals reach a process's main thread only, and a Dask worker runs calls in other threads; a thread
cannot be killed; and a call that runs out of memory would take the worker down. A child process can
be asked to save and leave, can be killed, and leaves by itself when its worker dies.

    python -m cclcc_cli.launchers.child    # length and payload in, the result out
"""

import os
import pickle
import platform
import signal
import subprocess
import sys
import threading
import traceback
from typing import Any

from cclcc_cli.launchers.remote import CallFailed, WorkerLost, call
from cclcc_cli.runs.interrupt import stop_on_signals

_LENGTH = 8
_children: dict[str, set["subprocess.Popen[bytes]"]] = {}
_stopped: set[str] = set()
_lock = threading.Lock()


def run_in_child(payload: bytes, owner: str) -> Any:
    """Make a call in a child of this process.

    Args:
        payload: of ``remote.pack``.
        owner: identifies the calls that ``stop_children`` stops.

    Raises:
        WorkerLost: the child died, or its owner has stopped all its calls.
        CallFailed: the call raised an exception.
    """
    with _lock:
        if owner in _stopped:
            raise WorkerLost("it was no longer started", blame=False)
        child = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, process_group=0)
        _children.setdefault(owner, set()).add(child)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        # stdin stays open: when it closes, the child knows that we are gone.
        try:
            child.stdin.write(len(payload).to_bytes(_LENGTH) + payload)
            child.stdin.flush()
            result = child.stdout.read()
        except BrokenPipeError:
            result = b""
        code = child.wait()
    finally:
        child.stdin.close()
        child.stdout.close()
        with _lock:
            _children[owner].discard(child)
    if code != 0:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        raise WorkerLost(f"its process on {platform.node()} {how}")
    how, value = pickle.loads(result)
    if how == "failed":
        raise CallFailed(value)
    return value


def stop_children(owner: str) -> int:
    """Ask all calls of an owner in this process to save and leave, and start no more of them.

    Returns:
        The number of calls that were running.
    """
    with _lock:
        _stopped.add(owner)
        running = [child for child in _children.get(owner, ()) if child.poll() is None]
        for child in running:
            child.terminate()
    return len(running)


def main() -> None:
    """Be the child."""
    with stop_on_signals():
        answer = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # anything printed goes to stderr, not into the answer
        length = int.from_bytes(_read(_LENGTH))
        payload = _read(length)
        threading.Thread(target=_follow_parent, daemon=True).start()
        try:
            result = ("done", call(payload))
        except Exception as error:  # not every exception can be pickled
            traceback.print_exc()
            result = ("failed", f"{type(error).__name__}: {error}")
    with answer:
        answer.write(pickle.dumps(result))


def _read(length: int) -> bytes:
    """Read bytes from stdin, unbuffered: the thread would hold a buffer's lock until the end."""
    content = b""
    while len(content) < length and (more := os.read(0, length - len(content))):
        content += more
    return content


def _follow_parent() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)  # training saves and leaves


if __name__ == "__main__":
    main()
