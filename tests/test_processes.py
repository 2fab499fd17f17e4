"""Which process this is, from what torchrun sets."""

import pytest

from cclcc_cli.processes import ALONE, ProcessRank, own_rank


@pytest.mark.parametrize(("variables", "place"), [
    ({}, ALONE),
    ({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, ProcessRank(1, 4, 0)),
    ({"WORLD_SIZE": "4"}, ALONE),
    ({"RANK": "", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, ALONE),
])
def test_place(monkeypatch, variables, place):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert own_rank() == place
