"""One optimiser step: forward, backward, clip, update."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.model import Normalization
from cclcc_cli.config.schema import AdamW, Sgd
from cclcc_cli.data.loading import RawBatch, normalize
from cclcc_cli.methods.base import Batch, Loss, Method, StepInfo
from cclcc_cli.models.network import EncoderDecoder
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.runtime import Runtime


def build_optimizer(config: AdamW | Sgd, method: Method) -> torch.optim.Optimizer:
    """The optimiser a recipe names, of all that learns; its rates are set before every step."""
    groups = _parameter_groups(method, config.encoder_lr)
    match config:
        case AdamW():
            return torch.optim.AdamW(
                groups, lr=config.lr, weight_decay=config.weight_decay, fused=True
            )
        case Sgd():
            return torch.optim.SGD(
                groups, lr=config.lr, weight_decay=config.weight_decay,
                momentum=config.momentum, nesterov=config.momentum > 0, fused=True,
            )


def _parameter_groups(method: Method, encoder_lr: float) -> list[dict[str, Any]]:
    """The encoders of a method's networks apart from the rest, each with its factor of the rate."""
    inside = {
        parameter
        for module in method.modules() if isinstance(module, EncoderDecoder)
        for parameter in module.encoder.parameters()
    }
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in method.parameters():
        if parameter.requires_grad:
            factor = encoder_lr if parameter in inside else 1.0
            groups.setdefault(factor, []).append(parameter)
    return [{"params": part, "factor": factor} for factor, part in groups.items()]


def build_average(recipe: BaseRecipe, method: Method) -> AveragedModel | None:
    """The exponential moving average of the predictor's weights, where the recipe has one."""
    if recipe.ema_decay is None:
        return None
    average = get_ema_multi_avg_fn(recipe.ema_decay)  # type: ignore[no-untyped-call]
    return AveragedModel(method.predictor, multi_avg_fn=average, use_buffers=True)


def move_batch(raw: RawBatch, runtime: Runtime, normalization: Normalization) -> Batch:
    """A batch on the device, normalised there: a quarter of the bytes travel as uint8."""
    device = runtime.torch_device
    images, masks = (t.to(device, non_blocking=True) for t in (raw.images, raw.masks))
    strong: tuple[Tensor, ...] = ()
    if raw.strong is not None:
        views = raw.strong.to(device, non_blocking=True)
        strong = normalize(views.flatten(0, 1), normalization).chunk(len(views))
    target, counts = masks[:, None].float(), None
    if raw.ignored is not None:
        counts = ~raw.ignored.to(device, non_blocking=True)[:, None]
        target *= counts[: len(target)]
    return Batch(normalize(images, normalization), target, strong, counts)


class Stepper:
    """Takes optimiser steps of one method.

    Args:
        method: already on the device, channels last.
        optimizer: over its parameters.
        clip_norm: bound on the norm of each network's gradient, or None.
        runtime: device and precision.
        context: the processes that take the step together.
    """

    def __init__(
        self,
        method: Method,
        optimizer: torch.optim.Optimizer,
        clip_norm: float | None,
        runtime: Runtime,
        context: DistributedContext = SINGLE_PROCESS,
    ) -> None:
        self._method = method
        self._optimizer = optimizer
        self._clip_norm = clip_norm
        self._runtime = runtime
        self._context = context
        self.scaler = torch.amp.GradScaler(runtime.device, enabled=runtime.precision == "fp16")

    def step(self, batch: Batch, info: StepInfo, lr: float) -> Loss:
        """Learn from one batch at a learning rate; returns the loss before the update."""
        for group in self._optimizer.param_groups:
            group["lr"] = lr * group.get("factor", 1.0)
        with self._context.splitting():
            with self._runtime.autocast():
                loss = self._method.loss(batch, info)
            self._optimizer.zero_grad(set_to_none=True)
            backward(self.scaler.scale(loss.total))
        self._context.sum_gradients(self._method)
        if self._clip_norm is not None:
            self.scaler.unscale_(self._optimizer)
            # Each part by itself: a peer's or a projector's gradients do not shorten the student's.
            for part in self._method.children():
                nn.utils.clip_grad_norm_(part.parameters(), self._clip_norm)
        self.scaler.step(self._optimizer)
        self.scaler.update()
        self._method.after_step()
        return loss


def backward(total: Tensor) -> None:
    """Typed door to autograd."""
    total.backward()  # type: ignore[no-untyped-call]
