"""A context of one shares nothing and changes nothing."""

from contextlib import nullcontext

from cclcc_cli.training.distributed.context import SINGLE_PROCESS, SingleProcess, own_items


def test_alone_everything_is_ones_own():
    batch = object()
    assert SINGLE_PROCESS.leads
    assert SINGLE_PROCESS.whole_batch(batch, 1, 1) is batch
    assert SINGLE_PROCESS.whole_count(3) == 3
    assert SINGLE_PROCESS.add({"dice": 2.0}) == {"dice": 2.0}
    assert (SINGLE_PROCESS.first_signal(None), SINGLE_PROCESS.first_signal(15)) == (None, 15)
    assert SINGLE_PROCESS.from_leader("x") == "x"
    assert isinstance(SINGLE_PROCESS.splitting(), nullcontext)


def test_turns_share_out_every_item_once():
    taken = []
    for rank in range(3):
        context = SingleProcess()
        context.rank, context.size = rank, 3
        taken.append(list(own_items(list(range(8)), context)))
    assert taken == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert list(own_items([1, 2], SINGLE_PROCESS)) == [1, 2]
