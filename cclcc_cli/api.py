"""What a notebook needs, as functions: ``import cclcc_cli as cclcc`` gives their names.

Each does what the command of its name does, takes paths as text or ``Path``, and raises a
``CclccError`` whose message says what was wrong, where, and what to do. What is heavy loads
inside the functions that need it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cclcc_cli.errors import CclccError
from cclcc_cli.files import DATA, DOWNLOADS, RUNS

if TYPE_CHECKING:
    from cclcc_cli.config import AnyRecipe
    from cclcc_cli.data.reading import ReadOptions
    from cclcc_cli.data.split_rule import SplitRule
    from cclcc_cli.data.store import Store
    from cclcc_cli.runs.predictor import Prediction, Predictor
    from cclcc_cli.runs.run import RunResult
    from cclcc_cli.training.runtime import Device, Precision

__all__ = [
    "CclccError", "Prediction", "Predictor", "compare", "evaluate", "gather_runs",
    "load_predictor", "load_recipe", "open_store", "prepare", "train",
]

AnyPath = str | Path
Split = Literal["val", "test"]


def __getattr__(name: str) -> Any:
    if name not in ("Prediction", "Predictor"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cclcc_cli.runs import predictor

    return getattr(predictor, name)


def load_recipe(recipe: AnyPath, changes: Mapping[str, Any] | None = None) -> "AnyRecipe":
    """Read and check a recipe.

    Args:
        recipe: a YAML file, or the name of a recipe of ``cclcc recipes``.
        changes: dotted keys and their values, such as ``{"data.labeled": 0.05, "seed": 1}``.

    Returns:
        The recipe as a frozen pydantic model, defaults filled in.

    Raises:
        RecipeError: the file cannot be read, or keys or values are wrong; names all of them.
    """
    from cclcc_cli.config import load_recipe as load

    overrides = [f"{key}={json.dumps(value)}" for key, value in (changes or {}).items()]
    return load(Path(recipe), overrides)


def prepare(
    name: str,
    images: AnyPath | Sequence[AnyPath] = (),
    masks: AnyPath | Sequence[AnyPath] = (),
    *,
    archives: Sequence[AnyPath] = (),
    size: int | None = None,
    count: int | None = None,
    seed: int | None = None,
    pair: str | None = None,
    options: "ReadOptions | None" = None,
    rule: "SplitRule | None" = None,
    force: bool = False,
    data: AnyPath = DATA,
    downloads: AnyPath = DOWNLOADS,
) -> "Store":
    """Turn images and masks into a store that recipes train on; the same again changes nothing.

    Args:
        name: ``synthetic``, a public data set, or what to call one's own images.
        images, masks: folders of one's own, one or several of each.
        archives: a public data set's files that are here already; else they are downloaded.
        size: side of the stored images in pixels, a multiple of 16; 320, for synthetic 128.
        count, seed: of synthetic scenes; 1000 and 0.
        pair: how masks are called, such as ``{stem}_manual1``; None to find out.
        options: how files are to be read, such as which values of masks are the object; None to
            have it decided over the whole set.
        rule: how to split; None for the official split, or else 80, 10 and 10 %.
        force: replace a store that differs.
        data: where stores are kept.
        downloads: where archives are kept.

    Returns:
        The store: ``images`` (n, S, S, 3) and ``masks`` (n, S, S) as uint8 memory maps, masks of 0
        and 1; ``splits``, ``rows`` and ``info`` say what they are.

    Raises:
        DataError: files cannot be used, all of them named; or a store is there and differs.
    """
    from cclcc_cli.data.choose import choose_size, choose_source
    from cclcc_cli.data.prepare import prepare as prepare_store
    from cclcc_cli.data.reading import ReadOptions
    from cclcc_cli.data.split_rule import SplitRule
    from cclcc_cli.data.store import store_path

    side, rule = choose_size(name, size), rule or SplitRule()
    source = choose_source(
        name, _paths(images), _paths(masks), _paths(archives), rule=rule, count=count, seed=seed,
        pattern=pair, options=options or ReadOptions(), downloads=Path(downloads),
    )
    return prepare_store(store_path(Path(data), name, side), source, rule, force).store


def open_store(name: str, size: int | None = None, *, data: AnyPath = DATA) -> "Store":
    """Open a prepared data set.

    Args:
        name: as it was prepared.
        size: its stored side in pixels; needed where there are several.
        data: where stores are kept.

    Raises:
        DataError: there is none, there are several sizes, or it is damaged.
    """
    from cclcc_cli.data.store import open_store as open_named

    return open_named(Path(data), name, size)


def train(
    recipe: "AnyRecipe",
    *,
    device: "Device" = "auto",
    precision: "Precision" = "auto",
    threads: int | None = None,
    workers: int = 0,
    fresh: bool = False,
    quiet: bool = False,
    data: AnyPath = DATA,
    runs: AnyPath = RUNS,
) -> "RunResult":
    """Train a recipe's run, go on where it stopped, or return it where it is finished.

    It is the run that ``cclcc train`` would make, except that MLflow is left alone: ``cclcc sync``
    mirrors it there.

    Args:
        recipe: from ``load_recipe``.
        device: where to compute.
        precision: of the convolutions; losses and weights stay float32.
        threads: CPU threads; part of a CPU run's identity.
        workers: processes that load data; never change a result.
        fresh: train again even where the run is finished.
        quiet: print no progress.
        data: where stores are kept.
        runs: where run folders are made.

    Returns:
        ``folder.path`` is the run folder, ``result`` its mean scores (shares of 1, pixels) and the
        rules of evaluation, ``trained`` False where nothing had to be done.

    Raises:
        DataError: the store is missing or does not suit the recipe.
        RunError: the run is being trained elsewhere, or this machine lacks the device.
        TrainingDiverged: the loss stopped being finite.
        Interrupted: it was stopped; the same call goes on.
    """
    from cclcc_cli.runs.progress import TextDisplay
    from cclcc_cli.runs.run import train_run
    from cclcc_cli.training.runtime import resolve_runtime

    display = TextDisplay((lambda _line: None) if quiet else print)
    return train_run(
        recipe, data_root=Path(data), runs_root=Path(runs), display=display, fresh=fresh,
        runtime=resolve_runtime(device, precision, workers, threads=threads),
    )


def load_predictor(
    run: AnyPath, *, device: "Device" = "auto", precision: "Precision" = "auto"
) -> "Predictor":
    """Load the best checkpoint of a trained run, to segment images of any size.

    ``predictor(image)`` takes RGB, ``(H, W, 3)`` uint8, and returns ``probs``, ``(H, W)`` float32
    in [0, 1], and ``mask``, ``(H, W)`` bool, at that size: resized, normalised and thresholded as
    at the run's test.

    Args:
        run: the run folder.
        device: where to compute.
        precision: of the convolutions.

    Raises:
        RunError: it is no trained run, or is damaged; or this machine lacks the device.
    """
    from cclcc_cli.runs.predictor import load_predictor as load

    return load(Path(run), device, precision)


def evaluate(
    predictor: "Predictor", store: "Store", split: Literal["train", "val", "test"] = "test"
) -> list[dict[str, Any]]:
    """Score a run's predictor on the images of a store, one record for each.

    Args:
        predictor: from ``load_predictor``.
        store: from ``prepare`` or ``open_store``, at the size of the run's data.
        split: which images.

    Returns:
        ``stem``, then each score at the store's size under its name, such as ``dice`` in [0, 1] or
        ``hd95`` in pixels, and at the image's own size with ``_original``.

    Raises:
        DataError: the store has another size, or no image in the split.
    """
    from cclcc_cli.metrics.scores import metric_name

    return [
        {"stem": image.stem,
         **image.working,
         **{metric_name(("own", key)): value for key, value in image.own.items()}}
        for image in predictor.evaluate(store, split)
    ]


def gather_runs(runs: AnyPath = RUNS) -> list[dict[str, Any]]:
    """Read every finished run below a folder as one flat record, ready for a data frame.

    Args:
        runs: where run folders are kept.

    Returns:
        ``folder``, ``data``, ``method``, ``name``, ``labeled``, ``seed``, ``steps``,
        ``best_step``, and mean scores such as ``test dice`` and ``val hd95_original``: shares of 1,
        distances in pixels, None for a score that the run is older than.

    Raises:
        RunError: there is no such folder, or no finished run in it.
    """
    from cclcc_cli.metrics.scores import metric_name
    from cclcc_cli.report.gather.runs import gather_runs as gather

    return [
        {"folder": run.path, "data": run.data, "method": run.method, "name": run.name,
         "labeled": run.labeled, "seed": run.seed, "steps": run.steps,
         "best_step": run.best_step,
         **{f"{split} {metric_name(metric)}": value
            for split, scores in run.scores.items() for metric, value in scores.items()}}
        for run in gather(Path(runs)).runs
    ]


def compare(
    first: AnyPath,
    second: AnyPath,
    *,
    runs: AnyPath = RUNS,
    split: Split = "test",
    metric: str = "dice",
    margin: float | None = None,
    across: bool = False,
) -> dict[str, Any]:
    """Compare two runs or two groups, image by image and seed by seed.

    Args:
        first, second: each a run folder, or a method, recipe or group with all its seeds.
        runs: where run folders are kept.
        split: whose images.
        metric: the primary score, such as ``iou``, or ``dice_original``.
        margin: within which a difference counts as none, in the score's own unit: a share of 1, or
            pixels. None for 0.02, or 2 pixels.
        across: compare although data or evaluation differ.

    Returns:
        What ``cclcc compare --json`` prints: ``keys`` that differ between the recipes, ``sides``,
        ``difference`` with its interval and p, ``verdict``, and ``summary`` and ``notes`` as
        sentences.

    Raises:
        RunError: a name stands for nothing or for several groups, or the scores must not be
            compared.
    """
    from cclcc_cli.metrics.scores import parse_metric
    from cclcc_cli.report.pages.compare import compare as compare_sides
    from cclcc_cli.report.pages.compare import pair_record

    try:
        primary = parse_metric(metric)
    except ValueError as error:
        raise CclccError(f"metric {metric}: {error}") from None
    sides = compare_sides((str(first), str(second)), Path(runs), split, across, primary, margin)
    return pair_record(sides)


def _paths(paths: AnyPath | Sequence[AnyPath]) -> list[Path]:
    return [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
