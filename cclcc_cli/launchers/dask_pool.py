"""Dask's workers with the interface of ``concurrent.futures``, through Dask's own executor.

Each call is a child process of its worker (see ``child``), so that a worker may have any number of
threads. If this process dies, running calls finish by themselves and waiting ones are dropped.
"""

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import distributed
from distributed.client import Client

from cclcc_cli.errors import LauncherError, RunError
from cclcc_cli.launchers.child import run_in_child, stop_children
from cclcc_cli.launchers.remote import WorkerLost, pack
from cclcc_cli.system import available_cores
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime

_P = ParamSpec("_P")
_T = TypeVar("_T")

CONNECT_SECONDS = 10


class DaskPool(Executor):
    """Each call is a Dask task.

    Args:
        scheduler: its address.
        shared: folders that every worker must see.

    Raises:
        LauncherError: no scheduler or no workers, or a worker does not see a folder.
    """

    def __init__(self, scheduler: str, shared: tuple[Path, ...] = ()) -> None:
        self._scheduler, self._token = scheduler, uuid.uuid4().hex
        self._client = connect(scheduler)
        try:
            for folder in shared:
                _check_sees(self._client, folder)
        except LauncherError:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Have a worker make a call; the future's exception is a WorkerLost if its process died."""
        outer: Future[_T] = Future()
        inner = self._executor.submit(run_in_child, pack(fn, args, kwargs), self._token)
        inner.add_done_callback(lambda done: self._pass_on(done, outer))
        return outer

    def shutdown(  # signature of the interface; running calls are not waited for
        self, wait: bool = True, *, cancel_futures: bool = False  # noqa: ARG002
    ) -> None:
        self._client.close()

    def terminate(self) -> None:
        """Ask running calls to save and leave; waiting ones are not started."""
        try:
            self._client.run(stop_children, self._token, on_error="ignore")
        except (OSError, TimeoutError, RuntimeError) as error:
            raise LauncherError(f"the Dask scheduler at {self._scheduler} does not answer "
                                f"({error}); running runs continue there") from None

    def _pass_on(self, inner: "Future[Any]", outer: "Future[Any]") -> None:
        if inner.cancelled():  # happens only when the scheduler is gone
            outer.set_exception(LauncherError(
                f"the Dask scheduler at {self._scheduler} is gone; start it and give the same "
                "command again"))
            return
        error = inner.exception()
        if error is None:
            outer.set_result(inner.result())
        elif isinstance(error, distributed.scheduler.KilledWorker):
            outer.set_exception(WorkerLost("the Dask workers that ran it died one after another"))
        else:
            outer.set_exception(error)


def connect(scheduler: str) -> Client:
    """A client of a scheduler that has workers.

    Raises:
        LauncherError: it does not answer, or has none.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we report it ourselves
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LauncherError(f"--scheduler {scheduler}: no Dask scheduler answers ({reason}); start "
                            "one with: dask scheduler") from None
    if not client.nthreads():
        client.close()
        raise LauncherError(f"--scheduler {scheduler}: it has no workers; start some with: "
                            f"dask worker {scheduler}")
    return client


def settle_on_workers(
    scheduler: str, device: Device, precision: Precision, workers: int, fixed_threads: int | None
) -> Runtime:
    """A device and precision that all workers support, and threads that fit every machine.

    Raises:
        LauncherError: no scheduler or no workers, or a worker without cclcc.
        RunError: they do not support it, or differ where ``auto`` was to choose.
    """
    with connect(scheduler) as client:
        chosen: dict[str, Runtime] = _ask(client, resolve_runtime, device, precision)
        cores: dict[str, tuple[str, int]] = _ask(client, describe_machine)
        slots = client.nthreads()
    if len(set(chosen.values())) > 1:
        listed = "; ".join(f"{worker}: {one.device} {one.precision}"
                           for worker, one in sorted(chosen.items()))
        raise RunError(f"Dask's workers differ ({listed}); give --device and --precision")
    at_once: dict[tuple[str, int], int] = {}
    for worker, machine in cores.items():
        at_once[machine] = at_once.get(machine, 0) + slots.get(worker, 1)
    # Machines are filled in any order, so each must cope with as many calls as it may get.
    most = {machine: min(workers, calls) for machine, calls in at_once.items()}
    threads = fixed_threads or 1
    for (host, count), calls in most.items():
        if threads > 1 and threads * calls > count:
            raise RunError(f"{host} may get {calls} runs of {threads} threads each but has "
                           f"{count} cores; start its workers with fewer --nthreads, or write "
                           "threads: 1 into the file, which changes the runs' identity")
    return replace(next(iter(chosen.values())), threads=threads)


def describe_machine() -> tuple[str, int]:
    """A worker's machine and its cores."""
    import platform

    return platform.node(), available_cores()


def _check_sees(client: Client, folder: Path) -> None:
    blind = [worker for worker, sees in _ask(client, _sees, str(folder)).items() if not sees]
    if blind:
        raise LauncherError(f"Dask worker {blind[0]} does not see {folder}: data and runs must be "
                            "in folders that every machine has under the same path")


def _sees(folder: str) -> bool:
    return Path(folder).is_dir()


def _ask(client: Client, function: Callable[..., _T], *args: Any) -> dict[str, _T]:
    try:
        answers: dict[str, _T] = client.run(function, *args)
    except RunError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise LauncherError(f"a Dask worker cannot run cclcc ({type(error).__name__}: {reason}); "
                            "install the same version on all") from None
    return answers
