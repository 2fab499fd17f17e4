"""Which test images to show: where methods disagree most, and the worst of each, not the best.

Nobody picks the images by hand: the choice follows from what was predicted alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.metrics.scores import MAIN, Metric, gain
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.figures.names import group_names
from cclcc_cli.report.gather.details import read_record
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.masks import read_masks
from cclcc_cli.wording import few

NO_MASKS = ("the run folders hold no predicted masks (a bundle leaves them out, old versions kept "
            "none); cclcc train --fresh trains them again")
_MOST_DISAGREEMENTS = 3

Bits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What methods predicted for the same test images, one training each.

    Attributes:
        names: of the methods.
        seeds: of the training that is shown, by method.
        stems: of the images.
        masks: ``(methods, images, S, S)``.
        scores: of each method on each image, ``(methods, images)``.
        store: images and truth.
        metric: which score.
    """

    names: Sequence[str]
    seeds: Sequence[int]
    stems: Sequence[str]
    masks: Bits
    scores: NDArray[np.float64]
    store: Store
    metric: Metric = MAIN


@dataclass(frozen=True)
class Case:
    """An image that is shown.

    Attributes:
        index: among ``Predictions.stems``.
        disagreement: 1 less the mean Dice between any two methods' masks, 0 to 1.
        reasons: why it was chosen, in words.
    """

    index: int
    disagreement: float
    reasons: tuple[str, ...]


def read_predictions(
    evidence: Sequence[Evidence], scores: RunScores, data_root: Path
) -> tuple[Predictions | None, list[str]]:
    """Read masks and open the store of one place's groups; notes say what is missing.

    Every group is shown by the training with the lowest seed that kept its masks; where one seed is
    common to all groups, by the lowest of these.
    """
    names = group_names([found.group for found in evidence])
    kept = {found.group.first.group: [run for run in found.group.runs if run.path in scores
                                  and RunFolder(run.path).test_masks.exists()]
            for found in evidence}
    without = [names[group] for group, runs in kept.items() if not runs]
    notes = [f"no cases of {', '.join(without)}: {NO_MASKS}"] if without else []
    shown = [found.group.first.group for found in evidence if kept[found.group.first.group]]
    if not shown:
        return None, notes
    common = set.intersection(*({_repeat(run) for run in kept[group]} for group in shown))
    runs = [min(kept[group], key=lambda run: (_repeat(run) not in common, _repeat(run)))
            for group in shown]
    try:
        store = _open_store(runs[0], data_root)
        return _predictions([names[group] for group in shown], runs, scores, store,
                            primary_metric(evidence)), notes
    except CclccError as error:
        return None, [*notes, f"no cases: {error}"]


def _repeat(run: FinishedRun) -> tuple[int, int]:
    """Fold and seed, in whose order runs are chosen."""
    return -1 if run.fold is None else run.fold, run.seed


def choose_cases(predictions: Predictions) -> list[Case]:
    """The images with the most disagreement, the worst of each method and a median one.

    Returns:
        Each image once, the most disagreement first; equal ones in the order of the images.
    """
    disagreement = measure_disagreement(predictions.masks)
    scores, up = predictions.scores, gain(1, predictions.metric)
    reasons: dict[int, list[str]] = {}
    if len(predictions.names) > 1:
        order = np.argsort(-disagreement, kind="stable")[:_MOST_DISAGREEMENTS]
        for place, index in enumerate(order, 1):
            if disagreement[index] > 0:
                reasons.setdefault(int(index), []).append(f"disagreement no. {place}")
    worst: dict[int, list[str]] = {}
    for name, row in zip(predictions.names, scores, strict=True):
        lowest = np.flatnonzero(up * row == (up * row).min())
        index = lowest[np.argmax(disagreement[lowest])]  # of equally bad ones the most disputed
        worst.setdefault(int(index), []).append(name)
    for index, names in worst.items():
        reasons.setdefault(index, []).append(f"worst of {few(names)}")
    mean = scores.mean(axis=0)
    middle = np.argsort(mean, kind="stable")[(len(mean) - 1) // 2]
    reasons.setdefault(int(middle), []).append("median of all methods' mean")
    cases = [Case(index, float(disagreement[index]), tuple(why)) for index, why in reasons.items()]
    return sorted(cases, key=lambda case: (-case.disagreement, case.index))


def measure_disagreement(masks: Bits) -> NDArray[np.float64]:
    """1 less the mean Dice between any two methods, by image; two empty masks agree.

    Args:
        masks: ``(methods, images, S, S)``.
    """
    count = len(masks)
    if count == 1:
        return np.zeros(masks.shape[1])
    upper = np.triu_indices(count, 1)
    found = np.empty(masks.shape[1])
    for image in range(masks.shape[1]):
        flat = masks[:, image].reshape(count, -1).astype(np.float32)
        both = (flat @ flat.T).astype(np.float64)  # counts of pixels: exact below 2 ** 24
        areas = np.diag(both)
        total = areas[:, None] + areas
        dice = np.divide(2 * both, total, out=np.ones_like(both), where=total > 0)
        found[image] = 1 - dice[upper].mean()
    return found


def _open_store(run: FinishedRun, data_root: Path) -> Store:
    data = read_record(run).data
    store = load_store(store_path(data_root, data.name, data.size))
    if store.info.digest != data.digest:
        raise RunError(f"{store.path}: is not the data that {run.path} was trained on; give its "
                       "data with --data")
    return store


def _predictions(
    names: Sequence[str], runs: Sequence[FinishedRun], scores: RunScores,
    store: Store, metric: Metric,
) -> Predictions:
    stems = scores[runs[0].path].stems
    for run in runs[1:]:
        theirs = set(scores[run.path].stems)
        stems = tuple(stem for stem in stems if stem in theirs)
    if not stems:
        raise RunError(f"{runs[0].path} and others have no test image in common")
    found = []
    for run in runs:
        masks = read_masks(RunFolder(run.path))
        if masks is None or masks.size != store.info.size or not set(stems) <= set(masks.stems):
            raise RunError(f"{RunFolder(run.path).test_masks}: is not of the run's images; "
                           "cclcc train --fresh trains it again")
        found.append(masks.of(stems))
    values = np.stack([scores[run.path].of(stems).values for run in runs])
    return Predictions(names, [run.seed for run in runs], stems, np.stack(found), values, store,
                       metric)
