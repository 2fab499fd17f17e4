"""Changes of feature maps: what is dropped, what is kept, how much is changed."""

import torch

from cclcc_cli.models.perturbations import drop_channels, drop_most_active, scale_noise


def test_whole_channels_are_dropped_and_the_others_doubled():
    torch.manual_seed(0)
    dropped = drop_channels(torch.ones(8, 16, 4, 4)).flatten(2)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (dropped.amin(dim=2) == dropped.amax(dim=2)).all()


def test_the_most_active_pixels_are_dropped():
    torch.manual_seed(0)
    features = torch.arange(101.0).reshape(1, 1, 1, 101).expand(2, 3, 1, 101)
    kept = drop_most_active(features)
    assert torch.equal(kept[..., :70], features[..., :70])
    assert not kept[..., 90:].any()


def test_values_are_scaled_by_at_most_three_tenths_alike_in_the_batch():
    torch.manual_seed(0)
    scaled = scale_noise(torch.ones(3, 4, 8, 8))
    assert 0.7 <= scaled.min() < 0.75
    assert 1.25 < scaled.max() <= 1.3
    assert torch.equal(scaled[0], scaled[2])
