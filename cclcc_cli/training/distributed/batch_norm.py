"""BatchNorm over the images of all processes; torch's own (SyncBatchNorm) refuses a CPU."""

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

# Renamed in torch 2.13.
all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor


def whole_batch_norm(norm: nn.BatchNorm2d, x: Tensor, group: dist.ProcessGroup) -> Tensor:
    """What ``norm`` in training mode gives for this process's part of a batch.

    Running statistics move as if the whole batch had passed, unless the norm does not track them.

    Args:
        norm: with weights; its own settings count.
        x: this process's images, ``(n, C, H, W)``; n may be 0 and differ between processes.
        group: all of it must call.
    """
    out: Tensor
    out, mean, variance, count = _WholeBatchNorm.apply(  # type: ignore[no-untyped-call]
        x, norm.weight, norm.bias, norm.eps, group
    )
    if norm.track_running_stats and norm.running_mean is not None:
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        with torch.no_grad():
            norm.num_batches_tracked.add_(1)
            assert norm.momentum is not None
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * (count / (count - 1)), norm.momentum)
    return out


class _WholeBatchNorm(torch.autograd.Function):
    """Normalises by mean and variance over all processes, and differentiates through them."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, group: dist.ProcessGroup
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, variance, count = _statistics(x, weight, bias, eps, group)
        out = F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps), count)
        ctx.eps, ctx.group = eps, group
        ctx.mark_non_differentiable(mean, variance, count)
        return out, mean, variance, count

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale, count = ctx.saved_tensors
        if len(x):
            _, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
                grad, x, weight, None, None, mean, scale, True, ctx.eps, [False, True, True]
            )
        else:
            grad_weight, grad_bias = torch.zeros_like(weight), torch.zeros_like(weight)
        sums = torch.stack([grad_weight, grad_bias])
        dist.all_reduce(sums, group=ctx.group)
        along, shift = sums / count  # means of grad * normalised x and of grad, over all
        # weight * scale * (grad - shift - (x - mean) * scale * along), in two passes
        a = weight * scale
        b = -a * scale * along
        c = -a * shift - b * mean
        a, b, c = (v.to(x.dtype if x.dtype == torch.float64 else torch.float32)[:, None, None]
                   for v in (a, b, c))
        grad_x = torch.addcmul(c, grad, a).addcmul_(x, b).to(x.dtype)
        return grad_x, grad_weight, grad_bias, None, None


def _statistics(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float, group: dist.ProcessGroup
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance per channel over all processes, and how many values each is of."""
    count = x.numel() // x.shape[1]
    if count:
        # The output is not wanted; but this is the one reduction torch does fast everywhere.
        _, mean, scale = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        variance = scale.double() ** -2 - eps
    else:
        mean, variance = torch.zeros_like(weight), torch.zeros_like(weight).double()
    own = torch.cat([mean.double(), variance, mean.new_tensor([count]).double()])
    size = dist.get_world_size(group)
    every = own.new_empty(size * len(own))
    all_gather(every, own, group=group)
    every = every.view(size, -1)
    counts = every[:, -1:]
    means, variances = every[:, :-1].chunk(2, dim=1)
    total = counts.sum()
    whole = (counts * means).sum(dim=0) / total
    spread = (counts * (variances + (means - whole).square())).sum(dim=0) / total
    return whole.to(weight.dtype), spread.clamp_(min=0).to(weight.dtype), total.to(weight.dtype)
