"""BatchNorm over two processes equals torch's over the whole batch, forward and backward."""

import pytest
import torch
import torch.distributed as dist
from torch import nn

from cclcc_cli.training.distributed.batch_norm import whole_batch_norm
from tests.training.distributed.pair import run_pair


def data(dtype=torch.float64):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(5, 3, 4, 4, generator=generator, dtype=dtype) * 2 + 7
    weights = torch.randn(5, 3, 4, 4, generator=generator, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last), weights


def make_norm(dtype=torch.float64):
    norm = nn.BatchNorm2d(3).to(dtype)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, 1.0, -2.0]))
        norm.bias.copy_(torch.tensor([0.0, 1.0, 3.0]))
    return norm


def normalize_parts(context, cuts):
    """Output, gradients and statistics of this process's images."""
    x, weights = data()
    own = slice(*cuts[context.rank : context.rank + 2])
    x = x[own].requires_grad_()
    norm = make_norm()
    out = whole_batch_norm(norm, x, dist.group.WORLD)
    (out * weights[own]).sum().backward()
    return [out.detach(), x.grad, norm.weight.grad, norm.bias.grad,
            norm.running_mean, norm.running_var, norm.num_batches_tracked]


@pytest.mark.slow
@pytest.mark.parametrize("cuts", [(0, 3, 5), (0, 5, 5)], ids=["uneven", "one has none"])
def test_equals_the_whole_batch(tmp_path, cuts):
    x, weights = data()
    x.requires_grad_()
    norm = make_norm()
    (norm(x) * weights).sum().backward()
    first, second = run_pair(tmp_path, normalize_parts, cuts)
    torch.testing.assert_close(torch.cat([first[0], second[0]]), make_norm()(x.detach()).detach())
    torch.testing.assert_close(torch.cat([first[1], second[1]]), x.grad)
    torch.testing.assert_close(first[2] + second[2], norm.weight.grad)
    torch.testing.assert_close(first[3] + second[3], norm.bias.grad)
    for mine in (first, second):
        torch.testing.assert_close(mine[4], norm.running_mean)
        torch.testing.assert_close(mine[5], norm.running_var)
        assert mine[6] == 1


def untracked(context):
    norm = make_norm(torch.float32)
    norm.track_running_stats = False
    x, _ = data(torch.bfloat16)
    out = whole_batch_norm(norm, x[context.rank : context.rank + 2], dist.group.WORLD)
    return [out, norm.running_mean]


@pytest.mark.slow
def test_half_precision_stays_and_untracked_statistics_rest(tmp_path):
    for out, running in run_pair(tmp_path, untracked):
        assert out.dtype == torch.bfloat16
        assert torch.equal(running, torch.zeros(3))
