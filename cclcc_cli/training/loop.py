"""The training loop: step, record, validate, checkpoint. It does not know the method."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.errors import TrainingDiverged
from cclcc_cli.methods.base import Loss, Method, StepInfo
from cclcc_cli.models.network import Network
from cclcc_cli.training.checkpoint import load_checkpoint, pack_checkpoint
from cclcc_cli.training.costs import PassCounter, count_parameters, peak_memory
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.evaluate import Scores
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import Plan, learning_rate
from cclcc_cli.training.seed import seed_step
from cclcc_cli.training.step import Stepper, build_average, build_optimizer, move_batch

CHECK_EVERY = 10
"""Steps between looks at the loss: each look waits for the device."""


class Observer(Protocol):
    """Hears what happens; must not change anything that training reads."""

    def checked(self, step: int, terms: dict[str, float]) -> None:
        """Called every few steps with the mean loss terms since the last record."""

    def recorded(self, record: dict[str, Any]) -> None:
        """Called after each validation, before the checkpoint that covers it is written."""

    def save(self, path: Path, checkpoint: bytes) -> None:
        """Write a checkpoint, whole or not at all; what it raises ends training."""


@dataclass
class Progress:
    """The loop's own state, saved as declared.

    Attributes:
        step: optimiser steps done.
        best_step: when validation Dice was highest; -1 before the first validation.
        best_dice: that Dice.
        without_gain: validations since then.
        learning_pixels: pixels that passed a network with a graph in steps so far.
        forward_only_pixels: the same without one: images that are only predicted.
        counted: steps summed in the loop's running loss terms.
        seconds: time spent in steps since training began, over all sessions.
    """

    step: int = 0
    best_step: int = -1
    best_dice: float = -math.inf
    without_gain: int = 0
    counted: int = 0
    seconds: float = 0.0
    learning_pixels: int = 0
    forward_only_pixels: int = 0


class Trainer:
    """Trains a method by a plan, and can go on from its last checkpoint bit for bit.

    Args:
        method: with its initial weights, on any device.
        recipe: optimiser, schedule, validation and averaging are read from it.
        plan: the budget in steps.
        runtime: device and precision.
        batches: the raw batches from a given step on.
        validate: mean scores of a network on the validation split.
        folder: where last.pt and best.pt are kept.
        stop_requested: whether to save and leave after the current step.
        observer: hears about progress.
        context: the processes that train together; the one that leads writes.
    """

    def __init__(
        self,
        method: Method,
        recipe: AnyRecipe,
        plan: Plan,
        runtime: Runtime,
        *,
        batches: Callable[[int], Iterator[RawBatch]],
        validate: Callable[[Network], Scores],
        folder: Path,
        stop_requested: Callable[[], bool],
        observer: Observer,
        context: DistributedContext = SINGLE_PROCESS,
    ) -> None:
        self._method: Method = method.to(runtime.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._recipe = recipe
        self._plan = plan
        self._runtime = runtime
        self._batches = batches
        self._validate = validate
        self._last, self._best = folder / "last.pt", folder / "best.pt"
        self._stop_requested = stop_requested
        self._observer = observer
        self._optimizer = build_optimizer(recipe.optimizer, method)
        self._context = context
        self._stepper = Stepper(
            method, self._optimizer, recipe.optimizer.clip_norm, runtime, context
        )
        self._average = build_average(recipe, method)
        # Both after the average, which copies the network.
        context.split_networks(method)
        self._passes = PassCounter(method, context)
        self._sums: dict[str, Tensor] = {}
        self.progress = Progress()

    @property
    def predictor(self) -> Network:
        """The network that is validated and kept: the average where there is one."""
        if self._average is None:
            return self._method.predictor
        network: object = self._average.module
        assert isinstance(network, Network)
        return network

    def run(self) -> bool:
        """Train to the end of the budget, to an early stop, or until asked to stop.

        Returns:
            Whether training is complete.

        Raises:
            TrainingDiverged: the loss stopped being finite; the last checkpoint is from before.
        """
        progress, plan = self.progress, self._plan
        self._method.train()
        batches = self._batches(progress.step)
        while not self._complete():
            if self._stop_requested():
                self._check()
                self._save()
                return False
            started = time.perf_counter()
            self._step(next(batches))
            progress.seconds += time.perf_counter() - started
            if plan.validates_after(progress.step):
                self._record()
                self._save()
            elif progress.step % CHECK_EVERY == 0:
                self._check()
        return True

    def costs(self) -> dict[str, Any]:
        """What training took so far: weights, images through networks per step, time, memory."""
        progress = self.progress
        batch = self._recipe.batch.labeled + self._recipe.batch.unlabeled
        pixels = self._recipe.data.size**2 * max(progress.step, 1)
        return {
            "parameters": count_parameters(self._method),
            "images_per_step": {
                "batch": batch,
                "learning": round(progress.learning_pixels / pixels, 3),
                "judging": round(progress.forward_only_pixels / pixels, 3),
            },
            "images_per_second": round(progress.step * batch / max(progress.seconds, 1e-9), 2),
            "peak_memory": peak_memory(self._runtime),
        }

    def _complete(self) -> bool:
        patience = self._recipe.validation.patience
        early = patience is not None and self.progress.without_gain >= patience
        return early or self.progress.step >= self._plan.total_steps

    def _step(self, raw: RawBatch) -> None:
        progress, batch = self.progress, self._recipe.batch
        raw = self._context.whole_batch(raw, batch.labeled, batch.unlabeled)
        seed_step(self._recipe.seed, progress.step)
        with self._passes.counting():
            loss = self._stepper.step(
                move_batch(raw, self._runtime, self._method.student.normalization),
                StepInfo(progress.step, self._plan.total_steps),
                self._learning_rate(progress.step),
            )
        if self._average is not None:
            self._average.update_parameters(self._method.predictor)
        self._accumulate(loss)
        progress.step += 1
        progress.counted += 1
        progress.learning_pixels = self._passes.learning_pixels
        progress.forward_only_pixels = self._passes.forward_only_pixels

    def _learning_rate(self, step: int) -> float:
        schedule = self._recipe.schedule
        return learning_rate(
            self._recipe.optimizer.lr, step, self._plan,
            warmup=schedule.warmup, decay=schedule.decay, moves=schedule.moves,
            epoch_step=schedule.epoch_step,
        )

    def _accumulate(self, loss: Loss) -> None:
        """Sum the terms on the device: no number leaves it here."""
        for name, value in {"total": loss.total.detach(), **loss.terms}.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def _check(self) -> dict[str, float]:
        """Look at the loss terms, means since the last record."""
        counted = max(self.progress.counted, 1)
        terms = {name: float(total) / counted for name, total in self._sums.items()}
        if not all(map(math.isfinite, terms.values())):
            step = self.progress.step
            bad = ", ".join(f"{name} = {value}" for name, value in terms.items())
            raise TrainingDiverged(
                f"the loss is not finite at step {step} (or up to {CHECK_EVERY - 1} before): "
                f"{bad}; the last good checkpoint is kept; lower optimizer.lr or set "
                "optimizer.clip_norm"
            )
        self._observer.checked(self.progress.step, terms)
        return terms

    def _record(self) -> None:
        progress = self.progress
        terms = self._check()
        scores = self._validate(self.predictor)
        if scores["dice"] > progress.best_dice:
            progress.best_step, progress.best_dice = progress.step, scores["dice"]
            progress.without_gain = 0
            content = {"step": progress.step, "network": self.predictor.state_dict()}
            if self._context.leads:
                self._observer.save(self._best, pack_checkpoint(content))
        else:
            progress.without_gain += 1
        self._observer.recorded(
            {
                "step": progress.step,
                "epoch": progress.step / self._plan.steps_per_epoch,
                "lr": self._learning_rate(progress.step - 1),
                "train": terms,
                "val": scores,
                "seconds": round(progress.seconds, 3),
                "time": round(time.time(), 3),
            }
        )
        self._sums, progress.counted = {}, 0

    def _save(self) -> None:
        if not self._context.leads:
            return
        content = {
            "progress": asdict(self.progress),
            "method": self._method.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._stepper.scaler.state_dict(),
            "average": self._average.state_dict() if self._average is not None else None,
            "sums": self._sums,
        }
        self._observer.save(self._last, pack_checkpoint(content))

    def resume(self) -> None:
        """Go on from last.pt as if nothing had happened.

        Raises:
            RunError: the checkpoint is missing or damaged.
        """
        saved = load_checkpoint(self._last)
        progress = saved["progress"]
        if "judging_pixels" in progress:  # as checkpoints before 0.2 call it
            progress["forward_only_pixels"] = progress.pop("judging_pixels")
        self.progress = Progress(**progress)
        self._passes.learning_pixels = self.progress.learning_pixels
        self._passes.forward_only_pixels = self.progress.forward_only_pixels
        self._method.load_state_dict(saved["method"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._stepper.scaler.load_state_dict(saved["scaler"])
        if self._average is not None:
            self._average.load_state_dict(saved["average"])
        device = self._runtime.torch_device
        self._sums = {name: value.to(device) for name, value in saved["sums"].items()}
