"""Which of the processes that train one run together this one is, as the environment says.

The variables are those of ``torchrun``; ``cclcc train --processes`` sets the same ones.
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessRank:
    """One process of a training.

    Attributes:
        rank: its number, from 0; number 0 writes and speaks for all.
        size: how many there are.
        local_rank: its number on its own machine, and that of its GPU.
    """

    rank: int
    size: int
    local_rank: int


MEETING = "CCLCC_MEETING"
"""Names a file by which processes of one machine find each other, instead of a master's port."""
ALONE = ProcessRank(0, 1, 0)


def own_rank() -> ProcessRank:
    """This process's rank; alone where nobody has started several."""
    try:
        rank, size, local_rank = (
            int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        )
    except (KeyError, ValueError):  # other launchers set some of them, for purposes of their own
        return ALONE
    return ProcessRank(rank, size, local_rank)
