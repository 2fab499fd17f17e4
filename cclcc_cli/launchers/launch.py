"""Workers on any machine behind one small interface: an executor, and a way to stop its calls.

    runtime = settle_runtime(launch, device, precision, workers=2, fixed_threads=None)
    with open_launcher(launch, workers=2, threads=runtime.cpu_threads, name="small",
                       folder=runs / "ablations" / "small" / "jobs") as launcher:
        future = launcher.executor.submit(run_task, task)    # at most 2 at once
        launcher.terminate()                                 # running calls save and leave

A call is a module's function with plain values and absolute paths, and its result a
``TaskOutcome``, whose ending ``stopped`` means that the same call continues from what it saved. A
future's exception is a BrokenExecutor (``WorkerLost`` says how) if the worker died, and a
LauncherError if the cluster is gone.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from cclcc_cli.config.launch import DaskLaunch, Launch, LocalLaunch, SlurmLaunch
from cclcc_cli.errors import LauncherError, RunError
from cclcc_cli.launchers.local_pool import LocalPool
from cclcc_cli.launchers.threads import choose_threads
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime

if TYPE_CHECKING:
    from cclcc_cli.launchers.dask_pool import DaskPool
    from cclcc_cli.launchers.slurm_pool import SlurmPool

    _Pool = LocalPool | SlurmPool | DaskPool


@dataclass(frozen=True)
class Launcher:
    """An open launcher.

    Attributes:
        executor: of ``concurrent.futures``; accepts as many calls at once as it has workers.
        terminate: asks all running calls to save and leave; the second time, to leave at once.
    """

    executor: Executor
    terminate: Callable[[], None]


def settle_runtime(
    launch: Launch, device: Device, precision: Precision, *, workers: int,
    fixed_threads: int | None,
) -> Runtime:
    """Device, precision and threads of every run, as the machines support them.

    Args:
        launch: the machines.
        device: asked for.
        precision: asked for.
        workers: runs at once.
        fixed_threads: those of a file or of an earlier start, which are kept.

    Raises:
        RunError: the machines do not support it.
        LauncherError: the cluster does not answer.
    """
    match launch:
        case LocalLaunch(gpus=gpus):
            runtime = resolve_runtime(device, precision)
            if gpus:
                _check_gpus(gpus, runtime)
            return replace(runtime, threads=choose_threads(fixed_threads, workers))
        case SlurmLaunch():
            return _slurm_runtime(launch, device, precision, fixed_threads)
        case DaskLaunch(scheduler=scheduler):
            _need("distributed", "dask")
            from cclcc_cli.launchers.dask_pool import settle_on_workers

            return settle_on_workers(scheduler, device, precision, workers, fixed_threads)
        case never:
            assert_never(never)


@contextmanager
def open_launcher(
    launch: Launch, *, workers: int, threads: int, name: str, folder: Path,
    shared: tuple[Path, ...] = (), preload: tuple[str, ...] = (),
) -> Iterator[Launcher]:
    """Workers for as long as the block lasts; an exception in it stops all calls.

    Args:
        launch: the machines.
        workers: calls at once.
        threads: CPU threads of a call.
        name: of the ablation or search, shown in the cluster's queue.
        folder: for files of jobs; all machines must see it.
        shared: folders of data and runs, which all machines must see under the same paths.
        preload: modules that calls will import, for local workers to share.

    Raises:
        LauncherError: the cluster does not answer or refuses the jobs.
    """
    pool: _Pool
    match launch:
        case LocalLaunch(gpus=gpus):
            pool = LocalPool(workers, gpus, preload)
        case SlurmLaunch(options=options):
            _need("submitit", "slurm")
            from cclcc_cli.launchers.slurm_pool import SlurmPool

            pool = SlurmPool(folder, name, threads, options)
        case DaskLaunch(scheduler=scheduler):
            _need("distributed", "dask")
            from cclcc_cli.launchers.dask_pool import DaskPool

            pool = DaskPool(scheduler, shared)
        case never:
            assert_never(never)
    with pool:
        try:
            yield Launcher(pool, pool.terminate)
        except BaseException:
            pool.terminate()  # no one would wait for the calls
            raise


def _need(package: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise LauncherError(f"--launcher {extra} needs the package {package}: "
                            f"pip install 'cclcc[{extra}]'")


def _check_gpus(gpus: tuple[int, ...], runtime: Runtime) -> None:
    listed = ",".join(map(str, gpus))
    if runtime.device != "cuda":
        raise RunError(f"--gpus {listed}: runs compute on {runtime.device} here; leave it out, or "
                       "give --device cuda on a machine with GPUs")
    import torch  # not needed when all runs are done

    count = torch.cuda.device_count()
    absent = [str(gpu) for gpu in gpus if gpu >= count]
    if absent:
        raise RunError(f"--gpus {listed}: no GPU {', '.join(absent)} here; there are {count}, "
                       "numbered from 0")


def _slurm_runtime(
    launch: SlurmLaunch, device: Device, precision: Precision, fixed_threads: int | None
) -> Runtime:
    """The runtime of jobs: this machine, a login node perhaps, may have other devices.

    It is checked again where a run starts.
    """
    threads = fixed_threads or launch.cpus or 1
    if launch.cpus is not None and threads > launch.cpus:
        raise RunError(f"--slurm cpus-per-task={launch.cpus}: each run of this plan has {threads} "
                       "threads; give as many cores, or write threads: 1 into the file, which "
                       "changes the runs' identity")
    if not launch.asks_for_gpu:
        if device == "cuda":
            raise RunError("--device cuda: the jobs ask for no GPU; give --slurm gpus-per-node=1")
        return replace(resolve_runtime("cpu", precision), threads=threads)
    if device == "cpu":
        raise RunError("--device cpu: the jobs ask for a GPU; leave that --slurm option out")
    if precision == "auto":
        raise RunError("--precision auto: this machine cannot see the GPUs of the jobs; give "
                       "bf16, fp16 or fp32")
    return Runtime("cuda", precision, threads=threads)
