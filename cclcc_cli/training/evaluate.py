"""From a network and rows of the store to scores of every image."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cclcc_cli.config.schema import Evaluation
from cclcc_cli.data.class_map import foreground, ignored
from cclcc_cli.data.loading import normalize
from cclcc_cli.data.store import Store
from cclcc_cli.metrics.overlap import IGNORED_RULE, overlap_scores, rules
from cclcc_cli.metrics.scores import Score
from cclcc_cli.metrics.surface import surface_scores
from cclcc_cli.models.network import Network
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext, own_items
from cclcc_cli.training.runtime import Runtime

Scores = dict[str, float]
ExtraScores = Mapping[Score, Callable[[Tensor, Tensor, Tensor], Tensor]]
"""Rows of the table of scores to functions of probabilities, masks and targets, as plug-ins add."""
NO_SCORES: ExtraScores = {}

EVALUATION_BATCH = 8
"""Fixed, so that a score never depends on how much memory was free."""


@dataclass(frozen=True)
class ImageScores:
    """What the prediction for one image is worth.

    Attributes:
        stem: the image.
        working: scores at the store's size; surface distances in its pixels.
        own: scores at the image's own size, in its own pixels; empty if not asked for.
    """

    stem: str
    working: Scores
    own: Scores = field(default_factory=dict)


def evaluation_rules(
    config: Evaluation, on: Literal["probs", "logits"], ignoring: bool = False
) -> dict[str, str]:
    """In words, every convention that these scores depend on; stamped into results.

    Args:
        config: the recipe's rules.
        on: what the threshold applies to.
        ignoring: whether the data have pixels that do not count.
    """
    return {
        "threshold": f"mask = {on} > {config.threshold:g} "
        f"(probability {probability_threshold(config, on):.6g})",
        "own_size": "probabilities resized bilinearly to the image's own size, then thresholded",
        "mean": "mean over images",
        **rules(config.total_miss, config.mae_on),
        **({"ignored": IGNORED_RULE} if ignoring else {}),
    }


def probability_threshold(config: Evaluation, on: Literal["probs", "logits"]) -> float:
    """The threshold as a probability: 0.5 on logits is 0.622."""
    return config.threshold if on == "probs" else 1 / (1 + math.exp(-config.threshold))


@torch.inference_mode()
def predict(network: Network, images: NDArray[np.uint8], runtime: Runtime) -> Tensor:
    """Probabilities ``(B, 1, S, S)`` float32, for images ``(B, S, S, 3)`` uint8.

    The network must be in evaluation mode.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(images)).to(runtime.torch_device)
    batch = normalize(pixels, network.normalization)
    with runtime.autocast():
        logits = network(batch)
    return torch.sigmoid(logits.float())


@torch.inference_mode()
def validation_scores(
    network: Network, store: Store, positions: Sequence[int], config: Evaluation, runtime: Runtime,
    context: DistributedContext = SINGLE_PROCESS, per_image: list[Scores] | None = None,
    extra: ExtraScores = NO_SCORES,
) -> Scores:
    """Mean overlap scores at the working size: what chooses the best checkpoint.

    Args:
        network: predicts; keeps its mode.
        store: images and truth.
        positions: rows of the validation split.
        config: the recipe's rules.
        runtime: device and precision.
        context: its processes share the batches out; all get the same scores.
        per_image: receives the scores of each image that this process predicts, where given.
        extra: what plug-ins add to the table of scores.
    """
    threshold = probability_threshold(config, config.validation_on)
    was_training = network.training
    network.eval()
    sums: Scores = {}
    for rows in own_items(_batches(positions), context):
        scores = _overlap(network, store, rows, config, threshold, runtime, extra)[1]
        for name, values in scores.items():
            sums[name] = sums.get(name, 0.0) + float(values.sum())
        if per_image is not None:
            per_image += [{name: float(values[place]) for name, values in scores.items()}
                          for place in range(len(rows))]
    network.train(was_training)
    return {name: total / len(positions) for name, total in context.add(sums).items()}


@torch.inference_mode()
def evaluate_images(
    network: Network,
    store: Store,
    positions: Sequence[int],
    config: Evaluation,
    on: Literal["probs", "logits"],
    runtime: Runtime,
    keep_masks: bool = False,
    extra: ExtraScores = NO_SCORES,
) -> tuple[list[ImageScores], NDArray[np.uint8] | None]:
    """Every score of every image, at the working size and at its own.

    Args:
        network: predicts; is put into evaluation mode.
        store: images and truth.
        positions: rows to evaluate, in the order of the result.
        config: the recipe's rules.
        on: what the threshold applies to.
        runtime: device and precision.
        keep_masks: also return the predicted masks, packed so that large splits fit in memory.
        extra: what plug-ins add to the table of scores.

    Returns:
        Scores, and each image's mask in a row of bits, ``(N, ceil(S * S / 8))`` uint8, or None.
    """
    threshold = probability_threshold(config, on)
    network.eval()
    results: list[ImageScores] = []
    bits: list[NDArray[np.uint8]] = []
    for rows in _batches(positions):
        probs, overlap = _overlap(network, store, rows, config, threshold, runtime, extra)
        working = {name: values.tolist() for name, values in overlap.items()}
        maps = probs[:, 0]
        for place, row in enumerate(rows):
            mask = (maps[place] > threshold).numpy()
            scores = {name: values[place] for name, values in working.items()}
            scores |= _surface(mask, store.masks[row])
            own = _own_size_scores(maps[place], store.original_mask(row), config, threshold, extra)
            results.append(ImageScores(store.rows[row].stem, scores, own))
            if keep_masks:
                bits.append(np.packbits(mask))
    return results, np.stack(bits) if keep_masks else None


def mean_scores(scores: Sequence[Mapping[str, float]]) -> Scores:
    """The mean of each score over images."""
    return {name: math.fsum(s[name] for s in scores) / len(scores) for name in scores[0]}


def _batches(positions: Sequence[int]) -> list[Sequence[int]]:
    starts = range(0, len(positions), EVALUATION_BATCH)
    return [positions[start : start + EVALUATION_BATCH] for start in starts]


def _overlap(
    network: Network, store: Store, rows: Sequence[int], config: Evaluation, threshold: float,
    runtime: Runtime, extra: ExtraScores,
) -> tuple[Tensor, dict[str, Tensor]]:
    # Scored on the CPU: float64 counts, which not every accelerator has.
    probs = predict(network, store.images[list(rows)], runtime).cpu()
    return probs, _all_scores(probs, probs > threshold, store.masks[list(rows)], config, extra)


def _all_scores(
    probs: Tensor, mask: Tensor, truth: NDArray[np.uint8], config: Evaluation, extra: ExtraScores
) -> dict[str, Tensor]:
    """Scores of overlap and those of plug-ins, each ``(B,)``; the truth is class maps."""
    target, left_out = (torch.from_numpy(area(truth))[:, None] for area in (foreground, ignored))
    counts = ~left_out if left_out.any() else None
    scores = overlap_scores(
        probs, mask, target, counts, total_miss=config.total_miss, mae_on=config.mae_on
    )
    if counts is not None and extra:
        probs, mask = probs * counts, mask & counts
    return scores | {row.key: function(probs, mask, target) for row, function in extra.items()}


def _own_size_scores(
    probs: Tensor, target: NDArray[np.uint8], config: Evaluation, threshold: float,
    extra: ExtraScores,
) -> Scores:
    height, width = target.shape
    resized = F.interpolate(
        probs[None, None], size=(height, width), mode="bilinear", align_corners=False
    ).clamp_(0, 1)
    mask = resized > threshold
    scores = _all_scores(resized, mask, target[None], config, extra)
    return {name: float(value) for name, value in scores.items()} | _surface(
        mask[0, 0].numpy(), target
    )


def _surface(mask: NDArray[np.bool_], truth: NDArray[np.uint8]) -> Scores:
    """Surface scores against a class map ``(H, W)``, by the rule for ignored pixels."""
    return surface_scores(mask & ~ignored(truth), foreground(truth))


def outline_overlay(
    image: NDArray[np.uint8], truth: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> bytes:
    """A PNG of one image ``(S, S, 3)`` with the truth outlined green and the prediction red.

    Args:
        image: RGB.
        truth: a class map ``(S, S)``.
        mask: ``(S, S)``.
    """
    canvas = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    for area, color in ((foreground(truth), (80, 220, 60)), (mask, (60, 60, 255))):
        outlines, _ = cv2.findContours(
            np.ascontiguousarray(area, dtype=np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(canvas, outlines, -1, color, 1)
    done, png = cv2.imencode(".png", canvas)
    assert done
    return png.tobytes()
