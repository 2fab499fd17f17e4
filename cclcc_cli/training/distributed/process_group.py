"""The distributed context of several processes: torch's collectives, gloo or nccl for GPUs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import Protocol, TypeVar

import torch
import torch.distributed as dist

# Optimisers load it later, and then it keeps the group that is open, in default arguments.
import torch.distributed.nn.functional
from torch import Tensor

from cclcc_cli.data.loading import RawBatch
from cclcc_cli.data.sampling import part_of
from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.methods.base import Method
from cclcc_cli.models.network import Network
from cclcc_cli.processes import MEETING, ProcessRank
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.distributed.split_passes import SplitPasses
from cclcc_cli.training.runtime import Runtime

T = TypeVar("T")

_FAILURE = "failure"
_PATIENCE = timedelta(seconds=5)
"""For the reason of a process that has gone."""


class _Store(Protocol):
    """What is used of torch's stores."""

    def compare_set(self, key: str, expected: str, desired: str) -> bytes: ...
    def wait(self, keys: list[str], timeout: timedelta) -> None: ...
    def get(self, key: str) -> bytes: ...


@contextmanager
def open_context(place: ProcessRank) -> Iterator[DistributedContext]:
    """Meet the other processes; inside, none goes on without the others.

    Raises:
        RunError: one of them was lost.
    """
    if place.size == 1:
        yield SINGLE_PROCESS
        return
    if MEETING in os.environ:
        store = dist.FileStore(os.environ[MEETING], place.size)  # type: ignore[attr-defined]
    else:
        store, _, _ = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.size)
    context = MultiProcess(place, store)
    try:
        yield context
    finally:
        context.leave()


class MultiProcess:
    """Implements ``DistributedContext`` for the ranks of a process group.

    Args:
        place: this process's.
        store: what all of them can read and write while some are gone.
    """

    def __init__(self, place: ProcessRank, store: _Store) -> None:
        assert dist.group.WORLD is not None
        self.rank, self.size = place.rank, place.size
        self._local_rank = place.local_rank
        self._store = store
        self._device = torch.device("cpu")
        self._splitting = SplitPasses(dist.group.WORLD, self.rank, self.size)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def leave(self) -> None:
        """Take no part any more; the group goes, and its threads with it.

        One that still lives when the interpreter ends may let go of a tensor then, for which torch
        aborts the process.
        """
        del self._splitting.group
        dist.destroy_process_group()

    def use(self, runtime: Runtime) -> None:
        self._device = runtime.torch_device
        if runtime.device == "mps":
            raise RunError("--device mps: several processes need a CPU or CUDA devices")
        if runtime.device == "cuda":
            there = torch.cuda.device_count()
            if self._local_rank >= there:
                raise RunError(f"each process needs a GPU of its own, and this machine has "
                               f"{there}; start {there} processes on it")
            torch.cuda.set_device(self._local_rank)
            group = dist.new_group(backend="nccl")
            self._splitting = SplitPasses(group, self.rank, self.size)

    @contextmanager
    def together(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not _is_loss_of_another(error):
                self._tell(error)
                raise
            raise RunError(self._reason()) from error

    def split_networks(self, method: Method) -> None:
        for module in method.modules():
            if isinstance(module, Network):
                self._splitting.split(module)

    def splitting(self) -> AbstractContextManager[None]:
        return self._splitting.active()

    def whole_count(self, count: int) -> int:
        return self._splitting.whole_count(count)

    def whole_batch(self, part: RawBatch, labeled: int, unlabeled: int) -> RawBatch:
        images, masks = part.images.to(self._device), part.masks.to(self._device)
        own = len(masks)
        streams = [self._gather(images[:own], labeled), self._gather(images[own:], unlabeled)]
        strong = None
        if part.strong is not None:
            views = part.strong.to(self._device).transpose(0, 1)
            of_labeled = len(views) - (len(images) - own)  # all the labelled images, or none
            gathered = [self._gather(views[:of_labeled], labeled if of_labeled else 0),
                        self._gather(views[of_labeled:], unlabeled)]
            strong = torch.cat(gathered).transpose(0, 1)
        ignored = None
        if part.ignored is not None:
            places = part.ignored.to(self._device)
            ignored = torch.cat([self._gather(places[:own].byte(), labeled),
                                 self._gather(places[own:].byte(), unlabeled)]).bool()
        return RawBatch(torch.cat(streams), self._gather(masks, labeled), strong, ignored)

    def sum_gradients(self, method: Method) -> None:
        shared = {p for m in method.modules() if isinstance(m, Network) for p in m.parameters()}
        grads = []
        for parameter in method.parameters():
            if parameter.grad is not None:
                if parameter not in shared:  # was used on the whole batch, in every process
                    parameter.grad.div_(self.size)
                grads.append(parameter.grad)
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat, group=self._splitting.group)
        start = 0
        for grad in grads:
            grad.copy_(flat[start : start + grad.numel()].view(grad.shape))
            start += grad.numel()

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        every: list[dict[str, float]] = [{}] * self.size
        dist.all_gather_object(every, dict(sums))
        names = dict.fromkeys(name for some in every for name in some)
        return {name: sum(some.get(name, 0.0) for some in every) for name in names}

    def first_signal(self, number: int | None) -> int | None:
        highest = torch.tensor(number or 0)
        dist.all_reduce(highest, dist.ReduceOp.MAX)
        return int(highest) or None

    def from_leader(self, value: T) -> T:
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def _gather(self, rows: Tensor, total: int) -> Tensor:
        if not total:
            return rows[:0]
        assert len(rows) == len(part_of(total, self.rank, self.size))
        return self._splitting.gather(rows, total)

    def _tell(self, error: Exception) -> None:
        """Leave the reason where the others find it; the first one stays."""
        kind = "" if isinstance(error, CclccError) else f"{type(error).__name__}: "
        reason = f"process {self.rank} of {self.size} failed: {kind}{error}"
        with suppress(RuntimeError):  # the store has gone with the process that kept it
            self._store.compare_set(_FAILURE, "", reason)

    def _reason(self) -> str:
        try:
            self._store.wait([_FAILURE], _PATIENCE)
            return self._store.get(_FAILURE).decode()
        except RuntimeError:
            return ("another process of this training was lost, killed perhaps; the same command "
                    "goes on from the last checkpoint")


def _is_loss_of_another(error: Exception) -> bool:
    """Whether a collective failed because another process does not answer any more."""
    # gloo raises plain RuntimeErrors that begin with the place in its sources.
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and "gloo" in str(error)
    )
