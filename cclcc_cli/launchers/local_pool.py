"""Workers on this machine, with the interface of ``concurrent.futures``.

Each worker is an executor of its own: one that is killed breaks no other, and is replaced.
Workers are forked from a process that has loaded what they need, once for all of them, and that
starts with the first of them; the process that hands out calls loads none of it.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_orphaned = threading.Event()


class LocalPool(Executor):
    """Worker processes, which start when they are first needed.

    Args:
        workers: how many; ``submit`` accepts no more calls at once.
        gpus: numbers among the GPUs that this process sees, assigned to the workers in turn; if
            empty, each worker sees the same GPUs as this process.
        preload: modules that calls will import; importing them must not look for a GPU.
    """

    def __init__(
        self, workers: int, gpus: Sequence[int] = (), preload: Sequence[str] = ()
    ) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["cclcc_cli.launchers.preloaded", *preload])
        names = visible_gpus(gpus)
        self._gpus = [names[i % len(names)] if names else None for i in range(workers)]
        self._workers: list[ProcessPoolExecutor] = [self._new_worker(gpu) for gpu in self._gpus]
        self._calls: list[Future[object] | None] = [None] * workers

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Have a free worker make a call.

        The future's exception is a BrokenProcessPool if the worker's process died.
        """
        index = next(i for i, call in enumerate(self._calls) if call is None or call.done())
        try:
            future = self._workers[index].submit(fn, *args, **kwargs)
        except BrokenProcessPool:  # killed in the previous call, or while it was idle
            self._workers[index].shutdown(wait=False)
            self._workers[index] = self._new_worker(self._gpus[index])
            future = self._workers[index].submit(fn, *args, **kwargs)
        self._calls[index] = future  # type: ignore[assignment]  # Future is invariant
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for worker in self._workers:
            worker.shutdown(wait=wait, cancel_futures=cancel_futures)

    def terminate(self) -> None:
        """Ask every process to save and leave; an idle one leaves at once."""
        for process in multiprocessing.active_children():
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)

    def _new_worker(self, gpu: str | None) -> ProcessPoolExecutor:
        given = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
        return ProcessPoolExecutor(1, mp_context=self._context, initializer=_start_process,
                                   initargs=({**os.environ, **given},))


def leave_if_orphaned() -> None:
    """End this worker's process if its parent is gone: nothing else would ever end it."""
    if _orphaned.is_set():
        os._exit(1)


def visible_gpus(gpus: Sequence[int]) -> list[str]:
    """Names of GPUs for CUDA_VISIBLE_DEVICES: this process may itself see only some of them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    ours = None if given is None else [name.strip() for name in given.split(",")]
    return [str(gpu) if ours is None else ours[gpu] for gpu in gpus]


def _start_process(environment: dict[str, str]) -> None:
    os.environ.clear()  # that of the process we were forked from
    os.environ.update(environment)  # CUDA reads it at its first use
    # Ctrl-C in a terminal reaches a whole group; the parent alone should get it, and asks us once.
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    _orphaned.set()
    os.kill(os.getpid(), signal.SIGTERM)  # training saves and leaves; an idle worker ends here
