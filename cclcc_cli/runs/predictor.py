"""A finished run as something that segments images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from cclcc_cli.config import AnyRecipe, parse_recipe
from cclcc_cli.config.model import TimmModel
from cclcc_cli.data.store import Store
from cclcc_cli.data.store_writer import fit_image
from cclcc_cli.errors import DataError
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.training.checkpoint import load_checkpoint
from cclcc_cli.training.evaluate import (
    ImageScores,
    evaluate_images,
    predict,
    probability_threshold,
)
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime


class Prediction(NamedTuple):
    """What a network sees in one image, at the image's own size.

    Attributes:
        probs: probability of foreground, ``(H, W)`` float32 in [0, 1].
        mask: where it exceeds the run's threshold, ``(H, W)`` bool.
    """

    probs: NDArray[np.float32]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Predictor:
    """The best checkpoint of a run, with the size, normalisation and threshold it was tested by.

    Call it with an image, see ``__call__``.

    Attributes:
        folder: the run folder.
        recipe: the run's, resolved.
        network: in evaluation mode, on the runtime's device.
        runtime: device and precision.
    """

    folder: Path
    recipe: AnyRecipe
    network: Network
    runtime: Runtime

    @property
    def size(self) -> int:
        """Side in pixels to which images are resized for the network."""
        return self.recipe.data.size

    @property
    def threshold(self) -> float:
        """The probability above which a pixel is foreground, in (0, 1)."""
        return probability_threshold(self.recipe.evaluation, self.recipe.evaluation.test_on)

    def __call__(self, image: NDArray[np.uint8]) -> Prediction:
        """Segment one image of any size.

        Args:
            image: RGB, ``(H, W, 3)`` uint8.

        Returns:
            Probabilities and mask at the same height and width: what the run's test scores at
            the original size are computed from.

        Raises:
            DataError: the array has another type or shape.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise DataError(f"an image must be RGB, uint8, (H, W, 3), not {image.dtype} "
                            f"{image.shape}; convert it first")
        small = fit_image(np.ascontiguousarray(image), self.size)
        probs = predict(self.network, small[None], self.runtime).cpu()
        height, width = image.shape[:2]
        resized = F.interpolate(probs, size=(height, width), mode="bilinear", align_corners=False)
        resized = resized.clamp_(0, 1)[0, 0]
        return Prediction(resized.numpy(), (resized > self.threshold).numpy())

    def evaluate(
        self, store: Store, split: Literal["train", "val", "test"] = "test"
    ) -> list[ImageScores]:
        """Score the images of one split of a prepared data set.

        On the data it was trained with this repeats the scores of the run folder.

        Args:
            store: prepared at the size of the run's data; of one with folds, the run's fold counts.
            split: which images.

        Returns:
            Each image's scores, in the order of the split: shares of 1, distances in pixels.

        Raises:
            DataError: the store has another size, or no image in the split.
        """
        if store.info.size != self.size:
            raise DataError(f"{store.path}: is stored at {store.info.size} pixels, the run takes "
                            f"{self.size}; prepare the data with --size {self.size}")
        splits = store.fold(self.recipe.data.fold) if store.folds else store.splits
        stems: Sequence[str] = getattr(splits, split)
        if not stems:
            raise DataError(f"{store.path}: its {split} split is empty; choose another split")
        config = self.recipe.evaluation
        scores, _ = evaluate_images(
            self.network, store, store.positions(stems), config,
            config.validation_on if split == "val" else config.test_on, self.runtime,
        )
        return scores


def load_predictor(
    path: Path, device: Device = "auto", precision: Precision = "auto"
) -> Predictor:
    """Load the best checkpoint of a trained run.

    Neither the data nor the weights that the run started from are needed.

    Args:
        path: the run folder.
        device: where to compute.
        precision: of the convolutions.

    Raises:
        RunError: it is no run folder, is not trained to its end, or is damaged; or this machine
            does not have the device.
    """
    folder = RunFolder(path)
    recipe = parse_recipe(folder.trained_run().recipe.values, str(folder.path / "cell.json"))
    runtime = resolve_runtime(device, precision)
    model = recipe.model
    if isinstance(model, TimmModel):  # all weights are in the checkpoint
        model = model.model_copy(update={"weights": "none"})
    with torch.random.fork_rng(devices=[]):
        network = build_network(model)
    network.load_state_dict(load_checkpoint(folder.best_checkpoint)["network"])
    network.to(runtime.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(path, recipe, network.eval(), runtime)
