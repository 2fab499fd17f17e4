"""A network's pass split among ranks: each passes some images, all get every output.

What a method computes from the outputs, it computes on the whole batch in every process, and so
are the gradients it sends back: each process keeps those of its own images. Hence the sum over
processes of a network's gradients is the gradient of the whole batch's loss, however the loss
couples images.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from cclcc_cli.data.sampling import part_of
from cclcc_cli.models.network import Network
from cclcc_cli.training.distributed.batch_norm import all_gather, whole_batch_norm

Outputs = Any
"""A tensor or a list of tensors, each with images as rows."""


class SplitPasses:
    """Splits passes among the ranks of a process group.

    Args:
        group: its backend moves tensors of the device in use.
        rank: this process's number in it.
        size: how many there are.
    """

    def __init__(self, group: dist.ProcessGroup, rank: int, size: int) -> None:
        self.group = group
        self._rank, self._size = rank, size
        self._active = False
        self._total: int | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, passes are split."""
        self._active = True
        try:
            yield
        finally:
            self._active = False

    def whole_count(self, count: int) -> int:
        """Images of the whole pass that is under way, of which this process has ``count``."""
        return count if self._total is None else self._total

    def split(self, network: Network) -> None:
        """Split a network's passes from now on; weights and their names stay what they are.

        The instance's own functions are replaced: a copy of the network would call the original.
        """
        for name in network.entrances:
            setattr(network, name, self._split(getattr(network, name)))
        # The head is small enough to be computed on the whole batch in every process, where a
        # method calls it by itself. Its weights then get the whole gradient in each of them: a
        # share of it must do, for the sum.
        network.head.register_forward_pre_hook(self._scale_input)
        network.head.register_forward_hook(self._scale_output)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.forward = self._norm(module)  # type: ignore[method-assign,assignment]
            elif isinstance(module, nn.Dropout | nn.Dropout2d):
                module.forward = self._dropout(module)  # type: ignore[method-assign,assignment]

    def gather(self, rows: Tensor, total: int) -> Tensor:
        """All processes' rows in order, without a graph.

        Args:
            rows: this process's part of them.
            total: how many rows all have.
        """
        # Maps travel channels last whatever they are here: a process without a row could not tell.
        channels_last = rows.ndim == 4
        flat = (rows.permute(0, 2, 3, 1) if channels_last else rows).contiguous()
        counts = [len(part_of(total, rank, self._size)) for rank in range(self._size)]
        padded = flat.new_zeros(max(counts), *flat.shape[1:]) if len(flat) < max(counts) else flat
        if padded is not flat:
            padded[: len(flat)] = flat
        whole = padded.new_empty(self._size * max(counts), *flat.shape[1:])
        all_gather(whole, padded, group=self.group)
        if min(counts) < max(counts):
            parts = whole.view(self._size, max(counts), *flat.shape[1:])
            whole = torch.cat([p[:count] for p, count in zip(parts, counts, strict=True)])
        return whole.permute(0, 3, 1, 2) if channels_last else whole

    def own(self, total: int) -> slice:
        """The rows of a whole that are this process's."""
        part = part_of(total, self._rank, self._size)
        return slice(part.start, part.stop)

    def _split(self, function: Callable[[Outputs], Outputs]) -> Callable[[Outputs], Outputs]:
        def run(inputs: Outputs) -> Outputs:
            if not self._active or self._total is not None:
                return function(inputs)
            total = len(inputs if isinstance(inputs, Tensor) else inputs[0])
            self._total = total
            try:
                outputs = function(_each(inputs, lambda x: self._take(x, total)))
            finally:
                self._total = None
            return _each(outputs, lambda x: _Gather.apply(x, total, self))  # type: ignore[no-untyped-call]

        return run

    def _take(self, whole: Tensor, total: int) -> Tensor:
        if whole.requires_grad and torch.is_grad_enabled():
            taken: Tensor = _Take.apply(whole, total, self)  # type: ignore[no-untyped-call]
            return taken
        return whole[self.own(total)]

    def _scale_input(self, _head: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        if not self._active or self._total is not None:
            return None
        return (_scale_gradient(inputs[0], self._size),)

    def _scale_output(self, _head: nn.Module, _inputs: Any, output: Tensor) -> Tensor | None:
        if not self._active or self._total is not None:
            return None
        return _scale_gradient(output, 1 / self._size)

    def _norm(self, norm: nn.BatchNorm2d) -> Callable[[Tensor], Tensor]:
        alone = norm.forward

        def forward(x: Tensor) -> Tensor:
            if self._total is None or not norm.training:
                return alone(x)
            out = whole_batch_norm(norm, x, self.group)
            for part in norm.children():  # timm's norms end with the activation
                out = part(out)
            return out

        return forward

    def _dropout(self, dropout: nn.Dropout | nn.Dropout2d) -> Callable[[Tensor], Tensor]:
        """Draws for the whole batch and uses its own rows, so that all draw the same numbers."""
        alone = dropout.forward

        def forward(x: Tensor) -> Tensor:
            if self._total is None or not dropout.training:
                return alone(x)
            channels_last = x.is_contiguous(memory_format=torch.channels_last)
            layout = torch.channels_last if channels_last else torch.contiguous_format
            ones = torch.ones(self._total, *x.shape[1:], dtype=x.dtype, device=x.device)
            draw = F.dropout2d if isinstance(dropout, nn.Dropout2d) else F.dropout
            kept = draw(ones.contiguous(memory_format=layout), dropout.p)
            return x * kept[self.own(self._total)]

        return forward


class _Gather(torch.autograd.Function):
    """This process's rows to everybody's; all have the same gradient, so nothing travels back."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, total: int, splitting: SplitPasses) -> Tensor:
        ctx.own = splitting.own(total)
        return splitting.gather(rows, total)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad[ctx.own], None, None


class _Take(torch.autograd.Function):
    """What all have to this process's rows; each knows its own rows' gradient, all need it."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, total: int, splitting: SplitPasses) -> Tensor:
        ctx.total, ctx.splitting = total, splitting
        return whole[splitting.own(total)].clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.splitting.gather(grad, ctx.total), None, None


class _ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.factor, None


def _scale_gradient(x: Tensor, factor: float) -> Tensor:
    scaled: Tensor = _ScaleGradient.apply(x, factor)  # type: ignore[no-untyped-call]
    return scaled


def _each(value: Outputs, change: Callable[[Tensor], Tensor]) -> Outputs:
    if isinstance(value, Tensor):
        return change(value)
    assert isinstance(value, Sequence)
    return [change(part) for part in value]
