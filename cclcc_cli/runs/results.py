"""What a trained run is worth: every image scored once, and the tables that say so."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal

from cclcc_cli.config.plugins import scores_of
from cclcc_cli.data.store import Store
from cclcc_cli.files import write_atomic
from cclcc_cli.metrics.scores import SIZES, file_column
from cclcc_cli.models.network import Network
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.masks import Masks, write_masks
from cclcc_cli.runs.progress import Display
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
    run: RunSpec, folder: RunFolder, trainer: Trainer, display: Display, *, read_test: bool = True
) -> dict[str, Any]:
    """Evaluate the best checkpoint: validation in full, then the one reading of the test split.

    Args:
        run: trained.
        folder: where the tables go.
        trainer: which trained it.
        display: hears about progress.
        read_test: False leaves the test split unread and uncounted.
    """
    config, splits = run.recipe.evaluation, run.splits
    best = load_checkpoint(folder.best_checkpoint)
    network = trainer.predictor
    network.load_state_dict(best["network"])
    result: dict[str, Any] = {
        "best": {"step": best["step"], "dice": trainer.progress.best_dice},
        "steps": trainer.progress.step,
        "rules": evaluation_rules(config, config.test_on),
        "validation_rules": evaluation_rules(config, config.validation_on),
        "val": _evaluate(run, folder, network, "val", splits.val, config.validation_on, display),
        "test": None,
    }
    if splits.test and read_test:
        folder.update_status(test_reads=folder.status.get("test_reads", 0) + 1)
        result["test"] = _evaluate(
            run, folder, network, "test", splits.test, config.test_on, display
        )
    folder.write_json("result.json", result)
    return result


def _evaluate(
    run: RunSpec, folder: RunFolder, network: Network, split: Literal["val", "test"],
    stems: Sequence[str], on: Literal["probs", "logits"], display: Display,
) -> dict[str, dict[str, float]]:
    display.evaluating(split, len(stems))
    rows = run.store.positions(stems)
    scores, bits = evaluate_images(
        network, run.store, rows, run.recipe.evaluation, on, run.runtime,
        keep_masks=split == "test", extra=scores_of(run.recipe),
    )
    write_atomic(folder.images_table(split), _images_csv(scores, run.store))
    if bits is not None:
        masks = Masks(tuple(stems), run.store.info.size, bits)
        write_masks(folder, masks)
        _write_overlays(folder, run.store, masks)
    leaked = set(run.leaked[split])
    clean = [s for s in scores if s.stem not in leaked]
    means = {
        "working": mean_scores([s.working for s in scores]),
        "own": mean_scores([s.own for s in scores]),
    }
    if leaked and clean:
        means["without_leaked"] = mean_scores([s.working for s in clean])
    return means


def _images_csv(scores: Sequence[ImageScores], store: Store) -> bytes:
    """Each image with its patient or video, where the store knows it, its lesion and its scores."""
    text, groups = io.StringIO(), store.given_groups
    columns = [file_column((size, key)) for size in SIZES
               for key in (scores[0].working if size == "working" else scores[0].own)]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stem", *(["group"] if groups else []), "foreground", *columns])
    for image, row in zip(scores, store.positions([s.stem for s in scores]), strict=True):
        writer.writerow([image.stem, *([groups[image.stem]] if groups else []),
                         float(store.masks[row].mean()),
                         *image.working.values(), *image.own.values()])
    return text.getvalue().encode()


def _write_overlays(folder: RunFolder, store: Store, masks: Masks) -> None:
    folder.overlays.mkdir(exist_ok=True)
    shown = masks.stems[:: -(-len(masks.stems) // NUM_OVERLAYS)]
    for row, mask in zip(store.positions(shown), masks.of(shown), strict=True):
        png = outline_overlay(store.images[row], store.masks[row], mask)
        write_atomic(folder.overlays / f"{row:06d}.png", png)
