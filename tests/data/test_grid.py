"""Patches: cut and laid back without loss."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.grid import join_patches, split_patches

sizes = st.integers(1, 5)


@given(b=sizes, c=sizes, grid=st.integers(1, 6), p=sizes, q=sizes, last=st.booleans())
def test_joining_undoes_splitting(b, c, grid, p, q, last):
    images = torch.randn(b, c, grid * p, grid * q)
    if last:
        images = images.contiguous(memory_format=torch.channels_last)
    patches = split_patches(images, grid)
    assert patches.shape == (b * grid * grid, c, p, q)
    assert torch.equal(join_patches(patches, grid), images)


@given(b=sizes, c=sizes, grid=st.integers(1, 6), p=sizes, q=sizes)
def test_splitting_undoes_joining(b, c, grid, p, q):
    patches = torch.randn(b * grid * grid, c, p, q)
    assert torch.equal(split_patches(join_patches(patches, grid), grid), patches)


def test_order_is_image_major_then_row_major():
    image = torch.arange(2 * 16.0).reshape(2, 1, 4, 4)
    patches = split_patches(image, 2)
    assert torch.equal(patches[1], image[0, :, :2, 2:])
    assert torch.equal(patches[6], image[1, :, 2:, :2])


def test_what_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="grid of 3 does not divide 10 x 9"):
        split_patches(torch.zeros(1, 1, 10, 9), 3)
    with pytest.raises(ValueError, match="5 patches do not fill grids of 2 x 2"):
        join_patches(torch.zeros(5, 1, 2, 2), 2)
