"""What training knows of the processes that it runs in: one, or several as ranks of a group."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from cclcc_cli.data.loading import RawBatch
from cclcc_cli.methods.base import Method
from cclcc_cli.training.runtime import Runtime

T = TypeVar("T")


class DistributedContext(Protocol):
    """What training must know of the processes that it runs in.

    All of them hold the same weights and see the same whole batch. Networks pass a part of it in
    each process, and every process gets the outputs of all: a method computes its loss on the
    whole batch, as in one process, and draws the same random numbers.

    Attributes:
        rank: this process's number, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which writes and speaks for all."""

    def use(self, runtime: Runtime) -> None:
        """Compute with this from now on.

        Raises:
            RunError: several processes cannot.
        """

    def together(self) -> AbstractContextManager[None]:
        """Inside, a failure is passed on to the other ranks, and theirs raises a RunError here."""

    def split_networks(self, method: Method) -> None:
        """Have each rank pass its part of a batch through the networks, while ``splitting``."""

    def splitting(self) -> AbstractContextManager[None]:
        """Inside, a network's pass is split among the ranks; outside it is this process's own."""

    def whole_count(self, count: int) -> int:
        """How many images all processes pass while this one passes so many."""

    def whole_batch(self, part: RawBatch, labeled: int, unlabeled: int) -> RawBatch:
        """The step's batch from every process's part of it.

        Args:
            part: what this process has loaded: its part of either stream.
            labeled: labelled images of the whole.
            unlabeled: the others of the whole.
        """

    def sum_gradients(self, method: Method) -> None:
        """Make every process's gradients those of the whole batch's loss."""

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Each number summed over the processes; a name may be missing in some."""

    def first_signal(self, number: int | None) -> int | None:
        """The signal that any process has received; the same answer in all."""

    def from_leader(self, value: T) -> T:
        """The value that rank 0 has; the others' do not matter."""


class SingleProcess:
    """The context of a single process: nothing to split, nothing to agree on."""

    rank = 0
    size = 1
    leads = True

    def use(self, runtime: Runtime) -> None:
        """Whatever it is."""

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def split_networks(self, method: Method) -> None:
        """They pass everything themselves."""

    def splitting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def whole_count(self, count: int) -> int:
        return count

    def whole_batch(self, part: RawBatch, labeled: int, unlabeled: int) -> RawBatch:  # noqa: ARG002
        return part

    def sum_gradients(self, method: Method) -> None:
        """They are whole."""

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        return dict(sums)

    def first_signal(self, number: int | None) -> int | None:
        return number

    def from_leader(self, value: T) -> T:
        return value


SINGLE_PROCESS: DistributedContext = SingleProcess()


def own_items(items: list[T], context: DistributedContext) -> Iterator[T]:
    """The items that this rank takes, where all ranks take turns."""
    return iter(items[context.rank :: context.size])
