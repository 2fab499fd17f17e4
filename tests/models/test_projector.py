"""Embeddings: one per patch, from a whole image's map and from a patch alike."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.models.projector import Projector, choose_strides


def test_has_the_published_number_of_parameters():
    projector = Projector(16, (64, 64, 128), choose_strides(64))
    assert sum(p.numel() for p in projector.parameters()) == 213_760


@pytest.mark.parametrize(
    ("side", "strides"),
    [(16, (4, 4, 1)), (32, (4, 4, 2)), (64, (4, 4, 4)), (80, (4, 4, 5)), (160, (4, 5, 8))],
)
def test_known_strides(side, strides):
    assert choose_strides(side) == strides


@given(st.integers(1, 60).map(lambda n: 16 * n))
def test_strides_multiply_to_the_patch_side(side):
    a, b, c = choose_strides(side)
    assert a * b * c == side


def test_a_side_that_no_network_takes_is_refused():
    with pytest.raises(ValueError, match="patch side 20"):
        choose_strides(20)


@pytest.mark.parametrize("grid", [2, 3])
def test_a_whole_image_gives_a_grid_and_a_patch_one_cell(grid):
    projector = Projector(16, (8, 8, 12), choose_strides(32)).eval()
    whole = torch.randn(2, 16, 32 * grid, 32 * grid)
    assert projector(whole).shape == (2, 12, grid, grid)
    cell = projector(whole[:, :, 32:64, :32])
    assert cell.shape == (2, 12, 1, 1)
    # Kernel = stride: a cell sees its own patch of the map and nothing else.
    assert torch.allclose(cell[..., 0, 0], projector(whole)[..., 1, 0], atol=1e-5)
