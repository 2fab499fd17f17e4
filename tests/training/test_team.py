"""A team of one shares nothing and changes nothing."""

from contextlib import nullcontext

from cclcc_cli.training.team import ALONE, Alone, turns


def test_alone_everything_is_ones_own():
    batch = object()
    assert ALONE.leads
    assert ALONE.whole_batch(batch, 1, 1) is batch
    assert ALONE.whole_count(3) == 3
    assert ALONE.add({"dice": 2.0}) == {"dice": 2.0}
    assert (ALONE.first_signal(None), ALONE.first_signal(15)) == (None, 15)
    assert ALONE.from_leader("x") == "x"
    assert isinstance(ALONE.sharing(), nullcontext)


def test_turns_share_out_every_item_once():
    taken = []
    for rank in range(3):
        team = Alone()
        team.rank, team.size = rank, 3
        taken.append(list(turns(list(range(8)), team)))
    assert taken == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert list(turns([1, 2], ALONE)) == [1, 2]
