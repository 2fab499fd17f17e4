"""From a run to its trainer: method, batches, validation, random states."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from cclcc_cli.config.plugins import scores_of
from cclcc_cli.data.loading import TrainingImages, load_batches
from cclcc_cli.data.sampling import TwoStreamBatches
from cclcc_cli.data.transforms import StrongTransform, TrainingTransform
from cclcc_cli.methods import build_method
from cclcc_cli.models.network import Network
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.start import start_from_run
from cclcc_cli.training.distributed.context import DistributedContext
from cclcc_cli.training.evaluate import Scores, validation_scores
from cclcc_cli.training.loop import Observer, Trainer
from cclcc_cli.training.memory import keep_freed_memory
from cclcc_cli.training.schedule import Plan
from cclcc_cli.training.seed import seed_everything


def build_trainer(
    run: RunSpec,
    plan: Plan,
    folder: Path,
    *,
    stop_requested: Callable[[], bool],
    observer: Observer,
    context: DistributedContext,
    images: list[Scores] | None = None,
) -> Trainer:
    """A trainer at the first step of a run, with initial weights from the recipe's seed.

    Args:
        run: the run to train.
        plan: its budget in steps.
        folder: where checkpoints go.
        stop_requested: called after each step.
        observer: receives the loop's events.
        context: the processes that train it.
        images: receives each image's scores of the latest validation, if given.
    """
    recipe, store, runtime = run.recipe, run.store, run.runtime
    seed_everything(recipe.seed)
    if runtime.device == "cpu":
        torch.set_num_threads(runtime.cpu_threads)
        keep_freed_memory()
    val = store.positions(run.splits.val)
    method = build_method(recipe)
    if recipe.model.init is not None:
        start_from_run(method, Path(recipe.model.init))

    def validate(network: Network) -> dict[str, float]:
        if images is not None:
            images.clear()
        return validation_scores(network, store, val, recipe.evaluation, runtime, context, images,
                                 scores_of(recipe))

    return Trainer(
        method, recipe, plan, runtime,
        batches=lambda first_step: load_batches(
            _images(run),
            _batches(run, plan, first_step, context),
            workers=runtime.workers, pin_memory=runtime.device == "cuda",
        ),
        validate=validate,
        folder=folder,
        stop_requested=stop_requested,
        observer=observer,
        context=context,
    )


def _images(run: RunSpec) -> TrainingImages:
    recipe, views = run.recipe, run.recipe.strong_views
    return TrainingImages(
        run.store,
        TrainingTransform(recipe.weak, recipe.seed),
        None if views is None else StrongTransform(views.config, recipe.seed),
        num_strong=views.count if views else 0,
        strong_of_labeled=views.of_labeled if views else False,
        labeled=run.store.positions(run.labeled),
    )


def _batches(
    run: RunSpec, plan: Plan, first_step: int, context: DistributedContext
) -> TwoStreamBatches:
    store, batch = run.store, run.recipe.batch
    return TwoStreamBatches(
        np.array(store.positions(run.labeled), dtype=np.int64),
        np.array(store.positions(run.unlabeled), dtype=np.int64),
        num_labeled=batch.labeled,
        num_unlabeled=batch.unlabeled,
        seed=run.recipe.seed,
        first_step=first_step,
        total_steps=plan.total_steps,
        rank=context.rank,
        size=context.size,
    )
