"""Random changes of feature maps, drawn from torch's own state."""

import torch
import torch.nn.functional as F
from torch import Tensor


def drop_channels(features: Tensor) -> Tensor:
    """Each channel of each image left out with probability 1/2, the others doubled."""
    return F.dropout2d(features, 0.5)


def drop_most_active(features: Tensor) -> Tensor:
    """Pixels whose mean over channels comes near the image's highest become 0.

    Near is above 0.7 to 0.9 of it, one draw for the batch.
    """
    attention = features.mean(dim=1, keepdim=True)  # (B, 1, H, W)
    share = 0.7 + 0.2 * float(torch.rand(()))  # on the CPU: no wait for the device
    return features * (attention < share * attention.amax(dim=(2, 3), keepdim=True))


def scale_noise(features: Tensor) -> Tensor:
    """Values scaled by 0.7 to 1.3, each place and channel by its own draw for the batch."""
    return features * (1 + 0.6 * (torch.rand_like(features[:1]) - 0.5))
