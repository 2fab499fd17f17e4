"""What a trained run is worth: scores of every image, their means, masks and overlays."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

from cclcc_cli.config.plugins import scores_of
from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.store import Store
from cclcc_cli.metrics.scores import SIZES, file_column
from cclcc_cli.models.network import Network
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.masks import Masks, write_masks
from cclcc_cli.runs.progress import ProgressDisplay
from cclcc_cli.runs.records import BestRecord, ResultRecord, SplitScores
from cclcc_cli.training.checkpoint import load_checkpoint
from cclcc_cli.training.evaluate import (
    ImageScores,
    evaluate_images,
    evaluation_rules,
    mean_scores,
    outline_overlay,
)
from cclcc_cli.training.loop import Trainer

NUM_OVERLAYS = 6


def evaluate_run(
    run: RunSpec, folder: RunFolder, trainer: Trainer, display: ProgressDisplay, *,
    read_test: bool = True,
) -> ResultRecord:
    """Evaluate the best checkpoint: validation in full, then the one reading of the test split.

    Args:
        run: a trained one.
        folder: receives result.json, the tables of images, masks and overlays.
        trainer: has trained the run.
        display: shows progress.
        read_test: False leaves the test split unread and uncounted.
    """
    config, splits, ignoring = run.recipe.evaluation, run.splits, run.store.has_ignored
    best = load_checkpoint(folder.best_checkpoint)
    network = trainer.predictor
    network.load_state_dict(best["network"])
    val = _evaluate(run, folder, network, "val", splits.val, config.validation_on, display)
    test = None
    if splits.test and read_test:
        folder.update_status(test_reads=(folder.status.test_reads or 0) + 1)
        test = _evaluate(run, folder, network, "test", splits.test, config.test_on, display)
    result = ResultRecord(
        best=BestRecord(step=best["step"], dice=trainer.progress.best_dice),
        steps=trainer.progress.step,
        rules=evaluation_rules(config.of_split("test"), config.test_on, ignoring),
        validation_rules=evaluation_rules(config.of_split("val"), config.validation_on, ignoring),
        val=val,
        test=test,
    )
    folder.write_record("result.json", result)
    return result


def _evaluate(
    run: RunSpec, folder: RunFolder, network: Network, split: Literal["val", "test"],
    stems: Sequence[str], on: Literal["probs", "logits"], display: ProgressDisplay,
) -> SplitScores:
    display.evaluating(split, len(stems))
    rows = run.store.positions(stems)
    scores, bits = evaluate_images(
        network, run.store, rows, run.recipe.evaluation.of_split(split), on, run.runtime,
        keep_masks=split == "test", extra=scores_of(run.recipe),
    )
    folder.write(folder.images_table(split).name, _images_csv(scores, run.store))
    if bits is not None:
        masks = Masks(tuple(stems), run.store.info.size, bits)
        write_masks(folder, masks)
        _write_overlays(folder, run.store, masks)
    leaked = set(run.leaked[split])
    clean = [s for s in scores if s.stem not in leaked]
    means = {"working": mean_scores([s.working for s in scores]),
             "own": mean_scores([s.own for s in scores])}
    if leaked and clean:
        means["without_leaked"] = mean_scores([s.working for s in clean])
    return SplitScores.model_validate(means)


def _images_csv(scores: Sequence[ImageScores], store: Store) -> bytes:
    """A row for each image: stem, patient or video where known, share of foreground, scores."""
    text, groups = io.StringIO(), store.given_groups
    columns = [file_column((size, key)) for size in SIZES
               for key in (scores[0].working if size == "working" else scores[0].own)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stem", *(["group"] if groups else []), "foreground", *columns])
    for image, row in zip(scores, store.positions([s.stem for s in scores]), strict=True):
        writer.writerow([image.stem, *([groups[image.stem]] if groups else []),
                         float(foreground(store.masks[row]).mean()),
                         *image.working.values(), *image.own.values()])
    return text.getvalue().encode()


def _write_overlays(folder: RunFolder, store: Store, masks: Masks) -> None:
    folder.overlays.mkdir(exist_ok=True)
    shown = masks.stems[:: -(-len(masks.stems) // NUM_OVERLAYS)]
    for row, mask in zip(store.positions(shown), masks.of(shown), strict=True):
        png = outline_overlay(store.images[row], store.masks[row], mask)
        folder.write(f"{folder.overlays.name}/{row:06d}.png", png)
